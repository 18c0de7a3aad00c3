"""What becomes of an object or a slot in versions of a picture's labels. No Keras in here."""

from __future__ import annotations

import dataclasses

import numpy as np

from yolo_core.assignment import ObjectStatus
from yolo_core.views import SampleView

NO_OBJECT, IGNORED, OBJECT = 0, 1, 2


@dataclasses.dataclass(frozen=True)
class Outcomes:
    """Who gets which slot, in V versions; arrays as in `Assignment`.

    Attributes:
        object_mask: (V, P) bool.
        ignore_mask: (V, P) bool.
        matched_object: (V, P) int32.
        object_slot: (V, N, R) int32.
        match_count: (V, N, R) int32.
        object_status: (V, N, R) int32.
        overwritten_by: (V, N, R) int32.
    """

    object_mask: np.ndarray
    ignore_mask: np.ndarray
    matched_object: np.ndarray
    object_slot: np.ndarray
    match_count: np.ndarray
    object_status: np.ndarray
    overwritten_by: np.ndarray

    @classmethod
    def recorded(cls, view: SampleView) -> Outcomes:
        """The one version that the training process recorded, V = 1."""
        return cls(
            **{
                field.name: getattr(view.assignment, field.name)[None]
                for field in dataclasses.fields(cls)
            }
        )

    def differs_from(self, other: Outcomes) -> bool:
        """Whether any slot or object of a version has another outcome than in the other one."""
        return any(
            not np.array_equal(getattr(self, field.name), getattr(other, field.name))
            for field in dataclasses.fields(self)
        )


@dataclasses.dataclass(frozen=True)
class ObjectFate:
    """What becomes of an object on one ledger row.

    Attributes:
        status: Its status.
        slot: Its slot, or the one that it lost; -1 for none.
        taker: The object that took the slot over, -1 for none.
        count: How many slots it trains there.
    """

    status: ObjectStatus
    slot: int
    taker: int
    count: int = 1


@dataclasses.dataclass(frozen=True)
class SlotRole:
    """What a slot is there for.

    Attributes:
        part: `NO_OBJECT`, `IGNORED` or `OBJECT`.
        object: The object that it is trained for, -1 for none.
        shared: Whether it is trained for others, too; not known of objects that train many.
    """

    part: int
    object: int
    shared: bool


@dataclasses.dataclass(frozen=True)
class ObjectSubject:
    """The question is what becomes of an object.

    Attributes:
        index: Row of the object in the labels.
        row: Its ledger row: the head, where each head matches by itself, else 0.
    """

    index: int
    row: int = 0

    def codes(self, outcomes: Outcomes) -> np.ndarray:
        """(V, 3) int: two versions with the same numbers are the same to it."""
        at = np.s_[:, self.index, self.row]
        arrays = (outcomes.object_status, outcomes.object_slot, outcomes.match_count)
        return np.stack([each[at] for each in arrays], axis=1)

    def outcome(self, outcomes: Outcomes, version: int) -> ObjectFate:
        """What becomes of it in one version."""
        at = (version, self.index, self.row)
        return ObjectFate(
            status=ObjectStatus(int(outcomes.object_status[at])),
            slot=int(outcomes.object_slot[at]),
            taker=int(outcomes.overwritten_by[at]),
            count=int(outcomes.match_count[at]),
        )


@dataclasses.dataclass(frozen=True)
class SlotSubject:
    """The question is what a slot is there for.

    Attributes:
        slot: Index on the slot axis.
    """

    slot: int

    def codes(self, outcomes: Outcomes) -> np.ndarray:
        """(V, 3) int: part, object, and whether it is shared."""
        parts = np.select(
            [outcomes.object_mask[:, self.slot], outcomes.ignore_mask[:, self.slot]],
            [OBJECT, IGNORED],
            NO_OBJECT,
        )
        own = (outcomes.object_slot == self.slot) & (outcomes.match_count <= 1)
        shared = (own & (outcomes.object_status == ObjectStatus.SHARED)).any(axis=(1, 2))
        return np.stack([parts, outcomes.matched_object[:, self.slot], shared], axis=1)

    def outcome(self, outcomes: Outcomes, version: int) -> SlotRole:
        """What it is there for in one version."""
        part, index, shared = self.codes(outcomes)[version].tolist()
        return SlotRole(part=part, object=index, shared=bool(shared))


Subject = ObjectSubject | SlotSubject
