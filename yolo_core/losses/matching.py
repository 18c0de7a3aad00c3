"""One object a slot: who gets it where several want the same, and the ledger of that."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras import ops

from yolo_core.assignment import Assignment, ObjectStatus
from yolo_core.losses.labels import Labels, first_and_last, same_slot
from yolo_core.losses.slot_axis import best_candidates, first_best, object_of_slot


@dataclasses.dataclass(frozen=True)
class CellMatching:
    """Objects that each want one slot of the cell that owns them; the last one to want it wins.

    B images, N label rows, A candidates: all slots of the cell.

    Attributes:
        object_slot: (B, N) int32. The candidate with the best score, the first one on a tie; a
            valid index in rows that are not usable, too.
        owns: (B, N) bool. Whether the object keeps its slot.
        rivals: (B, N, N) bool. Whether two objects want the same, each object with itself too.
        last: (B, N) int32. The last row that wants what the object wants.
        candidates: (B, N, A) int32. The ledger keeps the best ones.
        score: (B, N, A) float32.
        measure: What the score is, as in `Assignment.candidate_measure`.
    """

    object_slot: Any
    owns: Any
    rivals: Any
    last: Any
    candidates: Any
    score: Any
    measure: str

    def matched_object(self, slot_count: int) -> Any:
        """(B, P) int32: the row of the object that owns each slot, else -1."""
        return object_of_slot(self.object_slot, self.owns, slot_count)

    def assignment(
        self, labels: Labels, matched_object: Any, no_object_mask: Any, object_iou: Any
    ) -> Assignment:
        """The masks and the ledger, one row an object.

        Args:
            labels: The labels that were matched.
            matched_object: (B, P) int32.
            no_object_mask: (B, P) bool; slots in neither part are ignored.
            object_iou: (B, N) IoU of each object with what its slot predicts.
        """
        object_mask = matched_object >= 0
        lost = ops.logical_and(labels.usable, ops.logical_not(self.owns))
        status = ops.where(lost, int(ObjectStatus.OVERWRITTEN), labels.status)
        usable = ops.expand_dims(labels.usable, -1)
        candidates, score = best_candidates(self.candidates, self.score)
        return Assignment(
            object_mask=object_mask,
            no_object_mask=no_object_mask,
            ignore_mask=ops.logical_not(ops.logical_or(object_mask, no_object_mask)),
            matched_object=matched_object,
            object_slot=ops.expand_dims(ops.where(labels.usable, self.object_slot, -1), -1),
            match_count=ops.expand_dims(ops.cast(self.owns, "int32"), -1),
            object_status=ops.expand_dims(ops.cast(status, "int32"), -1),
            overwritten_by=ops.expand_dims(ops.where(lost, self.last, -1), -1),
            object_iou=ops.expand_dims(object_iou, -1),
            candidate_slots=ops.expand_dims(ops.where(usable, candidates, -1), 2),
            candidate_score=ops.expand_dims(ops.where(usable, score, 0.0), 2),
            candidate_measure=self.measure,
        )


def last_object_wins(
    labels: Labels,
    candidates: Any,
    score: Any,
    measure: str,
    *,
    one_object_a_cell: bool = False,
) -> CellMatching:
    """Gives each object the best slot of its cell, unless a later object wants the same.

    Args:
        labels: The labels of the batch.
        candidates: (B, N, A) int32, the slots of the cell that owns the object, in order.
        score: (B, N, A) float32, the highest wins.
        measure: What the score is, as in `Assignment.candidate_measure`.
        one_object_a_cell: Objects of one cell are rivals even where they want different slots.
    """
    first_slot = candidates[..., 0]
    object_slot = first_slot + first_best(score)
    rivals = same_slot(first_slot if one_object_a_cell else object_slot, labels.usable)
    _, last = first_and_last(rivals)
    return CellMatching(
        object_slot=object_slot,
        owns=ops.equal(last, ops.arange(ops.shape(rivals)[-1], dtype="int32")),
        rivals=rivals,
        last=last,
        candidates=candidates,
        score=score,
        measure=measure,
    )
