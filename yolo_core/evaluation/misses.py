"""Which objects the network finds at a score and an overlap that count, and why it misses one."""

from __future__ import annotations

import dataclasses
import enum

import numpy as np

from yolo_core.assignment import trained_slots
from yolo_core.explain.report import object_status
from yolo_core.explain.target_boxes import target_boxes
from yolo_core.models import decode
from yolo_core.views import SampleView

SCORE, IOU = 0.3, 0.5
LOOSE_IOU = 0.1
LOW_SCORE = 0.01
FOUND_MEANS = (
    f"a detection of its class with a score of {SCORE} or more and an IoU of {IOU} or more with "
    "it, one detection for one object"
)


class Miss(enum.IntEnum):
    """Why an object is not found. The first one that applies, in this order."""

    FOUND = 0
    NOT_TRAINED = 1
    """No slot is trained for it: see the ledger."""
    TAKEN = 2
    """A detection fits it, but counts for another object."""
    OTHER_CLASS = 3
    """A detection lies on it and names another class."""
    SUPPRESSED = 4
    """A slot sees it, and a surer box of the class on the same place removed that."""
    LOOSE_BOX = 5
    """A detection of the class overlaps it, but too little."""
    LOW_SCORE = 6
    """A slot of the class sees it, below the score."""
    NOT_SEEN = 7
    """None of these."""


MISS_WORDS = {
    Miss.FOUND: "found",
    Miss.NOT_TRAINED: "no slot trained for it",
    Miss.TAKEN: "one detection for two objects",
    Miss.OTHER_CLASS: "taken for another class",
    Miss.SUPPRESSED: "suppressed by a surer box",
    Miss.LOOSE_BOX: f"box too loose (IoU below {IOU})",
    Miss.LOW_SCORE: f"score too low (below {SCORE})",
    Miss.NOT_SEEN: "not seen at all",
}


@dataclasses.dataclass(frozen=True)
class Found:
    """What became of the M objects of a sample, in the order of `SampleView.objects`.

    Attributes:
        miss: (M,) int32 `Miss` values.
        best_iou: (M,) float32, the largest overlap of a detection (any class) with the object.
        best_score: (M,) float32, the highest score of a slot of its class that overlaps it by
            `IOU` or more, kept or not; 0 where there is none.
        false_slots: (F,) int, slots of the detections that find no object, the surest first.
    """

    miss: np.ndarray
    best_iou: np.ndarray
    best_score: np.ndarray
    false_slots: np.ndarray

    @property
    def false_detections(self) -> int:
        """Detections that find no object."""
        return len(self.false_slots)


def find_objects(view: SampleView) -> Found:
    """Counts as average precision at IoU 0.5 does, at the one score 0.3.

    A detection is a slot that non-maximum suppression keeps, with a score of `SCORE` or more. The
    surest one chooses first: the object of its class, not yet found, that it overlaps most, by
    `IOU` at least. Each object is found once. The boxes are held against the labels, and not by
    what the loss says of them: it may be wrong.
    """
    objects = view.objects
    score, label = decode.scores(
        view.predictions["objectness"][None], view.predictions["class_probabilities"][None]
    )
    score, label = score[0], label[0]
    overlap = decode.overlaps(view.predictions["boxes"], view.y_true[objects, 1:5])
    one_hot = view.y_true[objects, 5:]
    classes = np.where((one_hot > 0).any(axis=1), one_hot.argmax(axis=1), -1)
    detections = np.flatnonzero(view.keep & (score >= SCORE))
    detections = detections[np.argsort(-score[detections], kind="stable")]

    found = np.zeros(len(objects), bool)
    false = []
    for slot in detections:
        fits = np.where((classes == label[slot]) & ~found, overlap[slot], 0.0)
        if len(objects) and fits.max() >= IOU:
            found[int(fits.argmax())] = True
        else:
            false.append(slot)
    miss = np.full(len(objects), Miss.FOUND, np.int32)
    best_iou, best_score = np.zeros((2, len(objects)), np.float32)
    for at, index in enumerate(objects):
        mine, good = label == classes[at], overlap[:, at] >= IOU
        best_iou[at] = overlap[detections, at].max(initial=0.0)
        best_score[at] = score[mine & good].max(initial=0.0)
        if found[at]:
            continue
        on_it = good[detections]
        loose = mine[false] & (overlap[false, at] >= LOOSE_IOU)
        if not object_status(view, int(index)).is_matched:
            miss[at] = Miss.NOT_TRAINED
        elif (on_it & mine[detections]).any():
            miss[at] = Miss.TAKEN
        elif on_it.any():
            miss[at] = Miss.OTHER_CLASS
        elif best_score[at] >= SCORE:
            miss[at] = Miss.SUPPRESSED
        elif loose.any():
            miss[at] = Miss.LOOSE_BOX
        elif best_score[at] >= LOW_SCORE:
            miss[at] = Miss.LOW_SCORE
        else:
            miss[at] = Miss.NOT_SEEN
    return Found(miss, best_iou, best_score, np.array(false, np.int64))


def reachable(view: SampleView) -> np.ndarray:
    """Which objects could all be found at once if every slot predicted what it is trained for.

    One slot gives one box, so of several objects that share their only slot one can be found. An
    object that no slot is trained for cannot be, nor one whose slots are trained towards a box that
    overlaps it by less than `IOU`, as where a loss exchanges x and y.

    Returns:
        (M,) bool, in the order of `SampleView.objects`: a largest possible set of objects with a
        slot each.
    """
    assignment, boxes = view.assignment, target_boxes(view)
    misses = np.zeros((view.layout.count, len(view.objects)), bool)
    if boxes is not None:
        misses = decode.overlaps(boxes, view.y_true[view.objects, 1:5]) < IOU
        misses &= np.isfinite(boxes).all(axis=1, keepdims=True)
    trains: list[set[int]] = []
    for at, index in enumerate(view.objects):
        slots = trained_slots(assignment, int(index)).tolist()
        trains.append({slot for slot in slots if not misses[slot, at]})
    holder: dict[int, int] = {}

    def place(at: int, seen: set[int]) -> bool:
        for slot in trains[at] - seen:
            seen.add(slot)
            if slot not in holder or place(holder[slot], seen):
                holder[slot] = at
                return True
        return False

    return np.array([place(at, set()) for at in range(len(trains))], bool)
