"""YOLOv2: anchors matched by shape, objectness trained towards IoU, the 0.6 ignore rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from yolo_core.boxes import intersection_over_union, pairwise_iou, shape_iou
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.anchor_boxes import anchor_pairs
from yolo_core.losses.base import GridLoss
from yolo_core.losses.labels import Labels, owning_cell, read_labels
from yolo_core.losses.matching import CellMatching, last_object_wins
from yolo_core.losses.slot_axis import (
    add_to_slots,
    cell_corners,
    gather_slots_and_channel,
    largest,
    spread_to_slots,
)
from yolo_core.losses.yolov2.outputs import SMALLEST_DECODED, OutputReader
from yolo_core.slots import SlotLayout


@keras.saving.register_keras_serializable(package="yolo_core")
class YoloV2Loss(GridLoss):
    """The YOLOv2 loss, as code and as formulas.

    The defaults are `custom_loss` of `docs/losses.md#keras-notebook`; `published("yolov2/formula")`
    is `docs/losses.md#yolov2-formulas`, which differs in `square_root_sizes`, `counts_over`,
    `half_errors` and `ignore_against`.

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
        square_root_sizes: ``wh`` compares square roots of sizes, as the formulas do (B-5).
        box_unit: "cells" or "image": whether ``xy`` and ``wh`` compare boxes in grid cells or in
            fractions of the image.
        counts_over: What a term is divided by. "batch": the counts of the whole batch, as coded.
            "image": the counts of each image, then the mean over images, as the formulas (B-4).
        half_errors: Half of the squared errors and 1e-6 on the counts, as coded; the formulas
            have neither (B-4).
        ignore_against: "objects": the ignore rule compares with every usable object. "assigned":
            only with those that have a slot, as the formulas; an overwritten object then has
            overlap 0 with every slot (B-6).
        no_object_on_objects: Books ``no_object`` on the slots with an object, as the formulas
            print it, so that background is never penalised (B-2).
        no_object_unsquared: -confidence instead of confidence^2, as printed in the Keras notebook:
            a reward for false confidence (B-3).
        decoded: Predictions are decoded: x, y, w, h in `box_unit`, confidence and class
            probabilities, and not raw output.
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
    anchor_argument: ClassVar = "anchors"
    choices: ClassVar = {
        "class_collision": ("last", "smallest"),
        "box_unit": ("cells", "image"),
        "counts_over": ("batch", "image"),
        "ignore_against": ("objects", "assigned"),
    }

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
        square_root_sizes: bool = False,
        box_unit: str = "cells",
        counts_over: str = "batch",
        half_errors: bool = True,
        ignore_against: str = "objects",
        no_object_on_objects: bool = False,
        no_object_unsquared: bool = False,
        decoded: bool = False,
        name: str = "yolov2",
    ) -> None:
        super().__init__(num_classes=num_classes, lambdas=lambdas, name=name)
        self.anchors = anchor_pairs(anchors)
        if not 0 <= ignore_threshold <= 1:
            raise ValueError(f"ignore_threshold must be 0 to 1; received {ignore_threshold!r}.")
        if not isinstance(warmup_batches, int) or warmup_batches < 0:
            raise ValueError(f"warmup_batches must be 0 or more; received {warmup_batches!r}.")
        weights = np.ones(num_classes) if class_weights is None else np.asarray(class_weights)
        if weights.shape != (num_classes,) or not (weights >= 0).all():
            raise ValueError(
                f"class_weights must be {num_classes} numbers of zero or more; "
                f"received {class_weights!r}."
            )
        self.class_weights = weights.astype(np.float32)
        self._keep_options(
            ignore_threshold=float(ignore_threshold),
            warmup_batches=warmup_batches,
            warmup_off_by_one=warmup_off_by_one,
            iou_gradient=iou_gradient,
            confidence_by_iou=confidence_by_iou,
            class_collision=class_collision,
            drop_centre_on_one=drop_centre_on_one,
            count_by_weight=count_by_weight,
            square_root_sizes=square_root_sizes,
            box_unit=box_unit,
            counts_over=counts_over,
            half_errors=half_errors,
            ignore_against=ignore_against,
            no_object_on_objects=no_object_on_objects,
            no_object_unsquared=no_object_unsquared,
            decoded=decoded,
        )

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

        # Boxes are in grid cells, until a term compares them.
        grid = ops.convert_to_tensor([float(width), float(height)] * 2)
        corner = ops.convert_to_tensor(cell_corners(height, width, count))
        anchor_of_slot = ops.convert_to_tensor(np.tile(self.anchors, (height * width, 1)))
        objects = labels.boxes * grid
        unit = grid if self.options["box_unit"] == "image" else ops.ones_like(grid)
        read = OutputReader(self.options["decoded"], unit)
        boxes = read.boxes(raw[..., :4], corner, anchor_of_slot)

        matching = self._match(labels, objects, height, width, count)
        object_slot = matching.object_slot
        matched_object = matching.matched_object(slot_count)
        object_mask = matched_object >= 0
        owned = ops.cast(matching.owns, "float32")

        # (B, N, P). The ignore rule is a choice: no gradient flows through it.
        overlap = ops.stop_gradient(pairwise_iou(objects, boxes))
        if self.options["ignore_against"] == "assigned":
            overlap = overlap * ops.expand_dims(owned, 2)
        fits_some_object = largest(overlap, empty=0.0, axis=1) >= self.options["ignore_threshold"]
        no_object_mask = ops.logical_not(ops.logical_or(object_mask, fits_some_object))

        # (B, N, ...) what the slot of each object predicts: class terms are never dense.
        own_raw, objectness = gather_slots_and_channel(raw, object_slot, 4)
        own_numbers, own_objectness, own_classes = ops.split(own_raw, [4, 5], axis=-1)
        own_confidence = read.confidence(ops.squeeze(own_objectness, -1))
        confidence = read.confidence(objectness)
        own_boxes = read.boxes(
            own_numbers,
            ops.take(corner, object_slot, axis=0),
            ops.take(anchor_of_slot, object_slot, axis=0),
        )
        iou = intersection_over_union(objects, own_boxes)
        iou_target = iou if self.options["iou_gradient"] else ops.stop_gradient(iou)
        target = self._compared(objects, grid)
        error = ops.square(target - self._compared(own_boxes, grid))
        half = 0.5 if self.options["half_errors"] else 1.0
        # A predicted area of zero or a tie leaves these finite, and unowned rows are masked.
        squares = {
            "xy": half * ops.sum(error[..., :2], axis=-1),
            "wh": half * ops.sum(error[..., 2:], axis=-1),
            "objectness": half * ops.square(iou_target - own_confidence),
        }
        if self.options["confidence_by_iou"]:
            squares["objectness"] = squares["objectness"] * iou
        target_class = self._target_class(labels, matching.rivals)
        class_weight = ops.take(ops.convert_to_tensor(self.class_weights), target_class)
        one_hot = ops.one_hot(target_class, self.num_classes)
        class_error = class_weight * read.class_error(own_classes, one_hot)

        counts = self._counts(owned, no_object_mask, class_weight, iou, slot_count)
        coord_count, confidence_count, class_count, warm = counts
        booked = {
            "xy": owned * squares["xy"] / coord_count,
            "wh": owned * squares["wh"] / coord_count,
            "objectness": owned * squares["objectness"] / confidence_count,
            "classification": owned * class_error / class_count,
        }
        false_confidence = ops.square(confidence)
        if self.options["no_object_unsquared"]:
            false_confidence = -confidence
        penalised = object_mask if self.options["no_object_on_objects"] else no_object_mask
        no_object = half * ops.cast(penalised, "float32") * false_confidence
        dense = {"no_object": no_object / confidence_count}
        effective = {}
        if self.options["warmup_batches"]:
            # While warm, slots without an object are pulled to their own cell and anchor.
            resting = ops.concatenate([corner + 0.5, anchor_of_slot], axis=-1)
            pull = ops.square(self._compared(resting, grid) - self._compared(boxes, grid))
            pull = ops.where(ops.expand_dims(object_mask, -1), 0.0, half * warm * pull)
            dense["xy"] = ops.sum(pull[..., :2], axis=-1) / coord_count
            dense["wh"] = ops.sum(pull[..., 2:], axis=-1) / coord_count
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

        target = spread_to_slots(target, matched_object, float("nan"))
        compared = self._compared(boxes, grid)
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
            assignment=matching.assignment(labels, matched_object, no_object_mask, iou),
            targets={
                "overlap": ops.transpose(overlap, (0, 2, 1)),
                "objectness": objectness_target,
                "class": spread_to_slots(target_class, matched_object, -1),
                "xy": target[..., :2],
                "wh": target[..., 2:],
            },
            predictions={
                "boxes": boxes / grid,
                "objectness": confidence,
                "class_probabilities": read.class_probabilities(raw[..., 5:]),
                "xy": compared[..., :2],
                "wh": compared[..., 2:],
            },
        )

    def _compared(self, boxes: Any, grid: Any) -> Any:
        """(..., 4) boxes in grid cells, as the coordinate terms compare them."""
        if self.options["box_unit"] == "image":
            boxes = boxes / grid
        if not self.options["square_root_sizes"]:
            return boxes
        root = ops.sqrt(ops.maximum(boxes[..., 2:], SMALLEST_DECODED))
        return ops.concatenate([boxes[..., :2], root], axis=-1)

    def _match(
        self, labels: Labels, objects: Any, height: int, width: int, count: int
    ) -> CellMatching:
        """Gives each object the anchor of its cell that fits its shape best."""
        row = owning_cell(labels.boxes[..., 1], height)
        column = owning_cell(labels.boxes[..., 0], width)
        first_slot = ops.expand_dims((row * width + column) * count, -1)
        candidates = first_slot + ops.arange(count, dtype="int32")
        score = shape_iou(ops.expand_dims(objects[..., 2:], 2), ops.convert_to_tensor(self.anchors))
        return last_object_wins(labels, candidates, score, "shape IoU")

    def _target_class(self, labels: Labels, rivals: Any) -> Any:
        """(B, N) int32: the class that an object's slot is trained towards."""
        if self.options["class_collision"] == "last":
            return labels.classes
        wanting = ops.where(rivals, ops.expand_dims(labels.classes, 1), self.num_classes - 1)
        return -largest(-wanting, empty=1 - self.num_classes)

    def _counts(
        self, owned: Any, no_object_mask: Any, class_weight: Any, iou: Any, slot_count: int
    ) -> tuple[Any, Any, Any, Any]:
        """What xy and wh, both confidence terms, and classification are divided by.

        Returns:
            Three scalars, or (B, 1) where counts are over an image; and 1.0 while warming up,
            else 0.0.
        """
        # (B,) each.
        objects = ops.sum(owned, axis=-1)
        empty = ops.sum(ops.cast(no_object_mask, "float32"), axis=-1)
        coord, confident, classed = objects, objects, objects
        if self.options["count_by_weight"]:
            if self.options["confidence_by_iou"]:
                confident = ops.sum(owned * ops.cast(iou > 0, "float32"), axis=-1)
            classed = ops.sum(owned * ops.cast(class_weight > 0, "float32"), axis=-1)
            # Objectness and no_object share a count, which loses the part whose lambda is zero.
            # Counts of one term need no such care: zero times that term is zero whatever it is
            # divided by.
            confident = confident * self._is_on("objectness")
            empty = empty * self._is_on("no_object")
        warm = ops.convert_to_tensor(0.0)
        batches = self.options["warmup_batches"] - int(self.options["warmup_off_by_one"])
        if batches > 0:
            warm = ops.cast(ops.convert_to_tensor(self.step) < batches, "float32")
            coord = warm * slot_count + (1.0 - warm) * coord
        counts = [self._divisor(count) for count in (coord, confident + empty, classed)]
        return *counts, warm

    def _divisor(self, count: Any) -> Any:
        """Of a (B,) count an image: the pooled count, or (B, 1) counts times the images."""
        over_images = self.options["counts_over"] == "image"
        if not over_images:
            count = self.reduce_count(ops.sum(count))
        # Nothing is divided by zero where there is nothing to divide.
        count = count + 1e-6 if self.options["half_errors"] else ops.maximum(count, 1.0)
        if not over_images:
            return count
        images = self.reduce_count(ops.cast(ops.shape(count)[0], "float32"))
        return ops.expand_dims(count, -1) * images

    def _is_on(self, term: str) -> Any:
        """1.0 where the term's lambda is above zero, else 0.0."""
        return ops.cast(ops.convert_to_tensor(self.lambdas[term]) > 0, "float32")
