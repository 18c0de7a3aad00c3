"""Which slots are responsible for which objects, and the reason for every object.

No Keras in here: the dashboard reads assignments back from a snapshot without loading TensorFlow.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

LARGEST_LABEL = 1e6
"""No box is a million pictures wide; past this, squares and areas would leave float32."""


class ObjectStatus(enum.IntEnum):
    """What became of one ground-truth row on one head. Exactly one applies, always."""

    PADDING = 0
    """The label row holds no object (its object flag is 0)."""
    MATCHED = 1
    """The object is trained by its slot, alone."""
    SHARED = 2
    """The object is trained, and another object trains the same slot (both enter the terms)."""
    OVERWRITTEN = 3
    """A later object took the same slot; this one enters no term."""
    OUTSIDE = 4
    """The centre lies outside the picture, so no cell owns it."""
    ZERO_AREA = 5
    """Width or height is zero or negative."""
    BELOW_THRESHOLD = 6
    """No candidate reached the matching threshold."""
    INVALID = 7
    """The label row holds a number that is not finite or past 1e6, or names no class."""

    @property
    def is_matched(self) -> bool:
        """Whether an object with this status enters the loss terms."""
        return self in (ObjectStatus.MATCHED, ObjectStatus.SHARED)


@dataclasses.dataclass(frozen=True)
class Assignment:
    """The outcome of matching N objects an image with P slots, with the evidence for it.

    B images, N label rows, P slots, K candidates, R ledger rows an object (the number of heads
    where each head matches by itself, else 1). Tensors in training, numpy arrays in a snapshot.

    Attributes:
        object_mask: (B, P) bool. Slots responsible for an object.
        no_object_mask: (B, P) bool. Slots trained to say "no object".
        ignore_mask: (B, P) bool. Slots in neither; the three masks partition the slots.
        matched_object: (B, P) int32. Row of the object that a slot is responsible for, else -1.
        object_slot: (B, N, R) int32. The object's slot, else -1; the best one where several match.
            An overwritten object keeps the slot it lost.
        match_count: (B, N, R) int32. How many slots the object trains.
        object_status: (B, N, R) int32. An `ObjectStatus` value.
        overwritten_by: (B, N, R) int32. The row of the object that took the slot, else -1.
        object_iou: (B, N, R) float32. IoU of the object with its slot's predicted box, else 0.
        candidate_slots: (B, N, R, K) int32. The slots that were compared, -1 where fewer than K.
        candidate_score: (B, N, R, K) float32. Their score, the highest wins, first one on a tie.
        candidate_measure: What the score is: "shape IoU", "box IoU" or "prior IoU".
    """

    object_mask: Any
    no_object_mask: Any
    ignore_mask: Any
    matched_object: Any
    object_slot: Any
    match_count: Any
    object_status: Any
    overwritten_by: Any
    object_iou: Any
    candidate_slots: Any
    candidate_score: Any
    candidate_measure: str

    ARRAYS = (
        "object_mask",
        "no_object_mask",
        "ignore_mask",
        "matched_object",
        "object_slot",
        "match_count",
        "object_status",
        "overwritten_by",
        "object_iou",
        "candidate_slots",
        "candidate_score",
    )
