"""YOLOv1: the box that overlaps best is responsible, square-root sizes, one class a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from yolo_core.boxes import Tensor, intersection_over_union, pairwise_iou
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.booking import taken_apart
from yolo_core.losses.grid import GridLoss
from yolo_core.losses.heads import SLOTS_A_CELL, Head, slot_bias
from yolo_core.losses.labels import owning_cell, read_labels
from yolo_core.losses.matching import last_object_wins
from yolo_core.losses.meaning import SMALLEST, Meaning, raw_fraction, raw_in_cell, refuse
from yolo_core.losses.slot_axis import (
    cell_corners,
    gather_candidates,
    gather_slots_and_channel,
    spread_to_slots,
)
from yolo_core.losses.yolov1.slips import SLIPS
from yolo_core.slots import SlotLayout


@keras.saving.register_keras_serializable(package="yolo_core")
class YoloV1Loss(GridLoss):
    """The YOLOv1 loss (Redmon et al. 2016, equation 3), as the Keras notebook prints it.

    The cell of an object's centre owns it; of the cell's boxes the one with the best IoU is
    responsible, the first one on a tie. A cell has one set of class scores, so it can hold one
    object: of several the last row is trained, and the others are OVERWRITTEN even where another
    box of the cell fits them better. Terms, each summed over an image, then the mean over images:
    ``xy`` squared error in fractions of the cell; ``wh`` squared error of the square roots of
    sizes in fractions of the image; ``objectness`` (IoU - confidence)^2 of responsible boxes;
    ``no_object`` confidence^2 of the others; ``classification`` squared error of the class
    probabilities of cells with an object, booked on the cell's responsible slot.

    Predictions: (B, H, W, A * 5 + C): [x, y, w, h, confidence] of each of the A boxes, then the
    classes of the cell. Raw: x, y = sigmoid (fraction of the cell), sqrt(w), sqrt(h) = sigmoid
    (w, h fractions of the image; so the root is always defined), confidence = sigmoid, classes =
    softmax. Slots have no priors (NaN). In `slot_predictions` each slot carries a copy of its
    cell's classes. The other readings of the formula (`docs/losses.md`, B-9) `published` has.

    Args:
        num_classes: C.
        lambdas: By term, or "coord" for xy and wh. Published: coord 5, no_object 0.5, others 1.
        predictors: Boxes a cell; None takes it from the channels.
        iou_gradient: Lets the gradient flow through the IoU that the confidence is trained
            towards, as the formula is written; else that target is a constant.
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
    known_slips: ClassVar = SLIPS

    def __init__(
        self,
        num_classes: int,
        *,
        lambdas: Mapping[str, float] | None = None,
        predictors: int | None = None,
        iou_gradient: bool = True,
        name: str = "yolov1",
    ) -> None:
        super().__init__(num_classes=num_classes, lambdas=lambdas, name=name)
        self._keep_options(predictors=predictors, iou_gradient=bool(iou_gradient))

    def slot_predictions(self, y_pred: Any) -> Tensor:
        """(B, H, W, A * 5 + C) as (B, H * W * A, 5 + C), each slot with its cell's classes."""
        height, width, count = self._grid(y_pred.shape)
        boxes = ops.reshape(y_pred[..., : count * 5], (-1, height * width * count, 5))
        classes = ops.reshape(y_pred[..., count * 5 :], (-1, height * width, self.num_classes))
        return ops.concatenate([boxes, ops.repeat(classes, count, axis=1)], axis=-1)

    def heads(self) -> list[Head]:
        """One: the boxes first, then one set of classes a cell."""
        slot = slot_bias(self.channel_names)
        return [Head(self.strides[0], np.concatenate([np.tile(slot[:5], SLOTS_A_CELL), slot[5:]]))]

    def encode_boxes(self, layout: SlotLayout, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `DetectionLoss.encode_boxes`."""
        root = np.sqrt(np.maximum(boxes[..., 2:], SMALLEST))
        return raw_in_cell(layout, boxes[..., :2]), raw_fraction(root, "width or height")

    def encode(self, layout: SlotLayout, said: Meaning) -> np.ndarray:
        """See `DetectionLoss.encode`; all slots of a cell must say the same classes."""
        raw = super().encode(layout, said)
        cells = np.exp(raw[..., 5:]).reshape(len(raw), -1, layout.grids[0][2], self.num_classes)
        refuse(
            np.any(np.abs(cells - cells[:, :, :1]) > 1e-4, axis=-1),
            "it has one set of class probabilities a cell, and {} disagree with the first one "
            "of their cell",
        )
        return raw

    def _cells(self, slots: np.ndarray) -> np.ndarray:
        boxes = slots[..., :5].reshape(*slots.shape[:3], -1)
        return np.concatenate([boxes, slots[..., 0, 5:]], axis=-1)

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
        rows, columns, count = self._grid(y_pred.shape)
        grid = ops.convert_to_tensor([float(columns), float(rows)])  # (2,)
        labels = read_labels(y_true)

        # Centre in its cell, roots of the sizes, confidence, classes.
        raw = self.slot_predictions(y_pred)  # (B, P, 5 + C)
        values = self._activated(raw)  # (B, P, 5 + C)
        corner = ops.convert_to_tensor(cell_corners(rows, columns, count))  # (P, 2)
        boxes = _boxes(values, corner, grid)  # (B, P, 4)

        # (B, N, A): the boxes of the cell that owns the object, compared without gradient.
        row = owning_cell(labels.boxes[..., 1], rows)
        column = owning_cell(labels.boxes[..., 0], columns)
        first_slot = ops.expand_dims((row * columns + column) * count, -1)
        candidates = first_slot + ops.arange(count, dtype="int32")
        compared = gather_candidates(boxes, candidates)  # (B, N, A, 4)
        score = intersection_over_union(ops.expand_dims(labels.boxes, 2), compared)
        matching = last_object_wins(
            labels, [(candidates, score)], "box IoU", one_object_a_cell=True
        )
        slot, owns = matching.claims(matching.slot), matching.claims(matching.owns)  # (B, N)
        matched_object = matching.claim_of_slot(rows * columns * count)  # (B, P)
        no_object_mask = self._empty(matched_object >= 0, count)

        # Targets of each object and what its slot predicts.
        cell = ops.cast(ops.stack([column, row], axis=-1), "float32")  # (B, N, 2)
        target = ops.concatenate(
            [labels.boxes[..., :2] * grid - cell, ops.sqrt(labels.boxes[..., 2:])], axis=-1
        )  # (B, N, 4)
        own_raw, objectness = gather_slots_and_channel(raw, slot, 4)  # (B, N, 5 + C), (B, P)
        own = self._activated(own_raw)
        iou = intersection_over_union(labels.boxes, _boxes(own, cell, grid))  # (B, N)
        confidence_target = self._confidence_target(iou)  # (B, N)

        images = self.reduce_count(ops.cast(ops.shape(y_pred)[0], "float32"))
        share = ops.cast(owns, "float32") / images
        error = ops.square(target - own[..., :4])
        booked = {
            "xy": share * ops.sum(error[..., :2], axis=-1),
            "wh": share * ops.sum(error[..., 2:], axis=-1),
            "objectness": share * ops.square(confidence_target - own[..., 4]),
            "classification": share * ops.sum(ops.square(labels.one_hot - own[..., 5:]), axis=-1),
        }
        confidence = self._confidence(objectness)
        empty = ops.cast(no_object_mask, "float32") / images
        return taken_apart(
            self,
            slots=slot,
            booked=booked,
            dense={"no_object": empty * ops.square(confidence)},
            assignment=matching.assignment(labels, matched_object, no_object_mask, iou),
            overlap=ops.transpose(pairwise_iou(labels.boxes, boxes), (0, 2, 1)),
            target_box=spread_to_slots(target, matched_object, float("nan")),
            target_objectness=spread_to_slots(confidence_target, matched_object, 0.0),
            target_class=spread_to_slots(labels.classes, matched_object, -1),
            boxes=boxes,
            compared=values[..., :4],
            objectness=confidence,
            class_probabilities=values[..., 5:],
        )

    # The pieces that published code has otherwise: see verbatim.py.

    def _activated(self, slots: Tensor) -> Tensor:
        """(..., 5 + C) predictions with the square roots of the sizes in place of w and h."""
        numbers, classes = ops.sigmoid(slots[..., :5]), ops.softmax(slots[..., 5:], axis=-1)
        return ops.concatenate([numbers, classes], axis=-1)

    def _confidence(self, objectness: Tensor) -> Tensor:
        return ops.sigmoid(objectness)

    def _confidence_target(self, iou: Tensor) -> Tensor:
        """(B, N): what the confidence of a responsible box is trained towards."""
        return iou if self.options["iou_gradient"] else ops.stop_gradient(iou)

    def _empty(self, object_mask: Tensor, count: int) -> Tensor:
        """(B, P) bool: boxes that are trained as no object: all that are not responsible."""
        del count
        return ops.logical_not(object_mask)


def _boxes(values: Tensor, corner: Tensor, grid: Tensor) -> Tensor:
    """(..., 4) boxes in image fractions of activated values in the cells at (..., 2) corners."""
    return ops.concatenate(
        [(values[..., :2] + corner) / grid, ops.square(values[..., 2:4])], axis=-1
    )
