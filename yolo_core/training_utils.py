"""The functions of the MNIST-digits detector, for readers who come with its document in hand.

They take and give what that document (`docs/losses.md#training-utils`) prints, slips included;
each docstring names the slip by its number in `docs/losses.md`, and what `MnistYoloLoss` does by
default instead. To train, use
``MnistYoloLoss(num_classes=10)``; ``published("mnist_yolo/documented", num_classes=10)`` is
`calculate_model_loss` with lambdas that can be moved.

B batch, N label rows an image, A predictors a cell, F = 5 + C features. A box is x_center,
y_center, width, height; a label row is [object, box, one-hot class]; a prediction holds the same
features, raw. The document has N = 5, A = 3, C = 10 and a 6x6 grid; here they may be any (A-8).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from yolo_core import boxes
from yolo_core.losses.cross_entropy import binary_cross_entropy, cross_entropy
from yolo_core.losses.labels import owning_cell
from yolo_core.losses.mnist_yolo.slips import PIXEL_SIZED_WEIGHT
from yolo_core.losses.mnist_yolo.verbatim import cells_by_x
from yolo_core.losses.slot_axis import add_to_slots, first_best, gather_candidates


def convert_boxes_to_corners(box_center_format: Any, *, floor: bool = True) -> Any:
    """Centre format to corner format, rounded down.

    Args:
        box_center_format: (B, N, A, 4) float, centre format.
        floor: Rounds the corners down as the document does, which is meant for pixels; boxes in
            image fractions become degenerate (A-2). `MnistYoloLoss` does not round.

    Returns:
        (B, N, A, 4): x_min, y_min, x_max, y_max.
    """
    corners = boxes.to_corners(_floats(box_center_format))
    return ops.floor(corners) if floor else corners


def calculate_intersection_corners(box_1_corners: Any, box_2_corners: Any) -> Any:
    """The rectangle that two boxes have in common.

    Args:
        box_1_corners: (B, N, A, 4) float, corner format.
        box_2_corners: (B, N, A, 4) float, the same unit; the two broadcast.

    Returns:
        (B, N, A, 4), corner format; inside out where the boxes do not meet.
    """
    return boxes.intersection_corners(_floats(box_1_corners), _floats(box_2_corners))


def calculate_intersection_area(intersection_box_corners: Any) -> Any:
    """The area of intersection rectangles: (B, N, A, 4) to (B, N, A), 0 where boxes do not meet."""
    return boxes.corner_area(_floats(intersection_box_corners))


def calculate_union_area(
    box_1_dimensions: Any, box_2_dimensions: Any, intersection_area: Any
) -> Any:
    """The area that either of two boxes covers.

    Args:
        box_1_dimensions: (B, N, A, 2) float: width, height.
        box_2_dimensions: (B, N, A, 2) float, the same unit; the two broadcast.
        intersection_area: (B, N, A) float.

    Returns:
        (B, N, A).

    Raises:
        ValueError: The area stands in the place of a box.
    """
    one, other, area = map(_floats, (box_1_dimensions, box_2_dimensions, intersection_area))
    if {one.shape[-1], other.shape[-1]} != {2} or len(area.shape) >= len(one.shape):
        raise ValueError(
            "The dimensions of two boxes (batch, objects, anchors, 2) come first, then the area "
            "(batch, objects, anchors); received "
            f"{', '.join(str(tuple(each.shape)) for each in (one, other, area))}."
        )
    return boxes.union_area(one, other, area)


def calculate_iou(intersection_area: Any, union_area: Any) -> Any:
    """Intersection over union.

    Args:
        intersection_area: (B, N, A) float.
        union_area: (B, N, A) float; 1e-8 is added to it.

    Returns:
        (B, N, A), 0 where the union is 0.
    """
    return boxes.overlap_ratio(_floats(intersection_area), _floats(union_area), epsilon=1e-8)


def calculate_grid_cell_indices(y_true: Any, y_pred: Any, *, grid_order: str = "x_y") -> Any:
    """The grid cell that owns each object.

    Args:
        y_true: (B, N, F) labels.
        y_pred: (B, H, W, A * F); only its grid is used.
        grid_order: "x_y" gives floor(x * H), floor(y * H), as the document's code does, which
            `calculate_best_anchor_boxes` uses as row and column. "row_column" gives what its prose
            says and `MnistYoloLoss` does: floor(y * H), floor(x * W) (A-3).

    Returns:
        (B, N, 2) int32. A centre on 1.0 or outside has the nearest cell, where the document's code
        stops with an error (A-7).

    Raises:
        ValueError: `y_true` and `y_pred` are exchanged; so in all functions that take both.
    """
    _check_order(y_true, y_pred)
    centres = ops.nan_to_num(_floats(y_true)[..., 1:3])
    rows, columns = y_pred.shape[1:3]
    if grid_order == "x_y":
        cells = cells_by_x(centres, rows, columns)
    else:
        cells = owning_cell(centres[..., 1], rows), owning_cell(centres[..., 0], columns)
    return ops.stack(cells, axis=-1)


def calculate_anchorbox_indices(
    y_true: Any, y_pred: Any, grid_cell_indices: Any, *, floor: bool = True
) -> Any:
    """Which predictor of its cell fits each object best.

    The raw predictions are compared as boxes, as in the document; `MnistYoloLoss` compares their
    sigmoid, which is what it trains (A-5).

    Args:
        y_true: (B, N, F) labels.
        y_pred: (B, H, W, A * F) raw predictions.
        grid_cell_indices: (B, N, 2) int32, row and column of each object's cell.
        floor: As in `convert_boxes_to_corners`; with it the first predictor wins nearly always.

    Returns:
        (B, N, 1) int32, the highest IoU; the first one on a tie.
    """
    _check_order(y_true, y_pred)
    true_boxes = ops.expand_dims(_floats(y_true)[..., 1:5], 2)
    selected = _predictors_of_cells(y_pred, grid_cell_indices, y_true.shape[-1])[..., 1:5]
    intersection = calculate_intersection_area(
        calculate_intersection_corners(
            convert_boxes_to_corners(true_boxes, floor=floor),
            convert_boxes_to_corners(selected, floor=floor),
        )
    )
    union = calculate_union_area(true_boxes[..., 2:], selected[..., 2:], intersection)
    return ops.expand_dims(first_best(calculate_iou(intersection, union)), -1)


def calculate_best_anchor_boxes(y_true: Any, y_pred: Any, *, floor: bool = True) -> Any:
    """The prediction that is responsible for each object.

    Args:
        y_true: (B, N, F) labels.
        y_pred: (B, H, W, A * F) raw predictions.
        floor: As in `calculate_anchorbox_indices`.

    Returns:
        (B, N, 1, F) raw; rows without an object hold a prediction of the first cell.
    """
    cells = calculate_grid_cell_indices(y_true, y_pred)
    best = calculate_anchorbox_indices(y_true, y_pred, cells, floor=floor)
    selected = _predictors_of_cells(y_pred, cells, y_true.shape[-1])
    return ops.take_along_axis(selected, ops.expand_dims(best, -1), axis=2)


def calculate_loss(predicted_values: Any, true_values: Any) -> tuple[Any, Any, Any]:
    """Objectness, bounding box and classification loss of matched predictions.

    Objectness and classes are compared from their logits, as in effect the document's code is
    (A-1); boxes raw, as squared error. `MnistYoloLoss` trains the sigmoid of the box (A-5).

    Args:
        predicted_values: (B, N, 1, F) raw predictions from `calculate_best_anchor_boxes`.
        true_values: (B, N, 1, F) labels.

    Returns:
        Three scalars, means over the objects of the batch; 0 where there is none, where the
        document's code gives NaN (A-6).

    Raises:
        ValueError: The two are exchanged, where their numbers are there to tell: the objectness of
            labels is 0 or 1. In a graph it cannot be known, their shapes are alike.
    """
    predicted = _floats(predicted_values)
    true = _floats(true_values)
    objectness = _known(true[..., 0])
    if objectness is not None and not np.isin(objectness, (0, 1)).all():
        raise ValueError(
            "Predictions come first, then labels, whose objectness is 0 or 1; received labels with "
            f"{objectness[~np.isin(objectness, (0, 1))][0]:g}."
        )
    objects = ops.equal(true[..., 0], 1.0)
    squared = ops.square(predicted[..., 1:5] - true[..., 1:5])
    return (
        _mean(binary_cross_entropy(predicted[..., 0], 1), objects),
        _mean(ops.mean(squared, axis=-1), objects),
        _mean(cross_entropy(true[..., 5:], predicted[..., 5:]), objects),
    )


def calculate_objectless_loss(y_true: Any, y_pred: Any, *, floor: bool = True) -> Any:
    """Cross-entropy to "no object", the mean over all predictors responsible for no object.

    All of them: the document's remark about hard negative mining is wrong (A-9).

    Args:
        y_true: (B, N, F) labels.
        y_pred: (B, H, W, A * F) raw predictions.
        floor: As in `calculate_anchorbox_indices`.

    Returns:
        Scalar.
    """
    y_true, y_pred = _floats(y_true), _floats(y_pred)
    height, width = y_pred.shape[1:3]
    count = y_pred.shape[-1] // y_true.shape[-1]
    cells = calculate_grid_cell_indices(y_true, y_pred)
    best = calculate_anchorbox_indices(y_true, y_pred, cells, floor=floor)
    slots = (cells[..., 0] * width + cells[..., 1]) * count + best[..., 0]
    objects = ops.cast(ops.equal(y_true[..., 0], 1.0), "int32")
    objectless = ops.equal(add_to_slots(objects, slots, height * width * count), 0)
    logits = ops.reshape(y_pred, (-1, height * width * count, y_true.shape[-1]))[..., 0]
    return _mean(binary_cross_entropy(logits, 0), objectless)


def calculate_model_loss(y_true: Any, y_pred: Any, *, floor: bool = True) -> Any:
    """The loss to compile a model with: a weighted sum of the parts of `calculate_loss`.

    As in the document's code, the objectless loss is no part of it, although the text counts it
    in: background is never trained (A-4). `MnistYoloLoss` includes it, with a lambda of 1, and has
    5 for the box, in image fractions, where 0.001 is meant for pixels (A-9).

    Args:
        y_true: (B, N, F) labels.
        y_pred: (B, H, W, A * F) raw predictions.
        floor: As in `calculate_anchorbox_indices`.

    Returns:
        Scalar.
    """
    objectness, bounding_box, classification = _matched_losses(y_true, y_pred, floor)
    return objectness + PIXEL_SIZED_WEIGHT * bounding_box + classification


def objectness_metrics(y_true: Any, y_pred: Any, *, floor: bool = True) -> Any:
    """The objectness part of `calculate_model_loss`, a scalar."""
    return _matched_losses(y_true, y_pred, floor)[0]


def bounding_box_metrics(y_true: Any, y_pred: Any, *, floor: bool = True) -> Any:
    """The bounding box part of `calculate_model_loss`, a scalar; not yet weighted (A-9)."""
    return _matched_losses(y_true, y_pred, floor)[1]


def classification_metrics(y_true: Any, y_pred: Any, *, floor: bool = True) -> Any:
    """The classification part of `calculate_model_loss`, a scalar."""
    return _matched_losses(y_true, y_pred, floor)[2]


def _matched_losses(y_true: Any, y_pred: Any, floor: bool) -> tuple[Any, Any, Any]:
    best = calculate_best_anchor_boxes(y_true, y_pred, floor=floor)
    return calculate_loss(best, ops.expand_dims(y_true, 2))


def _predictors_of_cells(y_pred: Any, cells: Any, features: int) -> Any:
    """(B, N, A, F): all predictors of each object's cell."""
    height, width, channels = y_pred.shape[1:]
    by_cell = ops.reshape(_floats(y_pred), (-1, height * width, channels))
    cell = cells[..., :1] * width + cells[..., 1:]
    batch, rows = ops.shape(cells)[:2]
    selected = gather_candidates(by_cell, cell)
    return ops.reshape(selected, (batch, rows, channels // features, features))


def _check_order(y_true: Any, y_pred: Any) -> None:
    """Refuses labels and predictions in each other's place."""
    if (len(y_true.shape), len(y_pred.shape)) != (3, 4):
        raise ValueError(
            "Labels y_true (batch, objects, features) come first, then predictions y_pred (batch, "
            f"rows, columns, channels); received {tuple(y_true.shape)} and {tuple(y_pred.shape)}."
        )


def _known(values: Any) -> np.ndarray | None:
    """The numbers of a tensor; None in a graph that is being traced, on whatever backend."""
    try:
        return ops.convert_to_numpy(values)
    except Exception:  # each backend has its own way to say that
        return None


def _floats(values: Any) -> Any:
    return ops.cast(ops.convert_to_tensor(values), "float32")


def _mean(values: Any, included: Any) -> Any:
    """The mean of the included values, 0 where there are none."""
    weight = ops.cast(included, "float32")
    return ops.sum(values * weight) / ops.maximum(ops.sum(weight), 1.0)
