"""How well two boxes agree in overlap, distance and shape: CIoU."""

from __future__ import annotations

import math

from keras import ops

from yolo_core.boxes import Tensor

EPSILON = 1e-7
# In cells: no side is smaller when its angle is taken.
SMALLEST_SIDE = 1e-6


def complete_iou(boxes: Tensor, centre: Tensor, size: Tensor, *, quotient: bool = False) -> Tensor:
    """(...) CIoU of predicted boxes with others (Zheng et al. 2020).

    The weight of the shapes is a constant to the gradient, as in the paper.

    Args:
        boxes: (..., 4) float32 x_center, y_center, width, height, in cells.
        centre: (..., 2) float32, that of the others, not trained; broadcasts against `boxes`.
        size: (..., 2) float32, likewise: an angle costs as much as all the rest.
        quotient: Takes the angle of a predicted box from width over height, which is no number
            for the smallest boxes (`docs/losses.md`, G-7).
    """
    x, y, width, height = ops.unstack(boxes, axis=-1)
    x_2, y_2 = ops.unstack(centre, axis=-1)
    width_2, height_2 = ops.unstack(size, axis=-1)

    def shared_and_hull(centre: Tensor, size: Tensor, centre_2: Tensor, size_2: Tensor) -> tuple:
        low, high = centre - size / 2, centre + size / 2
        low_2, high_2 = centre_2 - size_2 / 2, centre_2 + size_2 / 2
        shared = ops.relu(ops.minimum(high, high_2) - ops.maximum(low, low_2))
        return shared, ops.maximum(high, high_2) - ops.minimum(low, low_2)

    shared_x, hull_x = shared_and_hull(x, width, x_2, width_2)
    shared_y, hull_y = shared_and_hull(y, height, y_2, height_2)
    intersection = shared_x * shared_y
    union = width * height + width_2 * height_2 - intersection + EPSILON
    overlap = intersection / union
    diagonal = ops.square(hull_x) + ops.square(hull_y) + EPSILON
    distance = (ops.square(x_2 - x) + ops.square(y_2 - y)) / diagonal
    if quotient:
        angle = ops.arctan(width / height)
    else:
        angle = ops.arctan2(ops.maximum(width, SMALLEST_SIDE), ops.maximum(height, SMALLEST_SIDE))
    angle_2 = ops.arctan2(width_2, height_2)
    shape = 4 / math.pi**2 * ops.square(angle_2 - angle)
    weight = ops.stop_gradient(shape / (shape - overlap + (1.0 + EPSILON)))
    return overlap - (distance + shape * weight)
