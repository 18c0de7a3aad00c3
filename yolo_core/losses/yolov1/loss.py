"""YOLOv1: the box that overlaps best is responsible, square-root sizes, one class a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
from keras import ops

from yolo_core.boxes import intersection_over_union
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.base import GridLoss
from yolo_core.losses.labels import owning_cell, read_labels
from yolo_core.losses.matching import last_object_wins
from yolo_core.losses.slot_axis import (
    add_to_slots,
    cell_corners,
    gather_candidates,
    gather_slots_and_channel,
    spread_to_slots,
)
from yolo_core.slots import SlotLayout

# The square root has no slope at zero; decoded sizes below this count as this.
SMALLEST_SIZE = 1e-12


@keras.saving.register_keras_serializable(package="yolo_core")
class YoloV1Loss(GridLoss):
    """The YOLOv1 formula, `docs/losses.md#yolov1-formula` (Redmon et al. 2016, eq. 3).

    The cell of an object's centre owns it; of the cell's boxes the one with the best IoU is
    responsible, the first one on a tie. A cell has one set of class scores, so it can hold one
    object: of several the last row is trained, and the others are OVERWRITTEN even where another
    box of the cell fits them better. Terms, each summed over an image, then the mean over images:
    ``xy`` squared error in fractions of the cell; ``wh`` squared error of the square roots of
    sizes in fractions of the image; ``objectness`` (target - confidence)^2 of responsible boxes;
    ``no_object`` confidence^2 of the others; ``classification`` squared error of the class
    probabilities of cells with an object, booked on the cell's responsible slot.

    Predictions: (B, H, W, A * 5 + C): [x, y, w, h, confidence] of each of the A boxes, then the
    classes of the cell. Raw: x, y = sigmoid (fraction of the cell), sqrt(w), sqrt(h) = sigmoid
    (w, h fractions of the image; so the root is always defined), confidence = sigmoid, classes =
    softmax. The published formula starts from decoded values: `decoded=True` takes x, y, w, h,
    confidence and class scores as they are.

    Slots have no priors (NaN). In `slot_predictions` each slot carries a copy of its cell's
    classes.

    Args:
        num_classes: C.
        lambdas: By term, or "coord" for xy and wh. Published: coord 5, no_object 0.5, others 1.
        predictors: Boxes a cell; None takes it from the channels.
        confidence_target: "iou" trains the confidence towards the IoU of the box with the object,
            as the paper says; "one" towards 1 (B-9: the formula's C_i can be read as both).
        no_object: "all_nonresponsible" pushes down every box that is not responsible; with
            "empty_cells" the other boxes of a cell with an object are ignored.
        iou_gradient: Lets the gradient flow through the IoU that the confidence is trained
            towards, as the formula is written; else that target is a constant.
        decoded: Predictions are decoded values, not raw output.
        name: Keras's name of the loss.

    Raises:
        ValueError: An option has another value.
    """

    term_names: ClassVar = ("xy", "wh", "objectness", "no_object", "classification")
    default_lambdas: ClassVar[Mapping[str, float]] = {
        "xy": 5.0,
        "wh": 5.0,
        "objectness": 1.0,
        "no_object": 0.5,
        "classification": 1.0,
    }
    lambda_groups: ClassVar = {"coord": ("xy", "wh")}
    choices: ClassVar = {
        "confidence_target": ("iou", "one"),
        "no_object": ("all_nonresponsible", "empty_cells"),
    }

    def __init__(
        self,
        num_classes: int,
        *,
        lambdas: Mapping[str, float] | None = None,
        predictors: int | None = None,
        confidence_target: str = "iou",
        no_object: str = "all_nonresponsible",
        iou_gradient: bool = True,
        decoded: bool = False,
        name: str = "yolov1",
    ) -> None:
        super().__init__(num_classes=num_classes, lambdas=lambdas, name=name)
        self._keep_options(
            predictors=predictors,
            confidence_target=confidence_target,
            no_object=no_object,
            iou_gradient=iou_gradient,
            decoded=decoded,
        )

    @property
    def channel_names(self) -> tuple[str, ...]:
        """x, y, w, h, objectness, then the classes of the cell."""
        classes = (f"class {index}" for index in range(self.num_classes))
        return ("x", "y", "w", "h", "objectness", *classes)

    def slots(self, y_pred_shape: Sequence[Any]) -> SlotLayout:
        """One head of H x W cells; no priors."""
        return SlotLayout.from_grids([self._grid(y_pred_shape)])

    def slot_predictions(self, y_pred: Any) -> Any:
        """(B, H, W, A * 5 + C) as (B, H * W * A, 5 + C), each slot with its cell's classes."""
        height, width, count = self._grid(y_pred.shape)
        boxes = ops.reshape(y_pred[..., : count * 5], (-1, height * width * count, 5))
        classes = ops.reshape(y_pred[..., count * 5 :], (-1, height * width, self.num_classes))
        return ops.concatenate([boxes, ops.repeat(classes, count, axis=1)], axis=-1)

    @property
    def ignore_rule(self) -> str:
        """When a slot without an object is ignored, as the end of a sentence; "" for never."""
        if self.options["no_object"] == "all_nonresponsible":
            return ""
        return "the rule trains boxes as empty only in cells without an object"

    def get_config(self) -> dict[str, Any]:
        """All keyword arguments."""
        return {**super().get_config(), **self.options}

    def _grid(self, shape: Sequence[Any]) -> tuple[int, int, int]:
        expected = self.options["predictors"]
        boxes = "boxes" if expected is None else str(expected)
        takes = (
            f"{type(self).__name__} with {self.num_classes} classes takes predictions of shape "
            f"(batch, rows, columns, {boxes} * 5 + {self.num_classes}) with a known grid, the "
            f"classes once a cell; received {tuple(shape)}."
        )
        if len(shape) != 4 or not all(isinstance(size, int) for size in shape[1:]):
            raise ValueError(takes)
        height, width, channels = shape[1:]
        count, rest = divmod(channels - self.num_classes, 5)
        if rest or count < 1 or expected not in (None, count):
            raise ValueError(f"{takes} Is num_classes right?")
        return height, width, count

    def breakdown(self, y_true: Any, y_pred: Any) -> LossBreakdown:
        """See `DetectionLoss.breakdown`; predictions (B, H, W, A * 5 + C)."""
        y_true, y_pred = self._checked(y_true, y_pred)
        height, width, count = self._grid(y_pred.shape)
        slot_count = height * width * count
        grid = ops.convert_to_tensor([float(width), float(height)])
        labels = read_labels(y_true)

        # (B, P, 5 + C): centre in its cell, roots of the sizes, confidence, classes.
        raw = self.slot_predictions(y_pred)
        values = self._activated(raw)
        boxes = _boxes(values, ops.convert_to_tensor(cell_corners(height, width, count)), grid)

        # (B, N, A): the boxes of the cell that owns the object, compared without gradient.
        row = owning_cell(labels.boxes[..., 1], height)
        column = owning_cell(labels.boxes[..., 0], width)
        first_slot = ops.expand_dims((row * width + column) * count, -1)
        candidates = first_slot + ops.arange(count, dtype="int32")
        score = intersection_over_union(
            ops.expand_dims(labels.boxes, 2), gather_candidates(boxes, candidates)
        )
        matching = last_object_wins(labels, candidates, score, "box IoU", one_object_a_cell=True)
        matched_object = matching.matched_object(slot_count)
        object_mask = matched_object >= 0
        taken = object_mask
        if self.options["no_object"] == "empty_cells":
            cells = ops.any(ops.reshape(object_mask, (-1, height * width, count)), axis=-1)
            taken = ops.repeat(cells, count, axis=1)
        no_object_mask = ops.logical_not(taken)

        # (B, N, ...): targets of each object and what its slot predicts.
        cell = ops.cast(ops.stack([column, row], axis=-1), "float32")
        box_target = ops.concatenate(
            [labels.boxes[..., :2] * grid - cell, ops.sqrt(labels.boxes[..., 2:])], axis=-1
        )
        own_raw, objectness = gather_slots_and_channel(raw, matching.object_slot, 4)
        own = self._activated(own_raw)
        iou = intersection_over_union(labels.boxes, _boxes(own, cell, grid))
        confidence_target = iou if self.options["iou_gradient"] else ops.stop_gradient(iou)
        if self.options["confidence_target"] == "one":
            confidence_target = ops.ones_like(iou)

        images = self.reduce_count(ops.cast(ops.shape(y_pred)[0], "float32"))
        share = ops.cast(matching.owns, "float32") / images
        error = ops.square(box_target - own[..., :4])
        booked = {
            "xy": share * ops.sum(error[..., :2], axis=-1),
            "wh": share * ops.sum(error[..., 2:], axis=-1),
            "objectness": share * ops.square(confidence_target - own[..., 4]),
            "classification": share * ops.sum(ops.square(labels.one_hot - own[..., 5:]), axis=-1),
        }
        confidence = objectness if self.options["decoded"] else ops.sigmoid(objectness)
        no_object = ops.cast(no_object_mask, "float32") / images * ops.square(confidence)
        terms = {term: ops.sum(each) for term, each in booked.items()}
        terms["no_object"] = ops.sum(no_object)
        maps = {
            term: add_to_slots(each, matching.object_slot, slot_count)
            for term, each in booked.items()
        }
        maps["no_object"] = no_object
        total, effective = self._weighted(terms)

        box_target = spread_to_slots(box_target, matched_object, float("nan"))
        objectness_target = ops.where(
            object_mask,
            spread_to_slots(confidence_target, matched_object, 0.0),
            ops.where(no_object_mask, 0.0, float("nan")),
        )
        return LossBreakdown(
            total=total,
            terms=terms,
            maps=maps,
            lambdas=effective,
            assignment=matching.assignment(labels, matched_object, no_object_mask, iou),
            targets={
                "overlap": intersection_over_union(
                    ops.expand_dims(boxes, 2), ops.expand_dims(labels.boxes, 1)
                ),
                "xy": box_target[..., :2],
                "wh": box_target[..., 2:],
                "objectness": objectness_target,
                "class": spread_to_slots(labels.classes, matched_object, -1),
            },
            predictions={
                "boxes": boxes,
                "objectness": confidence,
                "class_probabilities": values[..., 5:],
                "xy": values[..., :2],
                "wh": values[..., 2:4],
            },
        )

    def _activated(self, slots: Any) -> Any:
        """(B, P, 5 + C) predictions with the square roots of the sizes in place of w and h."""
        if not self.options["decoded"]:
            return ops.concatenate(
                [ops.sigmoid(slots[..., :5]), ops.softmax(slots[..., 5:], axis=-1)], axis=-1
            )
        root = ops.sqrt(ops.maximum(slots[..., 2:4], SMALLEST_SIZE))
        return ops.concatenate([slots[..., :2], root, slots[..., 4:]], axis=-1)


def _boxes(values: Any, corner: Any, grid: Any) -> Any:
    """(..., 4) boxes in image fractions of activated values in the cells at (..., 2) corners."""
    return ops.concatenate(
        [(values[..., :2] + corner) / grid, ops.square(values[..., 2:4])], axis=-1
    )
