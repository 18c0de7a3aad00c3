"""The MNIST-digits loss: no anchors, the predictor that fits best is responsible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from yolo_core.assignment import ObjectStatus
from yolo_core.boxes import Tensor, intersection_over_union, pairwise_iou
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.booking import taken_apart
from yolo_core.losses.cross_entropy import binary_cross_entropy, cross_entropy
from yolo_core.losses.grid import GridLoss
from yolo_core.losses.heads import SLOTS_A_CELL, Head
from yolo_core.losses.labels import first_and_last, owning_cell, read_labels, same_slot
from yolo_core.losses.matching import ledger
from yolo_core.losses.meaning import raw_fraction
from yolo_core.losses.mnist_yolo.slips import SLIPS
from yolo_core.losses.slot_axis import (
    first_best,
    gather_candidates,
    gather_slots,
    gather_slots_and_channel,
    object_of_slot,
    spread_to_slots,
)
from yolo_core.slots import SlotLayout


@keras.saving.register_keras_serializable(package="yolo_core")
class MnistYoloLoss(GridLoss):
    """The loss of the MNIST-digits detector's `training_utils.py`, read soundly.

    The cell that an object's centre falls in owns it; of the cell's predictors the one whose box
    has the best IoU with the object is responsible. Two objects may train one predictor (SHARED).
    Terms, means over the matched objects of the batch: ``objectness`` binary cross-entropy to 1,
    ``xy`` and ``wh`` squared error of the box (together the mean over its four numbers),
    ``classification`` cross-entropy; and ``no_object``, binary cross-entropy to 0, the mean over
    all slots without an object. An empty mean is 0. Nothing is ever ignored.

    Predictions: (B, H, W, A * (5 + C)), slot channels [objectness, x, y, w, h, classes], raw; box:
    the sigmoid of all four, as fractions of the picture.

    What the document and its code do otherwise (`docs/losses.md`, A-1 to A-10) `published` has.

    Args:
        num_classes: C.
        lambdas: By term, or "bounding_box" for xy and wh. Defaults 1, but 5 for xy and wh: the
            published 0.001 belongs to errors in pixels (A-9).
        predictors: Predictors a cell; None takes it from the channels.
        name: Keras's name of the loss.

    Raises:
        ValueError: An option has another value.
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
    known_slips: ClassVar = SLIPS

    def __init__(
        self,
        *,
        num_classes: int,
        lambdas: Mapping[str, float] | None = None,
        predictors: int | None = None,
        name: str = "mnist_yolo",
    ) -> None:
        super().__init__(num_classes=num_classes, lambdas=lambdas, name=name)
        self._keep_options(predictors=predictors)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """objectness, x, y, w, h, then the classes."""
        return ("objectness", "x", "y", "w", "h", *self.class_channels)

    def heads(self) -> list[Head]:
        """One, whose x and y are places in the whole picture."""
        (head,) = super().heads()
        names = self.channel_names
        x, y = (
            [slot * len(names) + names.index(name) for slot in range(SLOTS_A_CELL)]
            for name in ("x", "y")
        )
        return [Head(head.stride, head.bias, (x, y))]

    def encode_boxes(self, layout: SlotLayout, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `DetectionLoss.encode_boxes`."""
        del layout
        return raw_fraction(boxes[..., :2], "centre"), raw_fraction(
            boxes[..., 2:], "width or height"
        )

    def breakdown(self, y_true: Any, y_pred: Any) -> LossBreakdown:
        """See `DetectionLoss.breakdown`; predictions (B, H, W, A * (5 + C))."""
        y_true, y_pred = self._checked(y_true, y_pred)
        rows, columns, count = self._grid(y_pred.shape)
        slot_count = rows * columns * count
        raw = self.slot_predictions(y_pred)  # (B, P, 5 + C)
        labels = read_labels(y_true)
        usable = labels.usable

        # The first slot of the owning cell, (B, N), then its A slots as candidates, (B, N, A).
        row, column = self._owning_cells(labels.boxes[..., :2], rows, columns)
        first_slot = (row * columns + column) * count
        candidates = ops.expand_dims(first_slot, -1) + ops.arange(count, dtype="int32")
        boxes = self._boxes(raw[..., 1:5], rows, columns, count)  # (B, P, 4)
        # The choice of a predictor carries no gradient.
        compared = gather_candidates(self._matched_by(raw[..., 1:5], boxes), candidates)
        score = self._iou(ops.expand_dims(labels.boxes, 2), compared)  # (B, N, A)
        slot = first_slot + first_best(score)  # (B, N)

        same = same_slot(slot, usable)  # (B, N, N)
        first, _ = first_and_last(same)
        owner = ops.equal(first, ops.arange(ops.shape(same)[-1], dtype="int32"))
        shared = ops.sum(ops.cast(same, "int32"), axis=-1) > 1
        matched_object = object_of_slot(slot, owner, slot_count)  # (B, P)
        no_object_mask = matched_object < 0

        # (B, N, 5 + C) predictions of the responsible slots; every object enters, shared or not.
        own, objectness = gather_slots_and_channel(raw, slot, 0)
        weight = ops.cast(usable, "float32")
        per_object = weight / ops.maximum(self.reduce_count(ops.sum(weight)), 1.0)
        target = self._target(labels.boxes, row, column, rows, columns)  # (B, N, 4)
        xy_error, wh_error = self._box_errors(self._activated(own[..., 1:5]) - target)
        booked = {
            "objectness": self._binary(own[..., 0], 1) * per_object,
            "xy": xy_error * per_object,
            "wh": wh_error * per_object,
            "classification": self._class_error(labels.one_hot, own[..., 5:]) * per_object,
        }
        empty = ops.cast(no_object_mask, "float32")
        per_empty = empty / ops.maximum(self.reduce_count(ops.sum(empty)), 1.0)
        trained = ops.where(shared, int(ObjectStatus.SHARED), int(ObjectStatus.MATCHED))
        iou = intersection_over_union(labels.boxes, gather_slots(boxes, slot))  # (B, N)
        as_row = [ops.expand_dims(each, -1) for each in (slot, usable, iou)]  # (B, N, 1)
        return taken_apart(
            self,
            slots=slot,
            booked=booked,
            dense={"no_object": self._binary(objectness, 0) * per_empty},
            assignment=ledger(
                labels,
                matched_object=matched_object,
                no_object_mask=no_object_mask,
                object_slot=as_row[0],
                match_count=as_row[1],
                object_status=ops.expand_dims(ops.where(usable, trained, labels.status), -1),
                overwritten_by=ops.full_like(as_row[0], -1),
                object_iou=as_row[2],
                candidates=ops.expand_dims(candidates, 2),
                score=ops.expand_dims(score, 2),
                measure="box IoU",
            ),
            overlap=ops.transpose(pairwise_iou(labels.boxes, boxes), (0, 2, 1)),
            target_box=spread_to_slots(target, matched_object, float("nan")),
            target_objectness=ops.ones_like(objectness),
            target_class=spread_to_slots(labels.classes, matched_object, -1),
            boxes=boxes,
            compared=self._activated(raw[..., 1:5]),
            objectness=ops.sigmoid(objectness),
            class_probabilities=ops.softmax(raw[..., 5:], axis=-1),
        )

    # The pieces that published code has otherwise: see verbatim.py.

    def _owning_cells(self, centres: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor]:
        """Two (B, N) int32: row and column of the cells that own (B, N, 2) centres."""
        return owning_cell(centres[..., 1], rows), owning_cell(centres[..., 0], columns)

    def _activated(self, raw: Tensor) -> Tensor:
        """(..., 4) what the box terms compare of (..., 4) raw numbers."""
        return ops.sigmoid(raw)

    def _boxes(self, raw: Tensor, rows: int, columns: int, count: int) -> Tensor:
        """(B, P, 4): the boxes that (B, P, 4) raw numbers stand for, image fractions."""
        del rows, columns, count
        return self._activated(raw)

    def _matched_by(self, raw: Tensor, boxes: Tensor) -> Tensor:
        """(B, P, 4): what is held against the objects to find the responsible predictor."""
        del raw
        return boxes

    def _iou(self, objects: Tensor, predicted: Tensor) -> Tensor:
        """(B, N, A): IoU of (B, N, 1, 4) objects with (B, N, A, 4) candidates."""
        return intersection_over_union(objects, predicted, epsilon=1e-8)

    def _target(
        self, boxes: Tensor, row: Tensor, column: Tensor, rows: int, columns: int
    ) -> Tensor:
        """(B, N, 4): what the predictions of (B, N, 4) objects are compared with."""
        del row, column, rows, columns
        return boxes

    def _box_errors(self, difference: Tensor) -> tuple[Tensor, Tensor]:
        """Two (B, N) of a (B, N, 4) difference: the error of the centre and of the size."""
        error = ops.square(difference) / 4.0
        return ops.sum(error[..., :2], axis=-1), ops.sum(error[..., 2:], axis=-1)

    def _binary(self, logit: Tensor, target: int) -> Tensor:
        """(...) binary cross-entropy of logits with a target of 0 or 1."""
        return binary_cross_entropy(logit, target)

    def _class_error(self, one_hot: Tensor, logits: Tensor) -> Tensor:
        """(B, N) cross-entropy of (B, N, C)."""
        return cross_entropy(one_hot, logits)
