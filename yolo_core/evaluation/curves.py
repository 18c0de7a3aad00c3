"""Precision against recall, what a score threshold means in counts, and AP in three ways."""

from __future__ import annotations

import dataclasses

import numpy as np

from yolo_core.evaluation.matching import IOU, Matching
from yolo_core.evaluation.table import Found, Truth


@dataclasses.dataclass(frozen=True)
class Curve:
    """Precision and recall of the n surest detections, for every n.

    Attributes:
        score: (n,) float64, falling.
        right: (n,) bool: finds an object.
        objects: How many there are to find.
    """

    score: np.ndarray
    right: np.ndarray
    objects: int

    @property
    def precision(self) -> np.ndarray:
        """(n,) float64: the part of the surest ones that find an object."""
        return np.cumsum(self.right) / np.arange(1, len(self.right) + 1)

    @property
    def recall(self) -> np.ndarray:
        """(n,) float64: the part of the objects that they find; 0 where there is none."""
        return np.cumsum(self.right) / max(self.objects, 1)


@dataclasses.dataclass(frozen=True)
class Counts:
    """What a detector does at one score.

    Attributes:
        found: Objects found.
        missed: Objects not found.
        false: Detections that find none.
    """

    found: int
    missed: int
    false: int

    @property
    def precision(self) -> float | None:
        """None without a detection."""
        shown = self.found + self.false
        return self.found / shown if shown else None

    @property
    def recall(self) -> float | None:
        """None without an object."""
        objects = self.found + self.missed
        return self.found / objects if objects else None


def curve(found: Found, truth: Truth, matching: Matching, class_index: int | None = None) -> Curve:
    """The curve of a class, or of all detections in one row, by the rule of `Matching`.

    Args:
        found: The detections.
        truth: The objects.
        matching: What became of them.
        class_index: None for all.
    """
    counts = ~matching.left_out & _of_class(found, class_index)
    return _sorted(found.score[counts], matching.finds[counts] >= 0, _objects(truth, class_index))


def voc_curve(found: Found, truth: Truth, matching: Matching, class_index: int) -> Curve:
    """The curve of a class by the rule of the PASCAL VOC development kit.

    There a detection goes with the object of its class that it overlaps most, found before or not;
    where that is an ignored one, it is left out. Boxes are compared as they are, without the pixel
    that the kit adds to every side.
    """
    rows = np.flatnonzero(found.class_index == class_index)
    region = matching.region_iou[rows]
    rows = rows[(region < IOU) | (region <= matching.same_iou[rows])]
    rows = rows[np.argsort(-found.score[rows], kind="stable")]
    fits = matching.same_iou[rows] >= IOU
    right = np.zeros(len(rows), bool)
    # Of the detections that go with one object the first is right.
    right[np.flatnonzero(fits)[np.unique(matching.same[rows[fits]], return_index=True)[1]]] = True
    return Curve(found.score[rows], right, _objects(truth, class_index))


def counts_at(
    found: Found,
    truth: Truth,
    matching: Matching,
    threshold: float,
    class_index: int | None = None,
) -> Counts:
    """Objects found and missed and false detections, of the detections from that score on."""
    shown = (found.score >= threshold) & _of_class(found, class_index)
    right = int((matching.finds[shown] >= 0).sum())
    return Counts(
        found=right,
        missed=_objects(truth, class_index) - right,
        false=int(matching.false[shown].sum()),
    )


def best_threshold(curve: Curve) -> float:
    """The score at which F1 (the harmonic mean of precision and recall) is highest; 0.5 if none."""
    if not curve.right.any():
        return 0.5
    f1 = 2 * np.cumsum(curve.right) / (np.arange(1, len(curve.right) + 1) + curve.objects)
    return float(curve.score[int(f1.argmax())])


def ap_coco(curve: Curve) -> float | None:
    """The mean of the best precision at recalls of 0.00, 0.01, ... 1.00 or more (COCO).

    Returns:
        None where there is no object.
    """
    return _mean_at(curve, np.linspace(0.0, 1.0, 101))


def ap_voc2007(curve: Curve) -> float | None:
    """The same at recalls of 0.0, 0.1, ... 1.0 (VOC 2007, "11-point"); None without an object."""
    return _mean_at(curve, np.linspace(0.0, 1.0, 11))


def ap_voc2012(curve: Curve) -> float | None:
    """The area under the best precision at each recall or more (VOC 2010 to 2012, "all-point").

    Returns:
        None where there is no object.
    """
    if not curve.objects:
        return None
    steps = np.diff(curve.recall, prepend=0.0)
    return float((steps * _envelope(curve)).sum())


def _mean_at(curve: Curve, recalls: np.ndarray) -> float | None:
    if not curve.objects:
        return None
    # As COCO does, whose levels of recall are the same numbers to the last digit.
    at = np.searchsorted(curve.recall, recalls, side="left")
    return float(np.append(_envelope(curve), 0.0)[at].mean())


def _envelope(curve: Curve) -> np.ndarray:
    """(n,) the highest precision from each place on."""
    return np.maximum.accumulate(curve.precision[::-1])[::-1]


def _sorted(score: np.ndarray, right: np.ndarray, objects: int) -> Curve:
    order = np.argsort(-score, kind="stable")
    return Curve(score[order], right[order], objects)


def _of_class(found: Found, class_index: int | None) -> np.ndarray:
    if class_index is None:
        return np.ones(len(found.sample), bool)
    return found.class_index == class_index


def _objects(truth: Truth, class_index: int | None) -> int:
    wanted = ~truth.ignored
    return int(
        (wanted if class_index is None else wanted & (truth.class_index == class_index)).sum()
    )
