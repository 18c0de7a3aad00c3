"""From what each slot costs to a loss taken apart: the one place where terms are summed."""

from __future__ import annotations

from collections.abc import Mapping

from keras import ops

from yolo_core.assignment import Assignment
from yolo_core.boxes import Tensor
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.base import DetectionLoss
from yolo_core.losses.slot_axis import add_to_slots


def taken_apart(
    loss: DetectionLoss,
    *,
    slots: Tensor,
    booked: Mapping[str, Tensor],
    dense: Mapping[str, Tensor],
    assignment: Assignment,
    overlap: Tensor,
    target_box: Tensor,
    target_objectness: Tensor,
    target_class: Tensor,
    boxes: Tensor,
    compared: Tensor,
    objectness: Tensor,
    class_probabilities: Tensor,
    lambdas: Mapping[str, Tensor] | None = None,
) -> LossBreakdown:
    """A breakdown whose terms are the sums of its maps, and whose total is theirs with lambdas.

    Args:
        loss: The loss: its terms and lambdas.
        slots: (B, M) int32, the slot that each of M booked values belongs to.
        booked: {term: (B, M)}, zero where nothing is to be booked.
        dense: {term: (B, P)}. A term in both is the sum of both.
        assignment: Who is responsible for what.
        overlap: (B, P, N), as in `LossBreakdown.targets`.
        target_box: (B, P, 4) what the box terms compare with, NaN where a slot has no target.
        target_objectness: (B, P), of slots with an object; those without are trained towards 0.
        target_class: (B, P) int32, -1 where none.
        boxes: (B, P, 4) predicted boxes as image fractions.
        compared: (B, P, 4) predictions as the box terms compare them.
        objectness: (B, P), 0 to 1.
        class_probabilities: (B, P, C).
        lambdas: Weights of this call that are not `loss.lambdas`.
    """
    slot_count = ops.shape(assignment.object_mask)[1]
    terms, maps = {}, {}
    for term in loss.term_names:
        parts = [each[term] for each in (booked, dense) if term in each]
        terms[term] = sum(ops.sum(part) for part in parts)
        if term in booked:
            parts[0] = add_to_slots(booked[term], slots, slot_count)
        maps[term] = sum(parts)
    total, effective = loss._weighted(terms, lambdas)
    nothing = ops.where(assignment.no_object_mask, 0.0, float("nan"))
    return LossBreakdown(
        total=total,
        terms=terms,
        maps=maps,
        lambdas=effective,
        assignment=assignment,
        targets={
            "overlap": overlap,
            "objectness": ops.where(assignment.object_mask, target_objectness, nothing),
            "class": target_class,
            "xy": target_box[..., :2],
            "wh": target_box[..., 2:],
        },
        predictions={
            "boxes": boxes,
            "objectness": objectness,
            "class_probabilities": class_probabilities,
            "xy": compared[..., :2],
            "wh": compared[..., 2:],
        },
    )
