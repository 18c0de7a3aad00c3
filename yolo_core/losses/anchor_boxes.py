"""Anchors as a loss takes them, and the boxes that predictions make of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from yolo_core.boxes import Tensor
from yolo_core.losses.base import DetectionLoss
from yolo_core.losses.cross_entropy import cross_entropy
from yolo_core.losses.meaning import encode_anchor_boxes
from yolo_core.slots import SlotLayout

# exp(20) cells is past any picture; beyond it squares and areas would leave float32.
LARGEST_SIZE_LOGIT = 20.0


def anchor_pairs(anchors: Any) -> np.ndarray:
    """(A, 2) float32 widths and heights, from pairs or from the notebook's flat list.

    Raises:
        ValueError: Not one or more pairs of finite numbers above zero.
    """
    try:
        numbers = np.asarray(anchors, np.float32)
        # Only a flat list is cut into pairs: (2, A) anchors would be cut wrongly in silence.
        pairs = numbers.reshape(-1, 2) if numbers.ndim == 1 else numbers
    except (TypeError, ValueError):
        pairs = np.zeros((0, 2), np.float32)
    if (
        pairs.ndim != 2
        or pairs.shape[1] != 2
        or not len(pairs)
        or not (np.isfinite(pairs) & (pairs > 0)).all()
    ):
        raise ValueError(
            "anchors must be one or more pairs of width and height in grid cells, above zero; "
            f"received {anchors!r}."
        )
    return pairs


def decode_anchor_boxes(raw: Any, corner: Any, anchor_of_slot: Any) -> Any:
    """The predicted boxes: x, y = corner + sigmoid, w, h = anchor * exp.

    Args:
        raw: (B, P, 4), raw x, y, w, h.
        corner: (P, 2) column and row of each slot's cell.
        anchor_of_slot: (P, 2) anchor of each slot, in grid cells.

    Returns:
        (B, P, 4) float32 centre format, in grid cells.
    """
    centre, size = ops.split(raw, 2, axis=-1)
    size = ops.clip(size, -2 * LARGEST_SIZE_LOGIT, LARGEST_SIZE_LOGIT)
    return ops.concatenate([ops.sigmoid(centre) + corner, ops.exp(size) * anchor_of_slot], axis=-1)


class AnchorOutput(DetectionLoss):
    """A loss whose slots predict a place in their cell, a factor on their anchor, and logits."""

    def encode_boxes(self, layout: SlotLayout, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `DetectionLoss.encode_boxes`."""
        return encode_anchor_boxes(layout, boxes)

    def _boxes(self, numbers: Tensor, corner: Tensor, anchor: Tensor, grid: Tensor) -> Tensor:
        """(..., 4) boxes in grid cells of (..., 4) raw numbers on a (4,) grid."""
        del grid
        return decode_anchor_boxes(numbers, corner, anchor)

    def _confidence(self, objectness: Tensor) -> Tensor:
        """(...) 0 to 1 of (...) raw numbers."""
        return ops.sigmoid(objectness)

    def _class_probabilities(self, classes: Tensor) -> Tensor:
        """(..., C) of (..., C) raw numbers."""
        return ops.softmax(classes, axis=-1)

    def _class_error(self, classes: Tensor, one_hot: Tensor) -> Tensor:
        """(...) what (..., C) raw numbers cost with (..., C) targets."""
        return cross_entropy(one_hot, classes)
