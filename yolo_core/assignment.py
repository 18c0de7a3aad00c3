"""Which slots are responsible for which objects, and the reason for every object.

No Keras in here: the dashboard reads assignments back from a snapshot without loading TensorFlow.
"""

from __future__ import annotations

import dataclasses
import enum
from numbers import Integral, Real
from typing import Any, Literal, get_args

import numpy as np

IgnoreKind = Literal[
    "none", "predicted_box", "prior_shape", "prior_box", "hard_negatives", "empty_cells"
]
IgnoreAgainst = Literal["objects", "assigned", "head"]

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
    def word(self) -> str:
        """What it is called, such as "zero area"."""
        return self.name.lower().replace("_", " ")

    @property
    def is_matched(self) -> bool:
        """Whether an object with this status enters the loss terms."""
        return self in (ObjectStatus.MATCHED, ObjectStatus.SHARED)


@dataclasses.dataclass(frozen=True)
class IgnoreRule:
    """When a slot without an object is left alone, neither trained for one nor as empty.

    A value: what the pages say of a slot is made from these fields, and never the other way round.

    Attributes:
        kind: "none": never, or by a rule that has no name here. "predicted_box": where its
            predicted box has IoU `threshold` or more with an object. "prior_shape": where an object
            has its centre in its cell and a shape IoU above `threshold` with its anchor.
            "prior_box": where its prior box has IoU `threshold` or more with an object.
            "hard_negatives": where it is none of the `ratio` hardest negatives for each matched
            slot of the picture. "empty_cells": where another slot of its cell has an object.
        threshold: IoU, 0 to 1; None for the kinds without.
        ratio: Negatives for each matched slot; None but for "hard_negatives".
        against: Which objects count. "objects": all usable ones. "assigned": those that own a slot.
            "head": those that own a slot on the slot's own head.

    Raises:
        ValueError: Another kind, or a number that is missing, not wanted or out of range.
    """

    kind: IgnoreKind = "none"
    threshold: float | None = None
    ratio: int | None = None
    against: IgnoreAgainst = "objects"

    def __post_init__(self) -> None:
        by_overlap = self.kind in ("predicted_box", "prior_shape", "prior_box")
        wants = {"threshold": by_overlap, "ratio": self.kind == "hard_negatives"}
        wrong = [name for name, wanted in wants.items() if (getattr(self, name) is None) == wanted]
        if self.kind not in get_args(IgnoreKind) or self.against not in get_args(IgnoreAgainst):
            wrong.append("kind" if self.kind not in get_args(IgnoreKind) else "against")
        # A snapshot file may hold anything.
        if self.threshold is not None and not (
            isinstance(self.threshold, Real) and 0 <= self.threshold <= 1
        ):
            wrong.append("threshold")
        if self.ratio is not None and not (isinstance(self.ratio, Integral) and self.ratio >= 0):
            wrong.append("ratio")
        if wrong:
            raise ValueError(
                f"An ignore rule has a kind of {', '.join(get_args(IgnoreKind))}, a threshold from "
                "0 to 1 where it compares overlaps, and a ratio from 0 where it counts negatives; "
                f"the {' and '.join(wrong)} of {self} is wrong."
            )

    def reaches(self, score: float) -> bool:
        """Whether a slot with that score is left alone; compared in float32, as losses do.

        Raises:
            ValueError: The rule compares no overlap.
        """
        if self.threshold is None:
            raise ValueError(f"An ignore rule of kind {self.kind} compares no overlap.")
        reached, threshold = np.float32(score), np.float32(self.threshold)
        return bool(reached > threshold if self.kind == "prior_shape" else reached >= threshold)

    def score_text(self, score: float, digits: int = 2) -> str:
        """A score with that many digits, or more where it could be taken for the other side's."""
        if self.threshold is None:
            return f"{score:.{digits}f}"
        if np.float32(score) == np.float32(self.threshold):
            return self.threshold_text
        for enough in range(digits, 10):
            text = f"{score:.{enough}f}"
            gap = np.float64(text) - self.threshold
            if gap and (gap > 0) == (np.float32(score) > np.float32(self.threshold)):
                return text
        return f"{score:.9g}"

    @property
    def threshold_text(self) -> str:
        """The threshold with two digits, or as many as it has."""
        number = 0.0 if self.threshold is None else float(self.threshold)
        return f"{number:.2f}" if round(number, 2) == number else f"{number:.9g}"

    def sentence(self) -> str:
        """The rule as the end of a sentence; "" for "none"."""
        of_what = {
            "objects": "",
            "assigned": " with an object that owns a slot",
            "head": " with an object that its head trains",
        }[self.against]
        return {
            "none": "",
            "predicted_box": f"the rule ignores from IoU {self.threshold_text}{of_what} on",
            "prior_shape": (
                "the rule ignores slots of an object's own cell from a shape IoU above "
                f"{self.threshold_text} on"
            ),
            "prior_box": f"the rule ignores from IoU {self.threshold_text} of the prior box on",
            "hard_negatives": (
                f"the rule trains only the {self.ratio} hardest negatives for each matched prior "
                "of the picture"
            ),
            "empty_cells": "the rule trains boxes as empty only in cells without an object",
        }[self.kind]


NO_RULE = IgnoreRule()
"""Nothing is known of a rule, or there is none."""


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
        candidate_measure: What the score is: "shape IoU", "box IoU", "prior IoU", or "side
            ratio": the smaller one of width and height, at most 1.
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


def trained_slots(one: Assignment, index: int) -> np.ndarray:
    """The slots that an object trains, in slot order: all of them, those that others train, too.

    A slot is booked on one object alone. Of a ledger row that shares some, the best ones of its
    candidates are trained, as many as it counts.

    Args:
        one: The assignment of one picture, without the batch axis.
        index: Row of the object.
    """
    slots = set(np.flatnonzero(one.matched_object == index).tolist())
    for row in np.flatnonzero(one.object_status[index] == ObjectStatus.SHARED).tolist():
        slots.add(int(one.object_slot[index, row]))
        count = int(one.match_count[index, row])
        if count > 1:
            best = np.argsort(-one.candidate_score[index, row], kind="stable")[:count]
            slots.update(one.candidate_slots[index, row][best].tolist())
    return np.asarray(sorted(slots - {-1}), np.int64)
