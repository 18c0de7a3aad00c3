"""Box formats and intersection over union, on any Keras backend.

A box is x_center, y_center, width, height unless a name says corners.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from keras import ops

Tensor: TypeAlias = Any
"""A tensor of whichever backend Keras runs on; its shape and dtype stand in the docstrings."""

# Below this a union is rounding noise, and dividing by it would only amplify the noise.
SMALLEST_UNION = 1e-12


def to_corners(boxes: Any) -> Any:
    """Centre format to corner format.

    Args:
        boxes: (..., 4) float: x_center, y_center, width, height, in any one unit.

    Returns:
        (..., 4): x_min, y_min, x_max, y_max in that unit.
    """
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return ops.concatenate([centre - half, centre + half], axis=-1)


def intersection_corners(corners_1: Any, corners_2: Any) -> Any:
    """The rectangle that two boxes have in common.

    Args:
        corners_1: (..., 4) float, corner format.
        corners_2: (..., 4) float, corner format, the same unit; broadcasts against `corners_1`.

    Returns:
        (..., 4), corner format; x_max < x_min or y_max < y_min where the boxes do not meet.
    """
    low = ops.maximum(corners_1[..., :2], corners_2[..., :2])
    high = ops.minimum(corners_1[..., 2:], corners_2[..., 2:])
    return ops.concatenate([low, high], axis=-1)


def corner_area(corners: Any) -> Any:
    """The (...) area of (..., 4) boxes in corner format, 0 where a side would be negative."""
    sides = ops.relu(corners[..., 2:] - corners[..., :2])
    return sides[..., 0] * sides[..., 1]


def union_area(sizes_1: Any, sizes_2: Any, intersection: Any) -> Any:
    """The (...) area that either of two boxes covers.

    Args:
        sizes_1: (..., 2) float: width, height.
        sizes_2: (..., 2) float, the same unit; broadcasts against `sizes_1`.
        intersection: (...) float, the area that both cover.
    """
    area_1 = sizes_1[..., 0] * sizes_1[..., 1]
    area_2 = sizes_2[..., 0] * sizes_2[..., 1]
    return area_1 + area_2 - intersection


def overlap_ratio(intersection: Any, union: Any, *, epsilon: float = 0.0) -> Any:
    """Intersection over union of (...) areas, 0 where the union is too small to divide by."""
    union = union + epsilon
    # Over infinity the ratio is 0, and its gradient too.
    return intersection / ops.where(ops.abs(union) > SMALLEST_UNION, union, float("inf"))


def intersection_over_union(
    boxes_1: Any, boxes_2: Any, *, epsilon: float = 0.0, floor_corners: bool = False
) -> Any:
    """IoU of boxes paired by broadcasting.

    Two boxes without area, or an area too small for float32, have IoU 0, never 0 / 0
    (`docs/losses.md`, D-3).

    Args:
        boxes_1: (..., 4) float, centre format.
        boxes_2: (..., 4) float, centre format, the same unit; broadcasts against `boxes_1`.
        epsilon: Added to the union. The MNIST-digits detector has 1e-8.
        floor_corners: Rounds the corners, not the sizes, down before intersecting, as
            the MNIST-digits detector does; made for pixels, it breaks
            boxes in image fractions (`docs/losses.md`, A-2).

    Returns:
        (...) float32, 0 to 1 for boxes with sizes of zero or more.
    """
    x_1, y_1, width_1, height_1 = ops.unstack(ops.convert_to_tensor(boxes_1), axis=-1)
    x_2, y_2, width_2, height_2 = ops.unstack(ops.convert_to_tensor(boxes_2), axis=-1)

    def ends(centre: Any, size: Any) -> tuple[Any, Any]:
        low, high = centre - size / 2, centre + size / 2
        return (ops.floor(low), ops.floor(high)) if floor_corners else (low, high)

    def shared(ends_1: tuple[Any, Any], ends_2: tuple[Any, Any]) -> Any:
        return ops.relu(ops.minimum(ends_1[1], ends_2[1]) - ops.maximum(ends_1[0], ends_2[0]))

    # One axis after the other: slices of a broadcast (..., 4) array are read in strides, which
    # without XLA takes twenty times as long.
    intersection = shared(ends(x_1, width_1), ends(x_2, width_2)) * shared(
        ends(y_1, height_1), ends(y_2, height_2)
    )
    union = width_1 * height_1 + width_2 * height_2 - intersection
    return overlap_ratio(intersection, union, epsilon=epsilon)


def pairwise_iou(boxes_1: Any, boxes_2: Any, *, some_area: bool = False) -> Any:
    """IoU of every box with every other one; `intersection_over_union` in fewer steps.

    Args:
        boxes_1: (B, N, 4) float, centre format.
        boxes_2: (B, P, 4) float, centre format, the same unit.
        some_area: Whether all of `boxes_2` are known to have an area that can be divided by.

    Returns:
        (B, N, P) float32.
    """
    x_low_1, y_low_1, x_high_1, y_high_1, width_1, height_1 = _planes(boxes_1, 3)
    x_low_2, y_low_2, x_high_2, y_high_2, width_2, height_2 = _planes(boxes_2, 2)
    shared_x = ops.relu(ops.minimum(x_high_1, x_high_2) - ops.maximum(x_low_1, x_low_2))
    shared_y = ops.relu(ops.minimum(y_high_1, y_high_2) - ops.maximum(y_low_1, y_low_2))
    intersection = shared_x * shared_y
    union = width_1 * height_1 + width_2 * height_2 - intersection
    return intersection / union if some_area else overlap_ratio(intersection, union)


def _planes(boxes: Any, axis: int) -> list[Any]:
    """Low and high ends, width and height of (B, M, 4) boxes, (B, M) each with an axis put in.

    Each plane lies together in memory, and the ends are laid out before the boxes are paired: what
    is left for each pair goes through several at a time.
    """
    planes = ops.transpose(boxes, (0, 2, 1))
    centre, size = planes[:, :2], planes[:, 2:]
    ends = ops.concatenate([centre - size / 2, centre + size / 2], axis=1)
    return [
        plane for part in (ends, size) for plane in ops.unstack(ops.expand_dims(part, axis), axis=1)
    ]


def shape_iou(sizes_1: Any, sizes_2: Any) -> Any:
    """IoU of two boxes laid on one centre, so that only their shapes count.

    Args:
        sizes_1: (..., 2) float: width, height, zero or more.
        sizes_2: (..., 2) float, the same unit; broadcasts against `sizes_1`.

    Returns:
        (...) float32, 0 to 1.
    """
    overlap = ops.minimum(sizes_1, sizes_2)
    intersection = overlap[..., 0] * overlap[..., 1]
    return overlap_ratio(intersection, union_area(sizes_1, sizes_2, intersection))
