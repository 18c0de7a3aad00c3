"""What YOLOv2's predictions say, whether they are raw output or decoded already."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras import ops

from yolo_core.losses.anchor_boxes import decode_anchor_boxes
from yolo_core.losses.cross_entropy import cross_entropy
from yolo_core.losses.slot_axis import channel

# A square root has no slope at zero, a logarithm no value: decoded numbers below count as this.
SMALLEST_DECODED = 1e-30


@dataclasses.dataclass(frozen=True)
class OutputReader:
    """Reads (..., 5 + C) predictions: those of all slots, or only of the slots of some objects.

    Attributes:
        decoded: As in `YoloV2Loss`.
        unit: (4,) float32. What decoded boxes are multiplied with to be in grid cells.
    """

    decoded: bool
    unit: Any

    def boxes(self, predictions: Any, corner: Any, anchor: Any) -> Any:
        """(..., 4) boxes in grid cells.

        Args:
            predictions: (..., 5 + C).
            corner: (..., 2) column and row of each slot's cell.
            anchor: (..., 2) anchor of each slot, in grid cells.
        """
        if self.decoded:
            return predictions[..., :4] * self.unit
        return decode_anchor_boxes(predictions, corner, anchor)

    def confidence(self, predictions: Any) -> Any:
        """(...) 0 to 1."""
        confidence = channel(predictions, 4)
        return confidence if self.decoded else ops.sigmoid(confidence)

    def class_probabilities(self, predictions: Any) -> Any:
        """(..., C)."""
        if self.decoded:
            return predictions[..., 5:]
        return ops.softmax(predictions[..., 5:], axis=-1)

    def class_error(self, predictions: Any, one_hot: Any) -> Any:
        """(...) cross-entropy with (..., C) targets."""
        if not self.decoded:
            return cross_entropy(one_hot, predictions[..., 5:])
        probability = ops.maximum(predictions[..., 5:], SMALLEST_DECODED)
        return -ops.sum(one_hot * ops.log(probability), axis=-1)
