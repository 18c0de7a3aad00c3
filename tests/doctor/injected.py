"""The silent bugs of detectors, each planted in a loss that is right without it.

By its number in the list that README.md shows. Written as somebody would make the mistake, in a
subclass of a loss of this project. Loaded by path, as the command line does.
"""

import dataclasses

from keras import ops

from yolo_core.boxes import intersection_over_union, pairwise_iou, shape_iou
from yolo_core.losses import (
    MnistYoloLoss,
    SSDLoss,
    YoloV1Loss,
    YoloV2Loss,
    YoloV3Loss,
    YoloV5Loss,
)
from yolo_core.losses.labels import owning_cell
from yolo_core.losses.matching import last_object_wins
from yolo_core.losses.slot_axis import add_to_slots


def rebuilt(loss, whole, maps, **parts):
    """The same breakdown with other maps, terms and total."""
    terms = {term: ops.sum(values) for term, values in maps.items()}
    total, lambdas = loss._weighted(terms)
    return dataclasses.replace(whole, maps=maps, terms=terms, total=total, lambdas=lambdas, **parts)


def masked(whole, **masks):
    return dataclasses.replace(whole.assignment, **masks)


class RowColumnSwapped(YoloV2Loss):
    """1: [i, j] for [j, i]."""

    def _match(self, labels, objects, rows, columns):
        row = owning_cell(labels.boxes[..., 0], rows)
        column = owning_cell(labels.boxes[..., 1], columns)
        first = ops.expand_dims((row * columns + column) * len(self.anchors), -1)
        candidates = first + ops.arange(len(self.anchors), dtype="int32")
        score = shape_iou(ops.expand_dims(objects[..., 2:], 2), ops.convert_to_tensor(self.anchors))
        return last_object_wins(labels, [(candidates, score)], "shape IoU")


class OffsetsTransposed(YoloV2Loss):
    """2: cell_y is the transpose of cell_x, which it is on a square grid alone."""

    def _boxes(self, numbers, corner, anchor, grid):
        return super()._boxes(numbers, corner[..., ::-1], anchor, grid)


class AnchorsHeightFirst(YoloV2Loss):
    """3: the decoder reads anchors as height, width."""

    def _boxes(self, numbers, corner, anchor, grid):
        return super()._boxes(numbers, corner, anchor[..., ::-1], grid)


class LabelsHeightFirst(YoloV2Loss):
    """3: rows of the labels are taken for x, y, height, width."""

    def breakdown(self, y_true, y_pred):
        order = [0, 1, 2, 4, 3, *range(5, 5 + self.num_classes)]
        return super().breakdown(ops.take(y_true, order, axis=-1), y_pred)


class OldClassBitStays(YoloV2Loss):
    """4: the later object overwrites the box, and the class of the earlier one stays hot."""

    def _target_class(self, labels, matching):
        rivals = ops.cast(matching.rivals[0], "float32")
        self._bits = ops.minimum(ops.matmul(rivals, labels.one_hot), 1.0)
        return super()._target_class(labels, matching)

    def _class_error(self, classes, one_hot):
        del one_hot
        return super()._class_error(classes, self._bits)


class ScatterAdds(YoloV2Loss):
    """5: tf.scatter_nd adds up where two objects write the same slot."""

    def breakdown(self, y_true, y_pred):
        whole = super().breakdown(y_true, y_pred)
        slot = whole.assignment.object_slot[..., 0]
        wants = ops.cast(slot >= 0, "float32")
        count = ops.shape(whole.assignment.object_mask)[1]
        target = add_to_slots(wants, ops.maximum(slot, 0), count)
        error = ops.square(target - whole.predictions["objectness"])
        own = ops.cast(whole.assignment.object_mask, "float32")
        targets = {**whole.targets, "objectness": ops.where(own > 0, target, 0.0)}
        return rebuilt(self, whole, {**whole.maps, "objectness": own * error}, targets=targets)


class EdgeDropped(YoloV2Loss):
    """6: `if x < columns` drops a centre on the edge."""

    drops_centre_on_one = True


class CellOfTheCorner(YoloV2Loss):
    """6: the cell is that of the first corner."""

    def _match(self, labels, objects, rows, columns):
        corner = ops.clip(labels.boxes[..., :2] - labels.boxes[..., 2:] / 2, 0.0, 1.0)
        moved = ops.concatenate([corner, labels.boxes[..., 2:]], axis=-1)
        labels = dataclasses.replace(labels, boxes=moved)
        return super()._match(labels, objects, rows, columns)


class SizesInPixels(YoloV2Loss):
    """7: widths and heights are compared in other units than they are decoded in."""

    def _box_errors(self, wanted, boxes, grid):
        wanted = ops.concatenate([wanted[..., :2], wanted[..., 2:] / grid[2:]], axis=-1)
        return super()._box_errors(wanted, boxes, grid)


class OverlapTheWrongWay(YoloV5Loss):
    """7: 1 + IoU for 1 - IoU: the worse a box lies, the less it costs."""

    def _agreement(self, boxes, target):
        return -super()._agreement(boxes, target)


