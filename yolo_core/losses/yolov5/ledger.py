"""The ledger of objects with many slots: a row an object on each head."""

from __future__ import annotations

from collections.abc import Sequence

from keras import ops

from yolo_core.assignment import Assignment, ObjectStatus
from yolo_core.boxes import Tensor, intersection_over_union
from yolo_core.losses.labels import Labels
from yolo_core.losses.matching import ledger
from yolo_core.losses.slot_axis import add_to_slots, first_best, gather_slots, value_at
from yolo_core.losses.yolov5.entries import CELLS, Entries


def entry_ledger(
    labels: Labels,
    entries: Entries,
    anchors_per_head: Sequence[int],
    matched_object: Tensor,
    boxes: Tensor,
) -> Assignment:
    """The masks, and what became of every object on every head.

    An object's slot on a head is the one of its best anchor in its own cell, and its candidates are
    all slots that it trains there and those of its own cell: the `match_count` best ones of them
    are trained.

    Args:
        labels: The labels that were matched.
        entries: Who trains which slots.
        anchors_per_head: How many of the T anchors each head has.
        matched_object: (B, P) int32, the object that decides over a slot's objectness, else -1.
        boxes: (B, P, 4) predicted boxes as image fractions.
    """
    batch, objects, anchors = ops.shape(entries.fit)
    there = entries.there
    every = (batch, objects * anchors * CELLS)
    slot = ops.reshape(entries.slot, every)
    users = ops.cast(ops.reshape(there, every), "int32")
    users = add_to_slots(users, slot, ops.shape(matched_object)[1])
    users = ops.reshape(value_at(users, slot), ops.shape(there))
    shared = ops.logical_and(there, users > 1)
    # Anchors that do not take an object were compared in its own cell.
    compared = ops.logical_or(there, ops.arange(CELLS) < 1)
    candidates = ops.where(compared, entries.slot, -1)
    score = ops.where(compared, ops.expand_dims(entries.fit, -1), 0.0)
    widest = max(anchors_per_head) * CELLS
    rows: dict[str, list[Tensor]] = {}
    first = 0
    for count in anchors_per_head:
        part, first = slice(first, first + count), first + count
        spare = [[0, 0], [0, 0], [0, widest - count * CELLS]]
        on_head = (batch, objects, count * CELLS)
        slots = ops.pad(ops.reshape(candidates[:, :, part], on_head), spare, constant_values=-1)
        fits = ops.pad(ops.reshape(score[:, :, part], on_head), spare, constant_values=0.0)
        best = ops.equal(ops.arange(widest, dtype="int32"), ops.expand_dims(first_best(fits), -1))
        own = ops.sum(ops.where(best, slots, 0), axis=-1)
        trained = ops.sum(ops.cast(there[:, :, part], "int32"), axis=(2, 3))
        trains = trained > 0
        status = ops.where(
            ops.any(shared[:, :, part], axis=(2, 3)), int(ObjectStatus.SHARED), labels.status
        )
        nowhere = ops.logical_and(labels.usable, ops.logical_not(trains))
        iou = intersection_over_union(labels.boxes, gather_slots(boxes, own))
        row = {
            "object_slot": ops.where(trains, own, -1),
            "match_count": trained,
            "object_status": ops.where(nowhere, int(ObjectStatus.BELOW_THRESHOLD), status),
            "overwritten_by": ops.full_like(own, -1),
            "object_iou": ops.where(trains, iou, 0.0),
            "candidates": slots,
            "score": fits,
        }
        for name, values in row.items():
            rows.setdefault(name, []).append(values)
    return ledger(
        labels,
        matched_object=matched_object,
        no_object_mask=matched_object < 0,
        measure="side ratio",
        **{name: ops.stack(values, axis=2) for name, values in rows.items()},
    )
