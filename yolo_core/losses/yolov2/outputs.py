"""What YOLOv2's predictions say, whether they are raw output or decoded already."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras import ops

from yolo_core.losses.anchor_boxes import decode_anchor_boxes
from yolo_core.losses.cross_entropy import cross_entropy

# A square root has no slope at zero, a logarithm no value: decoded numbers below count as this.
SMALLEST_DECODED = 1e-30


@dataclasses.dataclass(frozen=True)
class OutputReader:
    """Reads predictions, part by part: those of all slots, or only of the slots of some objects.

    Attributes:
        decoded: As in `YoloV2Loss`.
        unit: (4,) float32. What decoded boxes are multiplied with to be in grid cells.
    """

    decoded: bool
    unit: Any

    def boxes(self, numbers: Any, corner: Any, anchor: Any) -> Any:
        """(..., 4) boxes in grid cells.

        Args:
            numbers: (..., 4) x, y, w, h.
            corner: (..., 2) column and row of each slot's cell.
            anchor: (..., 2) anchor of each slot, in grid cells.
        """
        if self.decoded:
            return numbers * self.unit
        return decode_anchor_boxes(numbers, corner, anchor)

    def confidence(self, objectness: Any) -> Any:
        """0 to 1, of any shape."""
        return objectness if self.decoded else ops.sigmoid(objectness)

    def class_probabilities(self, classes: Any) -> Any:
        """(..., C)."""
        return classes if self.decoded else ops.softmax(classes, axis=-1)

    def class_error(self, classes: Any, one_hot: Any) -> Any:
        """(...) cross-entropy of (..., C) predictions with (..., C) targets."""
        if not self.decoded:
            return cross_entropy(one_hot, classes)
        probability = ops.maximum(classes, SMALLEST_DECODED)
        return -ops.sum(one_hot * ops.log(probability), axis=-1)
