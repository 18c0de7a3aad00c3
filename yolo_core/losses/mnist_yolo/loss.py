"""The MNIST-digits loss: no anchors, the predictor that fits best is responsible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
from keras import ops

from yolo_core.assignment import Assignment, ObjectStatus
from yolo_core.boxes import intersection_over_union
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.base import GridLoss
from yolo_core.losses.cross_entropy import binary_cross_entropy, cross_entropy
from yolo_core.losses.labels import first_and_last, owning_cell, read_labels, same_slot
from yolo_core.losses.slot_axis import (
    add_to_slots,
    best_candidates,
    cell_corners,
    first_best,
    gather_candidates,
    gather_slots,
    gather_slots_and_channel,
    object_of_slot,
    spread_to_slots,
)
from yolo_core.slots import SlotLayout


def owning_cells(centres: Any, height: int, width: int, *, grid_order: str) -> tuple[Any, Any]:
    """The row and the column of the cell that owns each centre.

    Args:
        centres: (..., 2) float32 x, y, image fractions.
        height: Rows of the grid.
        width: Columns of the grid.
        grid_order: As in `MnistYoloLoss`.

    Returns:
        Two (...) int32, inside the grid wherever the centre is.
    """
    x, y = centres[..., 0], centres[..., 1]
    if grid_order == "row_column":
        return owning_cell(y, height), owning_cell(x, width)
    # As coded in the document's repository: both scaled by the number of rows.
    return owning_cell(x, height), ops.minimum(owning_cell(y, height), width - 1)


@keras.saving.register_keras_serializable(package="yolo_core")
class MnistYoloLoss(GridLoss):
    """The MNIST-digits detector's loss (`docs/losses.md#mnist-yolo`).

    The cell that an object's centre falls in owns it; of the cell's predictors the one whose box
    has the best IoU with the object is responsible. Two objects may train one predictor (SHARED).
    Terms, means over the matched objects of the batch: ``objectness`` binary cross-entropy to 1,
    ``xy`` and ``wh`` error of the box (together the mean over its four numbers),
    ``classification`` cross-entropy; and ``no_object``, binary cross-entropy to 0, the mean over
    all slots without an object. An empty mean is 0. Nothing is ever ignored.

    Predictions: (B, H, W, A * (5 + C)), slot channels [objectness, x, y, w, h, classes], raw.

    The defaults are the sound reading (`docs/losses.md`, A-1 to A-10); `published`
    has what the documents printed.

    Args:
        num_classes: C.
        lambdas: By term, or "bounding_box" for xy and wh. Defaults 1, but 5 for xy and wh: the
            published 0.001 belongs to errors in pixels (A-9).
        predictors: Predictors a cell; None takes it from the channels.
        grid_order: "row_column" indexes rows by y; "x_y" indexes rows by x (A-3), which goes with
            `box_target` "image" alone: the centre lies in no such cell.
        floor_corners: Rounds normalised corners down before intersecting (A-2).
        matching: "activated" compares the boxes that are trained; "raw" the raw outputs (A-5).
        box_activation: "sigmoid", or "none" for raw outputs as boxes (A-5).
        box_error: "squared", or "huber" with delta 1 (A-9).
        box_target: "image" regresses the centre as image fraction; "cell" as the offset inside
            its cell, then xy and wh are means over two numbers each.
        probability_clip: Cross-entropies of probabilities clipped to [clip, 1 - clip]; None takes
            them from the logits (A-1).
        name: Keras's name of the loss.

    Raises:
        ValueError: An option has another value, or two of them exclude each other.
    """

    term_names: ClassVar = ("objectness", "xy", "wh", "classification", "no_object")
    default_lambdas: ClassVar[Mapping[str, float]] = {
        "objectness": 1.0,
        "xy": 5.0,
        "wh": 5.0,
        "classification": 1.0,
        "no_object": 1.0,
    }
    lambda_groups: ClassVar = {"bounding_box": ("xy", "wh"), "objectless": ("no_object",)}
    choices: ClassVar = {
        "grid_order": ("row_column", "x_y"),
        "matching": ("activated", "raw"),
        "box_activation": ("sigmoid", "none"),
        "box_error": ("squared", "huber"),
        "box_target": ("image", "cell"),
    }

    def __init__(
        self,
        *,
        num_classes: int,
        lambdas: Mapping[str, float] | None = None,
        predictors: int | None = None,
        grid_order: str = "row_column",
        floor_corners: bool = False,
        matching: str = "activated",
        box_activation: str = "sigmoid",
        box_error: str = "squared",
        box_target: str = "image",
        probability_clip: float | None = None,
        name: str = "mnist_yolo",
    ) -> None:
        super().__init__(num_classes=num_classes, lambdas=lambdas, name=name)
        self._keep_options(
            predictors=predictors,
            grid_order=grid_order,
            floor_corners=floor_corners,
            matching=matching,
            box_activation=box_activation,
            box_error=box_error,
            box_target=box_target,
            probability_clip=probability_clip,
        )
        if probability_clip is not None and not 0 < probability_clip < 0.5:
            raise ValueError(
                f"probability_clip must be between 0 and 0.5; received {probability_clip!r}."
            )
        if grid_order == "x_y" and box_target == "cell":
            raise ValueError(
                'grid_order="x_y" does not go with box_target="cell": it takes an object to a cell '
                "that does not hold its centre, so the offset inside that cell is no number from "
                '0 to 1 and cannot be predicted. Use grid_order="row_column" or box_target="image".'
            )

    @property
    def channel_names(self) -> tuple[str, ...]:
        """objectness, x, y, w, h, then the classes."""
        classes = (f"class {index}" for index in range(self.num_classes))
        return ("objectness", "x", "y", "w", "h", *classes)

    def slots(self, y_pred_shape: Sequence[Any]) -> SlotLayout:
        """One head of H x W cells; no priors."""
        return SlotLayout.from_grids([self._grid(y_pred_shape)])

    def get_config(self) -> dict[str, Any]:
        """All keyword arguments."""
        return {**super().get_config(), **self.options}

    def _grid(self, shape: Sequence[Any]) -> tuple[int, int, int]:
        height, width, count = super()._grid(shape)
        expected = self.options["predictors"]
        if expected is not None and count != expected:
            raise ValueError(
                f"{type(self).__name__} expects {expected} predictors a cell; the channels of "
                f"{tuple(shape)} hold {count}."
            )
        return height, width, count

    def breakdown(self, y_true: Any, y_pred: Any) -> LossBreakdown:
        """See `DetectionLoss.breakdown`; predictions (B, H, W, A * (5 + C))."""
        y_true, y_pred = self._checked(y_true, y_pred)
        height, width, count = self._grid(y_pred.shape)
        slot_count = height * width * count
        raw = self.slot_predictions(y_pred)
        labels = read_labels(y_true)
        usable = labels.usable

        # (B, N): the first slot of the owning cell, then its A slots as candidates (B, N, A).
        row, column = owning_cells(
            labels.boxes[..., :2], height, width, grid_order=self.options["grid_order"]
        )
        first_slot = (row * width + column) * count
        candidates = ops.expand_dims(first_slot, -1) + ops.arange(count, dtype="int32")
        boxes = self._boxes(raw, height, width, count)
        compared = raw[..., 1:5] if self.options["matching"] == "raw" else boxes
        # The choice of a predictor carries no gradient.
        objects = ops.expand_dims(labels.boxes, 2)
        score = self._iou(objects, gather_candidates(compared, candidates))
        object_slot = first_slot + first_best(score)
        candidates, score = best_candidates(candidates, score)

        same = same_slot(object_slot, usable)
        first, _ = first_and_last(same)
        owner = ops.equal(first, ops.arange(ops.shape(same)[-1], dtype="int32"))
        shared = ops.sum(ops.cast(same, "int32"), axis=-1) > 1
        matched_object = object_of_slot(object_slot, owner, slot_count)
        object_mask = matched_object >= 0
        no_object_mask = ops.logical_not(object_mask)

        # (B, N, 5 + C) predictions of the responsible slots; every object enters, shared or not.
        own, objectness = gather_slots_and_channel(raw, object_slot, 0)
        weight = ops.cast(usable, "float32")
        objects_in_batch = self.reduce_count(ops.sum(weight))
        per_object = weight / ops.maximum(objects_in_batch, 1.0)
        xy_target = labels.boxes[..., :2]
        if self.options["box_target"] == "cell":
            grid = ops.convert_to_tensor([float(width), float(height)])
            corner = ops.cast(ops.stack([column, row], axis=-1), "float32")
            xy_target = xy_target * grid - corner
        clip = self.options["probability_clip"]
        xy_error, wh_error = self._box_errors(own, xy_target, labels.boxes[..., 2:])
        booked = {
            "objectness": binary_cross_entropy(own[..., 0], 1, clip=clip) * per_object,
            "xy": xy_error * per_object,
            "wh": wh_error * per_object,
            "classification": cross_entropy(labels.one_hot, own[..., 5:], clip=clip) * per_object,
        }
        empty = ops.cast(no_object_mask, "float32")
        empty_in_batch = self.reduce_count(ops.sum(empty))
        no_object = binary_cross_entropy(objectness, 0, clip=clip) * (
            empty / ops.maximum(empty_in_batch, 1.0)
        )

        terms = {term: ops.sum(values) for term, values in booked.items()}
        terms["no_object"] = ops.sum(no_object)
        maps = {
            term: add_to_slots(values, object_slot, slot_count) for term, values in booked.items()
        }
        maps["no_object"] = no_object
        total, effective = self._weighted(terms)

        own_boxes = gather_slots(boxes, object_slot)
        trained = ops.where(shared, int(ObjectStatus.SHARED), int(ObjectStatus.MATCHED))
        status = ops.where(usable, ops.cast(trained, "int32"), labels.status)
        nobody = ops.full_like(object_slot, -1)
        assignment = Assignment(
            object_mask=object_mask,
            no_object_mask=no_object_mask,
            ignore_mask=ops.zeros_like(object_mask),
            matched_object=matched_object,
            object_slot=ops.expand_dims(ops.where(usable, object_slot, -1), -1),
            match_count=ops.expand_dims(ops.cast(usable, "int32"), -1),
            object_status=ops.expand_dims(status, -1),
            overwritten_by=ops.expand_dims(nobody, -1),
            object_iou=ops.expand_dims(intersection_over_union(labels.boxes, own_boxes), -1),
            candidate_slots=ops.expand_dims(
                ops.where(ops.expand_dims(usable, -1), candidates, -1), 2
            ),
            candidate_score=ops.expand_dims(ops.where(ops.expand_dims(usable, -1), score, 0.0), 2),
            candidate_measure="box IoU",
        )
        activated = self._activated(raw[..., 1:5])
        return LossBreakdown(
            total=total,
            terms=terms,
            maps=maps,
            lambdas=effective,
            assignment=assignment,
            targets={
                "overlap": intersection_over_union(
                    ops.expand_dims(boxes, 2), ops.expand_dims(labels.boxes, 1)
                ),
                "xy": spread_to_slots(xy_target, matched_object, float("nan")),
                "wh": spread_to_slots(labels.boxes[..., 2:], matched_object, float("nan")),
                "objectness": ops.cast(object_mask, "float32"),
                "class": spread_to_slots(labels.classes, matched_object, -1),
            },
            predictions={
                "boxes": boxes,
                "objectness": ops.sigmoid(objectness),
                "class_probabilities": ops.softmax(raw[..., 5:], axis=-1),
                "xy": activated[..., :2],
                "wh": activated[..., 2:],
            },
        )

    def _activated(self, raw: Any) -> Any:
        return ops.sigmoid(raw) if self.options["box_activation"] == "sigmoid" else raw

    def _boxes(self, raw: Any, height: int, width: int, count: int) -> Any:
        """(B, P, 4): the boxes that the predictions stand for, image fractions."""
        boxes = self._activated(raw[..., 1:5])
        if self.options["box_target"] == "image":
            return boxes
        corner = ops.convert_to_tensor(cell_corners(height, width, count))
        grid = ops.convert_to_tensor([float(width), float(height)])
        return ops.concatenate([(boxes[..., :2] + corner) / grid, boxes[..., 2:]], axis=-1)

    def _iou(self, objects: Any, predicted: Any) -> Any:
        """(B, N, A): IoU of (B, N, 1, 4) objects with (B, N, A, 4) candidates."""
        return intersection_over_union(
            objects, predicted, epsilon=1e-8, floor_corners=self.options["floor_corners"]
        )

    def _box_errors(self, own: Any, xy_target: Any, wh_target: Any) -> tuple[Any, Any]:
        """Two (B, N): the error of the centre and of the size of each object's slot."""
        error = self._activated(own[..., 1:5]) - ops.concatenate([xy_target, wh_target], axis=-1)
        if self.options["box_error"] == "huber":
            size = ops.abs(error)
            error = ops.where(size <= 1.0, 0.5 * ops.square(error), size - 0.5)
        else:
            error = ops.square(error)
        numbers = 4.0 if self.options["box_target"] == "image" else 2.0
        xy, wh = (ops.sum(part, axis=-1) / numbers for part in (error[..., :2], error[..., 2:]))
        return xy, wh
