"""Who gets a slot where several want the same, and the ledger of that."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from keras import ops

from yolo_core.assignment import Assignment, ObjectStatus
from yolo_core.boxes import Tensor
from yolo_core.losses.labels import Labels, first_and_last, same_slot
from yolo_core.losses.slot_axis import best_candidates, first_best, object_of_slot


@dataclasses.dataclass(frozen=True)
class Matching:
    """Objects that each want one slot on each ledger row; the last one to want it gets it.

    B images, N label rows, R ledger rows an object, K candidates a ledger row. A claim is an object
    on one ledger row: M = N * R of them, object by object.

    Attributes:
        slot: (B, N, R) int32. The candidate with the best score, the first one on a tie; a valid
            index where there is none, too.
        wants: (B, N, R) bool. Whether there is one.
        owns: (B, N, R) bool. Whether the object keeps it.
        last: (B, N, R) int32. The last object that wants the same.
        rivals: R of (B, N, N) bool. Whether two objects want the same, each with itself too.
        candidates: (B, N, R, K) int32, -1 where there are fewer. The ledger keeps the best ones.
        score: (B, N, R, K) float32.
        measure: What the score is, as in `Assignment.candidate_measure`.
    """

    slot: Tensor
    wants: Tensor
    owns: Tensor
    last: Tensor
    rivals: tuple[Tensor, ...]
    candidates: Tensor
    score: Tensor
    measure: str

    @property
    def rows(self) -> int:
        """R."""
        return len(self.rivals)

    def claims(self, values: Tensor) -> Tensor:
        """(B, N, R) values as (B, M)."""
        batch, objects = ops.shape(values)[:2]
        return ops.reshape(values, (batch, objects * self.rows))

    def claim_of_slot(self, slot_count: int) -> Tensor:
        """(B, P) int32: the claim that owns each slot, else -1."""
        return object_of_slot(self.claims(self.slot), self.claims(self.owns), slot_count)

    def object_of_claim(self, claim: Tensor) -> Tensor:
        """int32 of any shape: the object of a claim, -1 of -1."""
        return claim if self.rows == 1 else ops.floor_divide(claim, self.rows)

    def assignment(
        self, labels: Labels, matched_object: Tensor, no_object_mask: Tensor, iou: Tensor
    ) -> Assignment:
        """The masks and the ledger.

        Args:
            labels: The labels that were matched.
            matched_object: (B, P) int32.
            no_object_mask: (B, P) bool; slots in neither part are ignored.
            iou: (B, M) IoU of each claim's object with what its slot predicts.
        """
        usable = ops.expand_dims(labels.usable, -1)
        lost = ops.logical_and(self.wants, ops.logical_not(self.owns))
        nowhere = ops.logical_and(usable, ops.logical_not(self.wants))
        status = ops.where(lost, int(ObjectStatus.OVERWRITTEN), ops.expand_dims(labels.status, -1))
        # The best candidate belongs to a head of the network that these predictions do not hold.
        status = ops.where(nowhere, int(ObjectStatus.BELOW_THRESHOLD), status)
        return ledger(
            labels,
            matched_object=matched_object,
            no_object_mask=no_object_mask,
            object_slot=ops.where(self.wants, self.slot, -1),
            match_count=self.owns,
            object_status=status,
            overwritten_by=ops.where(lost, self.last, -1),
            object_iou=ops.where(self.wants, ops.reshape(iou, ops.shape(self.slot)), 0.0),
            candidates=self.candidates,
            score=self.score,
            measure=self.measure,
        )


def last_object_wins(
    labels: Labels,
    groups: Sequence[tuple[Tensor, Tensor]],
    measure: str,
    *,
    one_object_a_cell: bool = False,
) -> Matching:
    """Gives each object the best slot of each group, unless a later object wants the same.

    Args:
        labels: The labels of the batch.
        groups: R of (B, N, K) int32 slots to choose from, -1 for none, with (B, N, K) float32
            scores, the highest of which wins.
        measure: What the score is, as in `Assignment.candidate_measure`.
        one_object_a_cell: Objects of one cell are rivals even where they want different slots; the
            candidates are the slots of one cell then.
    """
    widest = max(slots.shape[-1] for slots, _ in groups)
    rows: list[dict[str, Tensor]] = []
    for slots, score in groups:
        place = ops.arange(slots.shape[-1], dtype="int32")
        best = ops.equal(place, ops.expand_dims(first_best(score), -1))
        slot = ops.sum(ops.where(best, slots, 0), axis=-1)
        wants = ops.logical_and(labels.usable, slot >= 0)
        rivals = same_slot(slots[..., 0] if one_object_a_cell else slot, wants)
        _, last = first_and_last(rivals)
        if slots.shape[-1] < widest:
            spare = [[0, 0], [0, 0], [0, widest - slots.shape[-1]]]
            slots = ops.pad(slots, spare, constant_values=-1)
            score = ops.pad(score, spare, constant_values=0.0)
        rows.append(
            {
                "slot": ops.maximum(slot, 0),
                "wants": wants,
                "owns": ops.equal(last, ops.arange(ops.shape(last)[1], dtype="int32")),
                "last": last,
                "rivals": rivals,
                "candidates": slots,
                "score": score,
            }
        )
    rivals = tuple(row.pop("rivals") for row in rows)
    stacked = {
        name: ops.stack([row[name] for row in rows], axis=2)
        if len(rows) > 1
        else ops.expand_dims(rows[0][name], 2)
        for name in rows[0]
    }
    return Matching(**stacked, rivals=rivals, measure=measure)


def ledger(
    labels: Labels,
    *,
    matched_object: Tensor,
    no_object_mask: Tensor,
    object_slot: Tensor,
    match_count: Tensor,
    object_status: Tensor,
    overwritten_by: Tensor,
    object_iou: Tensor,
    candidates: Tensor,
    score: Tensor,
    measure: str,
) -> Assignment:
    """An `Assignment` whose masks partition the slots, and which says nothing of unusable rows.

    Args:
        labels: The labels that were matched.
        matched_object: (B, P) int32.
        no_object_mask: (B, P) bool; slots in neither part are ignored.
        object_slot: (B, N, R) int32, and so the next four, bool or int32 or float32.
        match_count: How many slots the object trains.
        object_status: An `ObjectStatus`.
        overwritten_by: The row that took the slot, else -1.
        object_iou: IoU with what the slot predicts.
        candidates: (B, N, R, K) int32.
        score: (B, N, R, K) float32.
        measure: As in `Assignment.candidate_measure`.
    """
    object_mask = matched_object >= 0
    usable = ops.expand_dims(labels.usable, -1)
    candidates, score = best_candidates(candidates, score)
    return Assignment(
        object_mask=object_mask,
        no_object_mask=no_object_mask,
        ignore_mask=ops.logical_not(ops.logical_or(object_mask, no_object_mask)),
        matched_object=matched_object,
        object_slot=ops.where(usable, object_slot, -1),
        match_count=ops.cast(match_count, "int32"),
        object_status=ops.cast(object_status, "int32"),
        overwritten_by=overwritten_by,
        object_iou=object_iou,
        candidate_slots=ops.where(ops.expand_dims(usable, -1), candidates, -1),
        candidate_score=ops.where(ops.expand_dims(usable, -1), score, 0.0),
        candidate_measure=measure,
    )
