"""Boxes as their anchors encode them, and how well two boxes agree."""

from __future__ import annotations

import numpy as np
from keras import ops

from yolo_core.boxes import Tensor, to_corners

# A predicted side is at most 62.5 times its anchor's.
LARGEST_SIZE_DELTA = float(np.log(1000 / 16))
GIOU_EPSILON = 1e-7


def encode_deltas(boxes: Tensor, anchors: Tensor) -> Tensor:
    """(B, P, 4) deltas that stand for boxes."""
    centre = (boxes[..., :2] - anchors[:, :2]) / anchors[:, 2:]
    return ops.concatenate([centre, ops.log(boxes[..., 2:] / anchors[:, 2:])], axis=-1)


def decode_deltas(deltas: Tensor, anchors: Tensor) -> Tensor:
    """(B, P, 4) boxes that deltas stand for."""
    centre = anchors[:, :2] + deltas[..., :2] * anchors[:, 2:]
    growth = ops.minimum(deltas[..., 2:], LARGEST_SIZE_DELTA)
    return ops.concatenate([centre, anchors[:, 2:] * ops.exp(growth)], axis=-1)


def generalised_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """(...) GIoU of (..., 4) boxes in centre format (Rezatofighi et al. 2019)."""
    one, other = to_corners(boxes), to_corners(others)
    shared = ops.relu(
        ops.minimum(one[..., 2:], other[..., 2:]) - ops.maximum(one[..., :2], other[..., :2])
    )
    hull = ops.maximum(one[..., 2:], other[..., 2:]) - ops.minimum(one[..., :2], other[..., :2])
    intersection, hull_area = shared[..., 0] * shared[..., 1], hull[..., 0] * hull[..., 1]
    union = boxes[..., 2] * boxes[..., 3] + others[..., 2] * others[..., 3] - intersection
    overlap = intersection / (union + GIOU_EPSILON)
    return overlap - (hull_area - union) / (hull_area + GIOU_EPSILON)
