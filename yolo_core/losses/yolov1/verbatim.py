"""YOLOv1's formula in its other readings, and on decoded predictions."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from yolo_core.assignment import IgnoreRule
from yolo_core.boxes import Tensor
from yolo_core.losses.verbatim import VerbatimLoss
from yolo_core.losses.yolov1.loss import YoloV1Loss
from yolo_core.slots import SlotLayout

# The square root has no slope at zero; decoded sizes below this count as this.
SMALLEST_SIZE = 1e-12


@keras.saving.register_keras_serializable(package="yolo_core")
class VerbatimYoloV1Loss(VerbatimLoss, YoloV1Loss):
    """`YoloV1Loss` with any of its published slips (`docs/losses.md`, B-9).

    Args:
        *arguments: As `YoloV1Loss`.
        slips: Names of `yolov1/slips.py`.
        decoded: Predictions are decoded values, as in the published formula: x, y, w, h,
            confidence and class scores are taken as they are.
        **options: As `YoloV1Loss`.

    Raises:
        ValueError: As `VerbatimLoss`.
    """

    def __init__(self, *arguments: Any, decoded: bool = False, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.decoded = bool(decoded)

    def get_config(self) -> dict[str, Any]:
        """All keyword arguments."""
        return {**super().get_config(), "decoded": self.decoded}

    @property
    def ignore_rule(self) -> IgnoreRule:
        """None, or the other boxes of a cell with an object."""
        return IgnoreRule("empty_cells") if self._has("empty-cells-only") else IgnoreRule()

    def encode_boxes(self, layout: SlotLayout, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `DetectionLoss.encode_boxes`."""
        if self.decoded:
            raise ValueError("it takes decoded predictions.")
        return super().encode_boxes(layout, boxes)

    def _activated(self, slots: Tensor) -> Tensor:
        if not self.decoded:
            return super()._activated(slots)
        root = ops.sqrt(ops.maximum(slots[..., 2:4], SMALLEST_SIZE))
        return ops.concatenate([slots[..., :2], root, slots[..., 4:]], axis=-1)

    def _confidence(self, objectness: Tensor) -> Tensor:
        return objectness if self.decoded else super()._confidence(objectness)

    def _confidence_target(self, iou: Tensor) -> Tensor:
        if self._has("confidence-to-one"):
            return ops.ones_like(iou)
        return super()._confidence_target(iou)

    def _empty(self, object_mask: Tensor, count: int) -> Tensor:
        if not self._has("empty-cells-only"):
            return super()._empty(object_mask, count)
        slots = object_mask.shape[1]
        taken = ops.any(ops.reshape(object_mask, (-1, slots // count, count)), axis=-1)
        return ops.logical_not(ops.repeat(taken, count, axis=1))
