"""The confusion matrix with background: which class each object was taken for."""

from __future__ import annotations

import dataclasses

import numpy as np

from yolo_core.evaluation.matching import IOU, Matching, samples_of
from yolo_core.evaluation.table import Found, Truth
from yolo_core.models.decode import overlaps

RULE = (
    "Only detections from the threshold on count. Those that find an object of their class (IoU "
    f"{IOU} or more, the surest first, one detection for one object) are on the diagonal. Of what "
    "is left, the surest detection goes with the object of another class that it overlaps most, "
    f"IoU {IOU} or more. Objects left over are missed; detections left over lie on background."
)


@dataclasses.dataclass(frozen=True)
class Confusion:
    """Pairs of an object and a detection, either of which may be missing.

    Attributes:
        counts: (C + 1, C + 1) int64, row = class of the object, column = class of the detection;
            the last one is background.
        object: (n,) int64, row of each pair's object, -1 for background.
        detection: (n,) int64, row of its detection, -1 where it is missed.
        place: (n, 2) int64, row and column of the pair in `counts`.
    """

    counts: np.ndarray
    object: np.ndarray
    detection: np.ndarray
    place: np.ndarray


def confusion(
    found: Found, truth: Truth, matching: Matching, threshold: float, *, num_classes: int
) -> Confusion:
    """Pairs every object and every detection from a score on, by `RULE`."""
    shown = (found.score >= threshold) & ~matching.left_out
    owner = np.full(len(truth.sample), -1)
    owner[matching.finds[shown & (matching.finds >= 0)]] = np.flatnonzero(
        shown & (matching.finds >= 0)
    )
    partner = np.where(shown, matching.finds, -1)
    # Only such samples are looked at as have both left over.
    left = shown & (partner < 0) & (matching.other_iou >= IOU)
    for of_sample, there in samples_of(found, truth):
        rows = np.flatnonzero(left[of_sample]) + of_sample.start
        if not len(rows):
            continue
        iou = overlaps(found.box[rows], truth.box[there])
        iou[:, truth.ignored[there]] = 0.0
        iou[found.class_index[rows][:, None] == truth.class_index[there]] = 0.0
        for at, row in enumerate(rows):
            free = np.where(owner[there] < 0, iou[at], 0.0)
            if free.max(initial=0.0) >= IOU:
                partner[row] = there.start + int(free.argmax())
                owner[partner[row]] = row
    missed = np.flatnonzero((owner < 0) & ~truth.ignored)
    detections = np.flatnonzero(shown)
    object_row = np.concatenate([partner[detections], missed])
    detection_row = np.concatenate([detections, np.full(len(missed), -1)])
    place = np.full((len(object_row), 2), num_classes)
    has = object_row >= 0
    place[has, 0] = truth.class_index[object_row[has]]
    has = detection_row >= 0
    place[has, 1] = found.class_index[detection_row[has]]
    counts = np.zeros((num_classes + 1, num_classes + 1), np.int64)
    np.add.at(counts, (place[:, 0], place[:, 1]), 1)
    return Confusion(counts, object_row, detection_row, place)
