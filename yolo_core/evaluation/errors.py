"""Every error by kind, and what each kind costs (Bolya et al., "TIDE", ECCV 2020, section 2)."""

from __future__ import annotations

import dataclasses
import enum

import numpy as np

from yolo_core.evaluation.curves import Curve, ap_coco
from yolo_core.evaluation.matching import IOU, Matching
from yolo_core.evaluation.table import Found, Truth

LOOSE_IOU = 0.1
"""Below this a detection lies on background."""


class ErrorKind(enum.IntEnum):
    """Why a detection is false, or an object not found."""

    CLASS = 0
    LOCALISATION = 1
    BOTH = 2
    DUPLICATE = 3
    BACKGROUND = 4
    MISSED = 5


ERROR_WORDS = {
    ErrorKind.CLASS: ("class", "lies on an object (IoU 0.5 or more) and names another class"),
    ErrorKind.LOCALISATION: ("localisation", "right class, but the IoU is only 0.1 to 0.5"),
    ErrorKind.BOTH: ("both", "another class, and an IoU of only 0.1 to 0.5"),
    ErrorKind.DUPLICATE: ("duplicate", "on an object that a surer detection has found"),
    ErrorKind.BACKGROUND: ("background", "on no object at all (IoU below 0.1)"),
    ErrorKind.MISSED: (
        "missed",
        "an object that nothing finds, and that no class or localisation error lies on",
    ),
}


@dataclasses.dataclass(frozen=True)
class Errors:
    """The errors of an evaluation.

    Attributes:
        kind: (D,) int64 `ErrorKind` of each false detection; -1 of the others.
        object: (D,) int64, row of the object that it is about; -1 for background.
        missed: (O,) bool, objects that are MISSED.
        map50: Mean average precision at IoU 0.5 as it is.
        cost: {kind: what is added to `map50` where that kind alone is repaired}; they need not add
            up to what is missing, since one repair can make room for another.
    """

    kind: np.ndarray
    object: np.ndarray
    missed: np.ndarray
    map50: float
    cost: dict[ErrorKind, float]

    def count(self, kind: ErrorKind) -> int:
        """How many there are of a kind."""
        if kind is ErrorKind.MISSED:
            return int(self.missed.sum())
        return int((self.kind == kind).sum())


def find_errors(found: Found, truth: Truth, matching: Matching, *, num_classes: int) -> Errors:
    """Sorts every false detection and every object that is not found into a kind.

    The first one that applies: BACKGROUND, LOCALISATION, CLASS, DUPLICATE, BOTH. All detections
    count, however unsure: AP sees them all.
    """
    same, other = matching.same_iou, matching.other_iou
    kind = np.select(
        [
            ~matching.false,
            np.maximum(same, other) < LOOSE_IOU,
            (same >= LOOSE_IOU) & (same < IOU),
            other >= IOU,
            same >= IOU,
        ],
        [-1, ErrorKind.BACKGROUND, ErrorKind.LOCALISATION, ErrorKind.CLASS, ErrorKind.DUPLICATE],
        ErrorKind.BOTH,
    )
    about = np.select(
        [
            np.isin(kind, (ErrorKind.LOCALISATION, ErrorKind.DUPLICATE)),
            np.isin(kind, (ErrorKind.CLASS, ErrorKind.BOTH)),
        ],
        [matching.same, matching.other],
        -1,
    )
    missed = (matching.found_by < 0) & ~truth.ignored
    missed[about[np.isin(kind, (ErrorKind.CLASS, ErrorKind.LOCALISATION))]] = False
    repair = _Repair(found, truth, matching, kind, about, missed, num_classes)
    map50 = repair.map50()
    return Errors(
        kind=kind,
        object=about,
        missed=missed,
        map50=map50,
        cost={each: repair.map50(each) - map50 for each in ErrorKind},
    )


@dataclasses.dataclass(frozen=True)
class _Repair:
    """AP50 where one kind of error is repaired, and nothing else."""

    found: Found
    truth: Truth
    matching: Matching
    kind: np.ndarray
    about: np.ndarray
    missed: np.ndarray
    num_classes: int

    def map50(self, repaired: ErrorKind | None = None) -> float:
        """The mean over the classes that have objects; 0 where none has.

        CLASS and LOCALISATION: the surest of the detections in question finds its object, if
        nothing else does, and the others go. BOTH, DUPLICATE and BACKGROUND go. MISSED objects are
        not asked for; a class that has no others then scores 1.
        """
        counts = ~self.matching.left_out
        label = self.found.class_index.copy()
        right = self.matching.finds >= 0
        if repaired is not None:
            wrong = np.flatnonzero(self.kind == repaired)
            counts[wrong] = False
            if repaired in (ErrorKind.CLASS, ErrorKind.LOCALISATION):
                wrong = wrong[np.argsort(-self.found.score[wrong], kind="stable")]
                wrong = wrong[self.matching.found_by[self.about[wrong]] < 0]
                wrong = wrong[np.unique(self.about[wrong], return_index=True)[1]]
                counts[wrong] = right[wrong] = True
                label[wrong] = self.truth.class_index[self.about[wrong]]
        asked = ~self.truth.ignored
        per_class = np.bincount(self.truth.class_index[asked], minlength=self.num_classes)
        left = per_class
        if repaired is ErrorKind.MISSED:
            left = per_class - np.bincount(
                self.truth.class_index[self.missed], minlength=self.num_classes
            )
        order = np.flatnonzero(counts)
        order = order[np.argsort(-self.found.score[order], kind="stable")]
        values = []
        for index in np.flatnonzero(per_class):
            mine = order[label[order] == index]
            each = ap_coco(Curve(self.found.score[mine], right[mine], int(left[index])))
            values.append(1.0 if each is None else each)
        return float(np.mean(values)) if values else 0.0