def corners_for_centres(one, other):
    """8: an IoU of corners, given centres and sizes."""

    def as_corners(box):
        return ops.concatenate(
            [(box[..., :2] + box[..., 2:]) / 2, box[..., 2:] - box[..., :2]], axis=-1
        )

    return intersection_over_union(as_corners(one), as_corners(other))


def pairwise_of_corners(one, other):
    return corners_for_centres(ops.expand_dims(one, 2), ops.expand_dims(other, 1))


def pairwise_wrong_index(one, other):
    """9: y where x belongs."""
    wrong = ops.concatenate([other[..., 1:2], other[..., 1:]], axis=-1)
    return pairwise_iou(one, wrong)


class WrongChannel(MnistYoloLoss):
    """9: the confidence of empty slots is read off the height."""

    def breakdown(self, y_true, y_pred):
        whole = super().breakdown(y_true, y_pred)
        raw = self.slot_predictions(y_pred)
        empty = ops.cast(whole.assignment.no_object_mask, "float32")
        wrong = empty * ops.softplus(raw[..., 4]) / ops.maximum(ops.sum(empty), 1.0)
        return rebuilt(self, whole, {**whole.maps, "no_object": wrong})


class ClassOneOff(YoloV3Loss):
    """9: classes that count from 1 are an index from 0."""

    def _class_target(self, labels, matching):
        return ops.roll(super()._class_target(labels, matching), 1, axis=-1)


class HeadsReversed(YoloV3Loss):
    """11: the masks of the heads are in the order of another program."""

    def __init__(self, anchors, num_classes, **options):
        super().__init__(anchors[::-1], num_classes, **options)


class AnchorTwice(YoloV3Loss):
    """11: a mask names one anchor twice, and another one never."""

    def __init__(self, anchors, num_classes, **options):
        first = [anchors[0][1], *anchors[0][1:]]
        super().__init__([first, *anchors[1:]], num_classes, **options)


class IgnoresWholePlanes(YoloV3Loss):
    """12: one good box, and all slots of its anchor are ignored."""

    def breakdown(self, y_true, y_pred):
        whole = super().breakdown(y_true, y_pred)
        a = whole.assignment
        layout = self.slots(y_pred.shape)
        same = ops.convert_to_tensor(
            (
                (layout.anchor[:, None] == layout.anchor) & (layout.head[:, None] == layout.head)
            ).astype("float32")
        )
        plane = ops.matmul(ops.cast(a.ignore_mask, "float32"), same) > 0
        ignore = ops.logical_and(plane, ops.logical_not(a.object_mask))
        empty = ops.logical_not(ops.logical_or(ignore, a.object_mask))
        maps = {
            **whole.maps,
            "no_object": whole.maps["no_object"] * ops.cast(empty, "float32"),
        }
        return rebuilt(
            self, whole, maps, assignment=masked(whole, ignore_mask=ignore, no_object_mask=empty)
        )


class IgnoreErases(YoloV2Loss):
    """13: the ignore rule comes last and takes good slots out of the object mask."""

    def breakdown(self, y_true, y_pred):
        whole = super().breakdown(y_true, y_pred)
        a = whole.assignment
        fits = ops.max(whole.targets["overlap"], axis=-1) >= 0.2
        left = ops.logical_and(a.object_mask, ops.logical_not(fits))
        ignore = ops.logical_or(a.ignore_mask, fits)
        empty = ops.logical_not(ops.logical_or(left, ignore))
        maps = {term: ops.where(fits, 0.0, values) for term, values in whole.maps.items()}
        return rebuilt(
            self,
            whole,
            maps,
            assignment=masked(whole, object_mask=left, ignore_mask=ignore, no_object_mask=empty),
        )


class PositivesAreEmptyToo(YoloV2Loss):
    """13: the slots of objects stay among those that are trained to be empty."""

    def _empty_error(self, object_mask, no_object_mask, conf):
        return super()._empty_error(None, ops.logical_or(object_mask, no_object_mask), conf)


class IgnoredByTheBatch(YoloV3Loss):
    """14: boxes are compared with the objects of all pictures."""

    def _ignored(self, labels, matching, overlap, layout):
        every = ops.max(overlap, axis=0, keepdims=True)
        return super()._ignored(labels, matching, every + 0.0 * overlap, layout)


class NothingIgnored(YoloV3Loss):
    """15: boxes that lie well on an object are trained as empty."""

    def _ignored(self, labels, matching, overlap, layout):
        return super()._ignored(labels, matching, 0.0 * overlap, layout)


class TargetMoves(YoloV1Loss):
    """16: the IoU is the target of the confidence, without stop_gradient."""

    def __init__(self, num_classes, **options):
        super().__init__(num_classes, **{**options, "iou_gradient": False})

    def _confidence_target(self, iou):
        return iou


class SumAndMean(MnistYoloLoss):
    """17: one term is a sum over the batch, the others are means."""

    def breakdown(self, y_true, y_pred):
        whole = super().breakdown(y_true, y_pred)
        objects = ops.sum(ops.cast(y_true[..., 0], "float32"))
        return rebuilt(self, whole, {**whole.maps, "xy": whole.maps["xy"] * objects})


