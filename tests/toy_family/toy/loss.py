"""A loss with the documented methods alone."""

from __future__ import annotations

from keras import ops

from yolo_core.boxes import intersection_over_union, pairwise_iou
from yolo_core.losses import GridLoss
from yolo_core.losses.booking import taken_apart
from yolo_core.losses.cross_entropy import binary_cross_entropy, cross_entropy
from yolo_core.losses.labels import owning_cell, read_labels
from yolo_core.losses.matching import last_object_wins
from yolo_core.losses.slot_axis import gather_slots, spread_to_slots


class ToyLoss(GridLoss):
    """The first slot of the cell of an object's centre is responsible for it."""

    term_names = ("box", "objectness", "no_object", "classification")
    default_lambdas = dict.fromkeys(term_names, 1.0)

    def breakdown(self, y_true, y_pred):
        y_true, y_pred = self._checked(y_true, y_pred)
        rows, columns, count = self._grid(y_pred.shape)
        raw = self.slot_predictions(y_pred)
        labels = read_labels(y_true)
        row = owning_cell(labels.boxes[..., 1], rows)
        column = owning_cell(labels.boxes[..., 0], columns)
        first = ops.expand_dims((row * columns + column) * count, -1)
        score = ops.zeros_like(ops.cast(first, "float32"))
        matching = last_object_wins(labels, [(first, score)], "shape IoU")
        slot = matching.claims(matching.slot)
        matched_object = matching.claim_of_slot(rows * columns * count)
        boxes = ops.sigmoid(raw[..., :4])
        own, own_boxes = gather_slots(raw, slot), gather_slots(boxes, slot)
        owned = ops.cast(matching.claims(matching.owns), "float32")
        empty = ops.cast(matched_object < 0, "float32")
        return taken_apart(
            self,
            slots=slot,
            booked={
                "box": owned * ops.sum(ops.square(own_boxes - labels.boxes), axis=-1),
                "objectness": owned * binary_cross_entropy(own[..., 4], 1),
                "classification": owned * cross_entropy(labels.one_hot, own[..., 5:]),
            },
            dense={"no_object": empty * binary_cross_entropy(raw[..., 4], 0)},
            assignment=matching.assignment(
                labels,
                matched_object,
                matched_object < 0,
                intersection_over_union(labels.boxes, own_boxes),
            ),
            overlap=ops.transpose(pairwise_iou(labels.boxes, boxes), (0, 2, 1)),
            target_box=spread_to_slots(labels.boxes, matched_object, float("nan")),
            target_objectness=ops.ones_like(raw[..., 4]),
            target_class=spread_to_slots(labels.classes, matched_object, -1),
            boxes=boxes,
            compared=boxes,
            objectness=ops.sigmoid(raw[..., 4]),
            class_probabilities=ops.softmax(raw[..., 5:], axis=-1),
        )
