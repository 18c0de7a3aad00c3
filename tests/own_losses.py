"""Losses of one's own, as somebody might write them in a file beside their work: right and wrong.

Loaded by path, as the command line does; not imported by any test.
"""

import dataclasses

import numpy as np
from keras import ops

from yolo_core.assignment import Assignment
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses import GridLoss, MnistYoloLoss, YoloV2Loss, YoloV3Loss
from yolo_core.slots import SlotLayout


class FocalLoss(YoloV2Loss):
    """YOLOv2, with less weight on empty slots that are nearly right."""

    def __init__(self, anchors, num_classes, *, gamma=2.0, **options):
        super().__init__(anchors, num_classes, **options)
        self.gamma = gamma

    def breakdown(self, y_true, y_pred):
        whole = super().breakdown(y_true, y_pred)
        weight = ops.stop_gradient(whole.predictions["objectness"]) ** self.gamma
        maps = {**whole.maps, "no_object": whole.maps["no_object"] * weight}
        terms = {term: ops.sum(values) for term, values in maps.items()}
        total, lambdas = self._weighted(terms)
        return dataclasses.replace(whole, total=total, terms=terms, maps=maps, lambdas=lambdas)


class TwoHeads(YoloV3Loss):
    """YOLOv3 under another name."""


class CornerLoss(GridLoss):
    """The least there can be: all objects train the first slot of the first cell."""

    term_names = ("box",)
    default_lambdas = {"box": 2.0}  # noqa: RUF012

    @property
    def channel_names(self):
        classes = (f"class {index}" for index in range(self.num_classes))
        return ("x", "y", "w", "h", "objectness", *classes)

    def slots(self, y_pred_shape):
        return SlotLayout.from_grids([self._grid(y_pred_shape)])

    def breakdown(self, y_true, y_pred):
        y_true, y_pred = self._checked(y_true, y_pred)
        raw = self.slot_predictions(y_pred)
        boxes = ops.sigmoid(raw[..., :4])
        is_object = ops.cast(y_true[..., 0] != 0, "int32")
        some = ops.max(is_object, axis=1, keepdims=True) > 0
        first = ops.arange(ops.shape(raw)[1]) == 0
        object_mask = ops.logical_and(first, some)
        error = ops.sum(ops.square(boxes - y_true[:, :1, 1:5]), axis=-1)
        maps = {"box": ops.where(object_mask, error, 0.0)}
        terms = {"box": ops.sum(maps["box"])}
        total, lambdas = self._weighted(terms)
        zero = ops.zeros_like(is_object)[..., None]
        overlap = raw[..., :1] * 0.0 + ops.cast(zero[:, None, :, 0], "float32")
        assignment = Assignment(
            object_mask=object_mask,
            no_object_mask=ops.logical_not(object_mask),
            ignore_mask=ops.zeros_like(object_mask),
            matched_object=ops.where(object_mask, 0, -1),
            object_slot=is_object[..., None] - 1,
            match_count=is_object[..., None],
            object_status=is_object[..., None],
            overwritten_by=zero - 1,
            object_iou=ops.cast(zero, "float32"),
            candidate_slots=zero[..., None] - 1,
            candidate_score=ops.cast(zero[..., None], "float32"),
            candidate_measure="box IoU",
        )
        return LossBreakdown(
            total=total,
            terms=terms,
            maps=maps,
            lambdas=lambdas,
            assignment=assignment,
            targets={"overlap": overlap},
            predictions={
                "boxes": boxes,
                "objectness": ops.sigmoid(raw[..., 4]),
                "class_probabilities": ops.softmax(raw[..., 5:], axis=-1),
            },
        )


class Exchanged(YoloV2Loss):
    """Wrong: it reads y, x, width, height."""

    def breakdown(self, y_true, y_pred):
        x, y = y_true[..., 1:2], y_true[..., 2:3]
        return super().breakdown(
            ops.concatenate([y_true[..., :1], y, x, y_true[..., 3:]], axis=-1), y_pred
        )


class TermTwice(FocalLoss):
    """Wrong: its picture would show half of what trains."""

    def breakdown(self, y_true, y_pred):
        whole = super().breakdown(y_true, y_pred)
        return dataclasses.replace(whole, terms={**whole.terms, "xy": 2 * whole.terms["xy"] + 1})


class NoTerm(FocalLoss):
    """Wrong: a term without a map."""

    def breakdown(self, y_true, y_pred):
        whole = super().breakdown(y_true, y_pred)
        maps = {term: values for term, values in whole.maps.items() if term != "wh"}
        return dataclasses.replace(whole, maps=maps)


class InTwoMasks(FocalLoss):
    """Wrong: slots with an object are trained as empty, too."""

    def breakdown(self, y_true, y_pred):
        whole = super().breakdown(y_true, y_pred)
        every = ops.ones_like(whole.assignment.no_object_mask)
        assignment = dataclasses.replace(whole.assignment, no_object_mask=every)
        return dataclasses.replace(whole, assignment=assignment)


class OnlyTotal(FocalLoss):
    """Wrong: no breakdown."""

    def breakdown(self, y_true, y_pred):
        return super().breakdown(y_true, y_pred).total


class Misspelt(FocalLoss):
    """Wrong: the line below raises."""

    def breakdown(self, y_true, y_pred):  # noqa: ARG002
        return y_true.no_such_thing  # the misspelt line


class NeedsNumbers(FocalLoss):
    """Wrong: works on arrays, and not in a compiled step."""

    def breakdown(self, y_true, y_pred):
        np.asarray(y_pred).max()  # the line that needs numbers
        return super().breakdown(y_true, y_pred)


class WantsColour(MnistYoloLoss):
    """Wrong: an argument that nobody gives."""

    def __init__(self, *, num_classes, colour):
        super().__init__(num_classes=num_classes)
        self.colour = colour


def mean_square(y_true, y_pred):  # noqa: ARG001, a Keras loss takes both
    """No detection loss: a plain Keras one."""
    return ops.mean(ops.square(y_pred))


class Other:
    """No loss at all."""
