"""YOLOv2: anchors matched by shape, objectness trained towards IoU, the 0.6 ignore rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from yolo_core.assignment import Assignment, ObjectStatus
from yolo_core.boxes import intersection_over_union, shape_iou
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.base import GridLoss
from yolo_core.losses.labels import Labels, first_and_last, owning_cell, read_labels, same_slot
from yolo_core.losses.slot_axis import (
    add_to_slots,
    best_candidates,
    cell_corners,
    gather_slots,
    object_of_slot,
    spread_to_slots,
)
from yolo_core.slots import SlotLayout

# exp(20) cells is past any picture; beyond it squares and areas would leave float32.
LARGEST_SIZE_LOGIT = 20.0


@keras.saving.register_keras_serializable(package="yolo_core")
class YoloV2Loss(GridLoss):
    """`custom_loss` of `references/yolov2_keras_notebook.md` ("D" in `golden/README.md`).

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
        warmup_off_by_one: One warm-up batch less, as printed (D-2).
        class_weights: C factors on the classification of each class; None for ones.
        iou_gradient: Lets the gradient flow through the IoU that objectness is trained towards,
            as printed; else that target is a constant (D-6).
        confidence_by_iou: Also weighs the objectness term by the IoU, the slip of
            `get_conf_mask` (B-8).
        class_collision: "last": the object that takes a slot brings its class. "smallest": the
            smallest class of all objects that wanted it, as printed (D-4).
        drop_centre_on_one: Drops objects with a centre on 1.0, as the notebook's generator does.
        count_by_weight: Leaves slots of weight zero out of the counts, as printed; else counts
            come from masks alone, and a weight of zero changes no other term.
        name: Keras's name of the loss.

    Raises:
        ValueError: An option has another value, or anchors are not positive pairs.
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

    def __init__(
        self,
        anchors: Any,
        num_classes: int,
        *,
        lambdas: Mapping[str, float] | None = None,
        ignore_threshold: float = 0.6,
        warmup_batches: int = 0,
        warmup_off_by_one: bool = False,
        class_weights: Sequence[float] | None = None,
        iou_gradient: bool = True,
        confidence_by_iou: bool = False,
        class_collision: str = "last",
        drop_centre_on_one: bool = False,
        count_by_weight: bool = False,
        name: str = "yolov2",
    ) -> None:
        super().__init__(num_classes=num_classes, lambdas=lambdas, name=name)
        self.anchors = _anchor_pairs(anchors)
        if not 0 <= ignore_threshold <= 1:
            raise ValueError(f"ignore_threshold must be 0 to 1; received {ignore_threshold!r}.")
        if not isinstance(warmup_batches, int) or warmup_batches < 0:
            raise ValueError(f"warmup_batches must be 0 or more; received {warmup_batches!r}.")
        if class_collision not in ("last", "smallest"):
            raise ValueError(
                f"class_collision must be last or smallest; received {class_collision!r}."
            )
        weights = np.ones(num_classes) if class_weights is None else np.asarray(class_weights)
        if weights.shape != (num_classes,) or not (weights >= 0).all():
            raise ValueError(
                f"class_weights must be {num_classes} numbers of zero or more; "
                f"received {class_weights!r}."
            )
        self.class_weights = weights.astype(np.float32)
        self.options = {
            "ignore_threshold": float(ignore_threshold),
            "warmup_batches": warmup_batches,
            "warmup_off_by_one": warmup_off_by_one,
            "iou_gradient": iou_gradient,
            "confidence_by_iou": confidence_by_iou,
            "class_collision": class_collision,
            "drop_centre_on_one": drop_centre_on_one,
            "count_by_weight": count_by_weight,
        }

    @property
    def channel_names(self) -> tuple[str, ...]:
        """x, y, w, h, objectness, then the classes."""
        classes = (f"class {index}" for index in range(self.num_classes))
        return ("x", "y", "w", "h", "objectness", *classes)

    def slots(self, y_pred_shape: Sequence[Any]) -> SlotLayout:
        """One head of H x W cells with the anchors as priors."""
        height, width, count = self._grid(y_pred_shape)
        shapes = self.anchors / np.asarray([width, height], np.float32)
        return SlotLayout.from_grids([(height, width, count)], [shapes])

    def get_config(self) -> dict[str, Any]:
        """All keyword arguments."""
        return {
            **super().get_config(),
            "anchors": self.anchors.tolist(),
            "class_weights": self.class_weights.tolist(),
            **self.options,
        }

    def _grid(self, shape: Sequence[Any]) -> tuple[int, int, int]:
        height, width, count = super()._grid(shape)
        if count != len(self.anchors):
            raise ValueError(
                f"{type(self).__name__} has {len(self.anchors)} anchors and {self.num_classes} "
                f"classes, so it takes {len(self.anchors) * len(self.channel_names)} channels; "
                f"received {shape[-1]}, which is {count} anchors."
            )
        return height, width, count

    def breakdown(self, y_true: Any, y_pred: Any) -> LossBreakdown:
        """See `DetectionLoss.breakdown`; predictions (B, H, W, A * (5 + C))."""
        y_true, y_pred = self._checked(y_true, y_pred)
        height, width, count = self._grid(y_pred.shape)
        slot_count = height * width * count
        raw = self.slot_predictions(y_pred)
        labels = read_labels(y_true, drop_centre_on_one=self.options["drop_centre_on_one"])

        # Everything below is in grid cells, the unit of the published terms.
        grid = ops.convert_to_tensor([float(width), float(height)] * 2)
        corner = ops.convert_to_tensor(cell_corners(height, width, count))
        anchor_of_slot = ops.convert_to_tensor(np.tile(self.anchors, (height * width, 1)))
        objects = labels.boxes * grid
        boxes = _decode(raw, corner, anchor_of_slot)

        matching = self._match(labels, objects, height, width, count)
        object_slot, owns, same, overwriter, candidates, score = matching
        matched_object = object_of_slot(object_slot, owns, slot_count)
        object_mask = matched_object >= 0

        # (B, P, N). The ignore rule is a choice: no gradient flows through it.
        overlap = ops.stop_gradient(
            intersection_over_union(ops.expand_dims(boxes, 2), ops.expand_dims(objects, 1))
        )
        fits_some_object = (
            ops.max(overlap, axis=-1, initial=0.0) >= self.options["ignore_threshold"]
        )
        empty = ops.logical_not(object_mask)
        no_object_mask = ops.logical_and(empty, ops.logical_not(fits_some_object))
        ignore_mask = ops.logical_and(empty, fits_some_object)

        # (B, N, ...) what the slot of each object predicts: class terms are never dense.
        own_raw = gather_slots(raw, object_slot)
        own_boxes = gather_slots(boxes, object_slot)
        iou = intersection_over_union(objects, own_boxes)
        iou_target = iou if self.options["iou_gradient"] else ops.stop_gradient(iou)
        error = ops.square(objects - own_boxes)
        # A predicted area of zero or a tie leaves these finite, and unowned rows are masked.
        owned = ops.cast(owns, "float32")
        squares = {
            "xy": ops.sum(error[..., :2], axis=-1) / 2,
            "wh": ops.sum(error[..., 2:], axis=-1) / 2,
            "objectness": ops.square(iou_target - ops.sigmoid(own_raw[..., 4])) / 2,
        }
        if self.options["confidence_by_iou"]:
            squares["objectness"] = squares["objectness"] * iou
        target_class = self._target_class(labels, same)
        class_weight = ops.take(ops.convert_to_tensor(self.class_weights), target_class)
        class_error = class_weight * _cross_entropy(target_class, own_raw[..., 5:])
        confidence = ops.sigmoid(raw[..., 4])

        counts = self._counts(owned, no_object_mask, class_weight, iou, slot_count)
        coord_count, confidence_count, class_count, warm = counts
        booked = {
            "xy": owned * squares["xy"] / coord_count,
            "wh": owned * squares["wh"] / coord_count,
            "objectness": owned * squares["objectness"] / confidence_count,
            "classification": owned * class_error / class_count,
        }
        no_object = ops.cast(no_object_mask, "float32") * ops.square(confidence) / 2
        dense = {"no_object": no_object / confidence_count}
        effective = {}
        if self.options["warmup_batches"]:
            # While warm, slots without an object are pulled to their own cell and anchor.
            resting = ops.concatenate([corner + 0.5, anchor_of_slot], axis=-1)
            pull = ops.square(resting - boxes) / 2 * warm / coord_count
            pull = ops.where(ops.expand_dims(empty, -1), pull, 0.0)
            dense["xy"] = ops.sum(pull[..., :2], axis=-1)
            dense["wh"] = ops.sum(pull[..., 2:], axis=-1)
            effective = {
                term: warm + (1.0 - warm) * ops.convert_to_tensor(self.lambdas[term])
                for term in ("xy", "wh")
            }

        terms, maps = {}, {}
        for term in self.term_names:
            parts = [ops.sum(part[term]) for part in (booked, dense) if term in part]
            terms[term] = sum(parts)
            spread = [add_to_slots(booked[term], object_slot, slot_count)] if term in booked else []
            maps[term] = sum(spread + ([dense[term]] if term in dense else []))
        total, effective = self._weighted(terms, effective)

        overwritten = ops.logical_and(labels.usable, ops.logical_not(owns))
        status = ops.where(overwritten, int(ObjectStatus.OVERWRITTEN), labels.status)
        usable = ops.expand_dims(labels.usable, -1)
        spread = {"xy": objects[..., :2], "wh": objects[..., 2:]}
        objectness_target = ops.where(
            object_mask,
            spread_to_slots(iou, matched_object, 0.0),
            ops.where(no_object_mask, 0.0, float("nan")),
        )
        return LossBreakdown(
            total=total,
            terms=terms,
            maps=maps,
            lambdas=effective,
            assignment=Assignment(
                object_mask=object_mask,
                no_object_mask=no_object_mask,
                ignore_mask=ignore_mask,
                matched_object=matched_object,
                object_slot=ops.expand_dims(ops.where(labels.usable, object_slot, -1), -1),
                match_count=ops.expand_dims(ops.cast(owns, "int32"), -1),
                object_status=ops.expand_dims(ops.cast(status, "int32"), -1),
                overwritten_by=ops.expand_dims(ops.where(overwritten, overwriter, -1), -1),
                object_iou=ops.expand_dims(iou, -1),
                candidate_slots=ops.expand_dims(ops.where(usable, candidates, -1), 2),
                candidate_score=ops.expand_dims(ops.where(usable, score, 0.0), 2),
                candidate_measure="shape IoU",
            ),
            targets={
                "overlap": overlap,
                "objectness": objectness_target,
                "class": spread_to_slots(target_class, matched_object, -1),
                **{
                    name: spread_to_slots(values, matched_object, float("nan"))
                    for name, values in spread.items()
                },
            },
            predictions={
                "boxes": boxes / grid,
                "objectness": confidence,
                "class_probabilities": ops.softmax(raw[..., 5:], axis=-1),
                "xy": boxes[..., :2],
                "wh": boxes[..., 2:],
            },
        )

    def _match(
        self, labels: Labels, objects: Any, height: int, width: int, count: int
    ) -> tuple[Any, Any, Any, Any, Any, Any]:
        """Gives each object the anchor of its cell that fits its shape best.

        Returns:
            object_slot (B, N); owns (B, N) bool, whether the object keeps it; same (B, N, N) bool,
            who wants whose slot; overwriter (B, N), the last row that wants the slot; candidates
            and their shape IoU (B, N, K).
        """
        row = owning_cell(labels.boxes[..., 1], height)
        column = owning_cell(labels.boxes[..., 0], width)
        first_slot = (row * width + column) * count
        score = shape_iou(ops.expand_dims(objects[..., 2:], 2), ops.convert_to_tensor(self.anchors))
        object_slot = first_slot + ops.cast(ops.argmax(score, axis=-1), "int32")
        same = same_slot(object_slot, labels.usable)
        _, last = first_and_last(same)
        owns = ops.equal(last, ops.arange(ops.shape(same)[-1], dtype="int32"))
        candidates = ops.expand_dims(first_slot, -1) + ops.arange(count, dtype="int32")
        return object_slot, owns, same, last, *best_candidates(candidates, score)

    def _target_class(self, labels: Labels, same: Any) -> Any:
        """(B, N) int32: the class that an object's slot is trained towards."""
        if self.options["class_collision"] == "last":
            return labels.classes
        rivals = ops.where(same, ops.expand_dims(labels.classes, 1), self.num_classes - 1)
        return ops.min(rivals, axis=-1)

    def _counts(
        self, owned: Any, no_object_mask: Any, class_weight: Any, iou: Any, slot_count: int
    ) -> tuple[Any, Any, Any, Any]:
        """The normalisers, over the whole batch, and 1.0 while warming up, else 0.0."""
        objects = ops.sum(owned)
        empty = ops.sum(ops.cast(no_object_mask, "float32"))
        coord, confident, classed = objects, objects, objects
        if self.options["count_by_weight"]:
            if self.options["confidence_by_iou"]:
                confident = ops.sum(owned * ops.cast(iou > 0, "float32"))
            classed = ops.sum(owned * ops.cast(class_weight > 0, "float32"))
            # Objectness and no_object share a count, which loses the part whose lambda is zero.
            # Counts of one term need no such care: zero times that term is zero whatever it is
            # divided by.
            confident = confident * self._is_on("objectness")
            empty = empty * self._is_on("no_object")
        warm = ops.convert_to_tensor(0.0)
        batches = self.options["warmup_batches"] - int(self.options["warmup_off_by_one"])
        if batches > 0:
            warm = ops.cast(ops.convert_to_tensor(self.step) < batches, "float32")
            slots = ops.cast(ops.shape(owned)[0], "float32") * slot_count
            coord = warm * slots + (1.0 - warm) * coord
        pooled = (self.reduce_count(count) for count in (coord, confident + empty, classed))
        coord, confident, classed = (count + 1e-6 for count in pooled)
        return coord, confident, classed, warm

    def _is_on(self, term: str) -> Any:
        """1.0 where the term's lambda is above zero, else 0.0."""
        return ops.cast(ops.convert_to_tensor(self.lambdas[term]) > 0, "float32")


def _anchor_pairs(anchors: Any) -> np.ndarray:
    """(A, 2) float32 from pairs or from the notebook's flat list."""
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


def _decode(raw: Any, corner: Any, anchor_of_slot: Any) -> Any:
    """(B, P, 4) predicted boxes in grid cells; (P, 2) cell corners and anchors."""
    size = ops.clip(raw[..., 2:4], -2 * LARGEST_SIZE_LOGIT, LARGEST_SIZE_LOGIT)
    return ops.concatenate(
        [ops.sigmoid(raw[..., :2]) + corner, ops.exp(size) * anchor_of_slot], axis=-1
    )


def _cross_entropy(target_class: Any, logits: Any) -> Any:
    """(B, N) softmax cross-entropy with class indices."""
    log_probability = ops.log_softmax(logits, axis=-1)
    picked = ops.take_along_axis(log_probability, ops.expand_dims(target_class, -1), axis=-1)
    return -ops.squeeze(picked, -1)
