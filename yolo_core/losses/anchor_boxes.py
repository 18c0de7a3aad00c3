"""Anchors as a loss takes them, and the boxes that predictions make of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

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
