"""YOLOv2: anchors matched by shape, objectness trained towards IoU, the 0.6 ignore rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from yolo_core.assignment import IgnoreRule
from yolo_core.boxes import Tensor, intersection_over_union, pairwise_iou, shape_iou
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.anchor_boxes import AnchorOutput, anchor_pairs
from yolo_core.losses.booking import taken_apart
from yolo_core.losses.labels import Labels, owning_cell, read_labels
from yolo_core.losses.matching import Matching, last_object_wins
from yolo_core.losses.option_values import class_factors, fraction, whole_number
from yolo_core.losses.slot_axis import (
    cell_corners,
    gather_slots_and_channel,
    largest,
    spread_to_slots,
)
from yolo_core.losses.yolov2.notebook import NotebookLabels
from yolo_core.losses.yolov2.slips import IGNORE_THRESHOLD, SLIPS


@keras.saving.register_keras_serializable(package="yolo_core")
class YoloV2Loss(AnchorOutput, NotebookLabels):
    """The YOLOv2 loss (Redmon & Farhadi 2017, section 2), in the form of the Keras notebook.

    The paper prints no formula. This is what the notebook's `custom_loss` computes, with its slips
    out (`docs/losses.md`, yolov2); the formula text writes it otherwise (B-4 to B-6), and so does
    `published("yolov2/formula")`.

    The cell of an object's centre owns it; of the cell's anchors the one with the best shape IoU
    is responsible. Where two objects want one slot the later row takes it (OVERWRITTEN). A slot
    without an object is trained to say so, unless its predicted box overlaps some object with IoU
    at or above `ignore_threshold`. Terms, pooled over the batch: ``xy`` and ``wh`` squared error in
    grid cells and half of it, over the matched objects; ``objectness`` (IoU - confidence)^2 and
    ``no_object`` confidence^2, half of each, both over the slots in either; ``classification``
    softmax cross-entropy over the matched objects. An empty mean is 0.

    Predictions: (B, H, W, A * (5 + C)), slot channels [x, y, w, h, objectness, classes], raw. Box:
    x = column + sigmoid, y = row + sigmoid, w and h = anchor * exp, in grid cells.

    Args:
        anchors: (A, 2) widths and heights in grid cells, as published (or flat, 2 * A numbers).
        num_classes: C.
        lambdas: By term, or "coord" for xy and wh. Published: objectness 5, the others 1.
        ignore_threshold: IoU from which a slot without an object is ignored.
        warmup_batches: For that many first steps every slot without an object is also pulled to
            the centre of its cell and the size of its anchor, with coordinate lambdas of 1.
        class_weights: C factors on the classification of each class; None for ones.
        iou_gradient: Lets the gradient flow through the IoU that objectness is trained towards,
            as the loss is written; else that target is a constant (D-6).
        name: Keras's name of the loss.

    Raises:
        ValueError: An option has another value.
    """

    term_names: ClassVar = ("xy", "wh", "objectness", "no_object", "classification")
    default_lambdas: ClassVar[Mapping[str, float]] = {
        "xy": 1.0,
        "wh": 1.0,
        "objectness": 5.0,
        "no_object": 1.0,
        "classification": 1.0,
    }
    lambda_groups: ClassVar = {"coord": ("xy", "wh"), "class": ("classification",)}
    anchor_argument: ClassVar = "anchors"
    known_slips: ClassVar = SLIPS
    drops_centre_on_one: bool = False

    def __init__(
        self,
        anchors: Any,
        num_classes: int,
        *,
        lambdas: Mapping[str, float] | None = None,
        ignore_threshold: float = IGNORE_THRESHOLD,
        warmup_batches: int = 0,
        class_weights: Sequence[float] | None = None,
        iou_gradient: bool = True,
        name: str = "yolov2",
    ) -> None:
        super().__init__(num_classes=num_classes, lambdas=lambdas, name=name)
        self.anchors = anchor_pairs(anchors)
        self.class_weights = class_factors(class_weights, num_classes)
        self._keep_options(
            ignore_threshold=fraction("ignore_threshold", ignore_threshold),
            warmup_batches=whole_number("warmup_batches", warmup_batches),
            iou_gradient=bool(iou_gradient),
        )

    @property
    def ignore_rule(self) -> IgnoreRule:
        """Slots whose predicted box overlaps an object well."""
        return IgnoreRule("predicted_box", self.options["ignore_threshold"])

    def get_config(self) -> dict[str, Any]:
        """All keyword arguments."""
        own = {"anchors": self.anchors.tolist(), "class_weights": self.class_weights.tolist()}
        return {**super().get_config(), **own}

    def breakdown(self, y_true: Any, y_pred: Any) -> LossBreakdown:
        """See `DetectionLoss.breakdown`; predictions (B, H, W, A * (5 + C))."""
        y_true, y_pred = self._checked(y_true, y_pred)
        rows, columns, count = self._grid(y_pred.shape)
        slot_count = rows * columns * count
        raw = self.slot_predictions(y_pred)  # (B, P, 5 + C)
        labels = read_labels(y_true, drop_centre_on_one=self.drops_centre_on_one)
        # Boxes are in grid cells, until a term compares them.
        grid = ops.convert_to_tensor([float(columns), float(rows)] * 2)  # (4,)
        corner = ops.convert_to_tensor(cell_corners(rows, columns, count))  # (P, 2)
        anchor = ops.convert_to_tensor(np.tile(self.anchors, (rows * columns, 1)))  # (P, 2)
        objects = labels.boxes * grid  # (B, N, 4)
        boxes = self._boxes(raw[..., :4], corner, anchor, grid)  # (B, P, 4)

        matching = self._match(labels, objects, rows, columns)
        slot, owns = matching.claims(matching.slot), matching.claims(matching.owns)  # (B, N)
        matched_object = matching.claim_of_slot(slot_count)  # (B, P)
        object_mask = matched_object >= 0
        # (B, N, P). The ignore rule is a choice: no gradient flows through it.
        overlap = self._counted(ops.stop_gradient(pairwise_iou(objects, boxes)), owns)
        fits = largest(overlap, empty=0.0, axis=1) >= self.options["ignore_threshold"]
        no_object_mask = ops.logical_not(ops.logical_or(object_mask, fits))

        # (B, N, ...) what the slot of each object predicts: class terms are never dense.
        own, objectness = gather_slots_and_channel(raw, slot, 4)  # (B, N, 5 + C), (B, P)
        own_numbers, own_objectness, own_classes = ops.split(own, [4, 5], axis=-1)
        own_corner, own_anchor = ops.take(corner, slot, axis=0), ops.take(anchor, slot, axis=0)
        own_boxes = self._boxes(own_numbers, own_corner, own_anchor, grid)  # (B, N, 4)
        own_confidence = self._confidence(ops.squeeze(own_objectness, -1))  # (B, N)
        confidence = self._confidence(objectness)  # (B, P)
        iou = intersection_over_union(objects, own_boxes)  # (B, N)
        target_class = self._target_class(labels, matching)  # (B, N)
        weight = ops.take(ops.convert_to_tensor(self.class_weights), target_class)  # (B, N)
        errors = {
            **self._box_errors(objects, own_boxes, grid),
            "objectness": self._confidence_error(iou, own_confidence),
            "classification": weight
            * self._class_error(own_classes, ops.one_hot(target_class, self.num_classes)),
        }
        # A predicted area of zero or a tie leaves these finite, and unowned rows are masked.
        owned = ops.cast(owns, "float32")
        warm = ops.cast(ops.convert_to_tensor(self.step) < self._warm_batches, "float32")
        over = self._divisors(owned, no_object_mask, weight, iou, warm)  # {term: (...)}
        booked = {term: owned * error / over[term] for term, error in errors.items()}
        dense = {"no_object": self._empty_error(object_mask, no_object_mask, confidence)}
        dense["no_object"] = dense["no_object"] / over["no_object"]
        lambdas = {}
        if self.options["warmup_batches"]:
            # While warm, slots without an object are pulled to their own cell and anchor.
            resting = ops.concatenate([corner + 0.5, anchor], axis=-1)  # (P, 4)
            free = warm * ops.cast(ops.logical_not(object_mask), "float32")  # (B, P)
            for term, error in self._box_errors(resting, boxes, grid).items():
                dense[term] = free * error / over[term]
                lambdas[term] = warm + (1.0 - warm) * ops.convert_to_tensor(self.lambdas[term])

        return taken_apart(
            self,
            slots=slot,
            booked=booked,
            dense=dense,
            lambdas=lambdas,
            assignment=matching.assignment(labels, matched_object, no_object_mask, iou),
            overlap=ops.transpose(overlap, (0, 2, 1)),
            target_box=spread_to_slots(self._compared(objects, grid), matched_object, float("nan")),
            target_objectness=spread_to_slots(iou, matched_object, 0.0),
            target_class=spread_to_slots(target_class, matched_object, -1),
            boxes=boxes / grid,
            compared=self._compared(boxes, grid),
            objectness=confidence,
            class_probabilities=self._class_probabilities(raw[..., 5:]),
        )

    # The pieces that published code has otherwise: see verbatim.py.

    @property
    def _warm_batches(self) -> int:
        return self.options["warmup_batches"]

    def _match(self, labels: Labels, objects: Tensor, rows: int, columns: int) -> Matching:
        """Gives each object the anchor of its cell that fits its shape best."""
        row = owning_cell(labels.boxes[..., 1], rows)
        column = owning_cell(labels.boxes[..., 0], columns)
        count = len(self.anchors)
        first = ops.expand_dims((row * columns + column) * count, -1)
        candidates = first + ops.arange(count, dtype="int32")  # (B, N, A)
        score = shape_iou(ops.expand_dims(objects[..., 2:], 2), ops.convert_to_tensor(self.anchors))
        return last_object_wins(labels, [(candidates, score)], "shape IoU")

    def _counted(self, overlap: Tensor, owns: Tensor) -> Tensor:
        """(B, N, P) overlap with the objects that the ignore rule looks at: all of them."""
        del owns
        return overlap

    def _target_class(self, labels: Labels, matching: Matching) -> Tensor:
        """(B, N) int32: the class that an object's slot is trained towards."""
        del matching
        return labels.classes

    def _compared(self, boxes: Tensor, grid: Tensor) -> Tensor:
        """(..., 4) boxes in grid cells, as the coordinate terms compare them."""
        del grid
        return boxes

    def _box_errors(self, wanted: Tensor, boxes: Tensor, grid: Tensor) -> dict[str, Tensor]:
        """{"xy", "wh": (...)} half the squared error of (..., 4) boxes in grid cells."""
        error = ops.square(self._compared(wanted, grid) - self._compared(boxes, grid))
        halves = (0.5 * ops.sum(part, axis=-1) for part in (error[..., :2], error[..., 2:]))
        return dict(zip(("xy", "wh"), halves, strict=True))

    def _confidence_error(self, iou: Tensor, confidence: Tensor) -> Tensor:
        """(B, N) half the squared error of the confidence of each object's slot."""
        target = iou if self.options["iou_gradient"] else ops.stop_gradient(iou)
        return 0.5 * ops.square(target - confidence)

    def _empty_error(self, object_mask: Tensor, no_object_mask: Tensor, conf: Tensor) -> Tensor:
        """(B, P) half the squared confidence of slots without an object."""
        del object_mask
        return 0.5 * ops.cast(no_object_mask, "float32") * ops.square(conf)

    def _divisors(
        self, owned: Tensor, no_object_mask: Tensor, weight: Tensor, iou: Tensor, warm: Tensor
    ) -> dict[str, Tensor]:
        """{term: what it is divided by}: scalars, counted over the batch.

        `owned` (B, N) is 1.0 for objects that own their slot, `weight` (B, N) the weight of their
        class, `iou` (B, N) that of their predicted box, and `warm` 1.0 while all slots count.
        """
        del weight, iou
        objects = self.reduce_count(ops.sum(owned))
        empty = self.reduce_count(ops.sum(ops.cast(no_object_mask, "float32")))
        slots = self.reduce_count(ops.sum(ops.ones_like(no_object_mask, dtype="float32")))
        coord = warm * slots + (1.0 - warm) * objects
        counts: dict[str, Tensor] = dict.fromkeys(("xy", "wh"), coord)
        counts |= dict.fromkeys(("objectness", "no_object"), objects + empty)
        counts["classification"] = objects
        # Nothing is divided by zero where there is nothing to divide.
        return {term: count + 1e-6 for term, count in counts.items()}