class DividedTwice(MnistYoloLoss):
    """17: a mean, divided by the batch once more."""

    def breakdown(self, y_true, y_pred):
        whole = super().breakdown(y_true, y_pred)
        batch = ops.cast(ops.shape(y_pred)[0], "float32")
        return rebuilt(self, whole, {term: each / batch for term, each in whole.maps.items()})


class DividedByObjects(MnistYoloLoss):
    """17: divided by the number of objects, which may be 0."""

    def breakdown(self, y_true, y_pred):
        whole = super().breakdown(y_true, y_pred)
        objects = ops.sum(ops.cast(y_true[..., 0], "float32"))
        return rebuilt(self, whole, {**whole.maps, "wh": whole.maps["wh"] / objects})


class ShownIsNotOptimised(YoloV2Loss):
    """18: what is returned is the batch size times what is shown."""

    def breakdown(self, y_true, y_pred):
        whole = super().breakdown(y_true, y_pred)
        return dataclasses.replace(
            whole, total=whole.total * ops.cast(ops.shape(y_pred)[0], "float32")
        )


class SigmoidTwice(YoloV3Loss):
    """19: the network's numbers are activated, and the cross-entropy takes logits."""

    def _binary(self, logit, target):
        return super()._binary(ops.sigmoid(logit), target)


class SquaresOfSigmoidTwice(YoloV2Loss):
    """19: the same with squared errors."""

    def _confidence(self, objectness):
        return super()._confidence(ops.sigmoid(objectness))


class SoftmaxTwice(YoloV2Loss):
    """19: probabilities go into a cross-entropy that takes logits."""

    def _class_error(self, classes, one_hot):
        # Not ops.softmax: Keras takes that back where it sees it.
        weights = ops.exp(classes - ops.max(classes, axis=-1, keepdims=True))
        return super()._class_error(weights / ops.sum(weights, axis=-1, keepdims=True), one_hot)


class ExpOverflows(YoloV2Loss):
    """20: exp of a size that nothing bounds."""

    def _boxes(self, numbers, corner, anchor, grid):
        del grid
        size = ops.exp(numbers[..., 2:]) * anchor
        return ops.concatenate([ops.sigmoid(numbers[..., :2]) + corner, size], axis=-1)


class RootOfNothing(MnistYoloLoss):
    """20: the square root of a size has no gradient at 0, which a raw -100 comes to."""

    def _activated(self, raw):
        place, size = ops.split(raw, 2, axis=-1)
        root = ops.sqrt(ops.relu(size))
        return ops.concatenate([ops.sigmoid(place), root], axis=-1)


class PositivesAmongNegatives(SSDLoss):
    """23: matched priors are sorted with the others."""

    def _hard_negatives(self, logits, error, object_mask):
        nobody = ops.zeros_like(object_mask)
        hardness = self._hardness(logits, error, nobody)
        wanted = 3 * ops.sum(ops.cast(object_mask, "int32"), axis=-1, keepdims=True)
        order = ops.argsort(ops.argsort(-hardness, axis=-1), axis=-1)
        return ops.cast(order, "int32") < wanted


class MinedOverTheBatch(SSDLoss):
    """23: the hardest of all pictures together."""

    def _hard_negatives(self, logits, error, object_mask):
        hardness = self._hardness(logits, error, object_mask)
        wanted = 3 * ops.sum(ops.cast(object_mask, "int32"))
        flat = ops.reshape(hardness, (1, -1))
        order = ops.argsort(ops.argsort(-flat, axis=-1), axis=-1)
        mined = ops.reshape(ops.cast(order, "int32") < wanted, ops.shape(hardness))
        return ops.logical_and(mined, ops.logical_not(object_mask))


class ForcedLabelWithoutIndex(SSDLoss):
    """24: the forced prior is called matched, and keeps the index of another object."""

    def _match(self, labels):
        found = super()._match(labels)
        # The array of indices was never written to.
        matched = ops.where(found["matched_object"] >= 0, 0, -1)
        return {**found, "matched_object": matched}


class Broadcast(YoloV2Loss):
    """25: (b, p, 1) times (b, p), summed over the wrong axis."""

    def _empty_error(self, object_mask, no_object_mask, conf):
        del object_mask
        mask = ops.cast(no_object_mask, "float32")
        # (b, 1, p) x (1, b, p): every picture's mask with every picture's confidence.
        whole = mask[:, None] * ops.square(conf)[None]
        return 0.5 * ops.mean(whole, axis=1)


class WeightOfTheFirstRow(YoloV2Loss):
    """25: [:, 0] where each object's own number belongs."""

    def _box_errors(self, wanted, boxes, grid):
        errors = super()._box_errors(wanted, boxes, grid)
        small = 2.0 - wanted[:, :1, 2] * wanted[:, :1, 3] / (grid[0] * grid[1])
        return {term: small * error for term, error in errors.items()}


class FirstPictureForAll(YoloV2Loss):
    """14: the first picture's objects are those by which all are divided."""

    def _divisors(self, owned, no_object_mask, weight, iou, warm):
        return super()._divisors(owned[:1], no_object_mask, weight, iou, warm)
