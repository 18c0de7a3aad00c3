"""Two surveys of the same samples side by side: of a run and its fork, or of two steps of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TypeVar

import numpy as np

from yolo_core.evaluation.misses import Miss
from yolo_core.survey import statistics
from yolo_core.survey.table import SurveyTable


@dataclasses.dataclass(frozen=True)
class SurveyPair:
    """What two surveys say of the samples that are in both.

    Attributes:
        samples: (S,) names of these, in the order of the first survey.
        found: Objects on them that each one finds.
        objects: Objects on them.
        misses: {why an object is missed: objects in each}; those that there are in one of them.
        false_detections: Detections on them that find no object.
        terms: {term: mean over the samples in each}, unweighted; terms that both have.
        loss: (S, 2) float64, each sample's loss under the lambdas of the *first* survey: with
            lambdas of its own each would be a sum of other things.
        missed: (S, 2) int64, objects of each sample that are missed.
    """

    samples: np.ndarray
    found: tuple[int, int]
    objects: int
    misses: dict[Miss, tuple[int, int]]
    false_detections: tuple[int, int]
    terms: dict[str, tuple[float, float]]
    loss: np.ndarray
    missed: np.ndarray

    def most_changed(self, count: int) -> np.ndarray:
        """(n,) rows of the samples with the most objects more or less missed, then by loss."""
        objects = np.abs(np.diff(self.missed, axis=1)[:, 0])
        loss = np.nan_to_num(np.abs(np.diff(self.loss, axis=1)[:, 0]), nan=np.inf)
        return np.lexsort((-loss, -objects))[:count]


def pair_of(first: SurveyTable, second: SurveyTable) -> SurveyPair:
    """Holds two surveys against each other.

    Args:
        first: The one whose lambdas count.
        second: The other one.

    Raises:
        ValueError: They have no sample, or no term, in common.
    """
    common, mine, theirs = np.intersect1d(
        first.samples.name.astype(str), second.samples.name.astype(str), return_indices=True
    )
    terms = [name for name in first.term_names if name in second.term_names]
    if not len(common) or not terms:
        what = "sample" if not len(common) else "term of the loss"
        raise ValueError(
            f"The two surveys have no {what} in common, so there is nothing to hold against each "
            "other: survey both over the same split."
        )
    order = np.argsort(mine, kind="stable")
    both = ((first, mine[order]), (second, theirs[order]))
    weights = np.array([first.lambdas[first.term_names.index(name)] for name in terms])
    values = []
    for table, rows in both:
        columns = [table.term_names.index(name) for name in terms]
        values.append(table.samples.terms[rows][:, columns])
    misses = [
        np.bincount(
            table.objects.miss[np.isin(table.objects.sample, rows)], minlength=len(Miss)
        ).tolist()
        for table, rows in both
    ]
    counts = {each: (misses[0][each], misses[1][each]) for each in Miss}
    return SurveyPair(
        samples=common[order],
        found=counts.pop(Miss.FOUND),
        objects=sum(misses[0]),
        misses={each: pair for each, pair in counts.items() if any(pair)},
        false_detections=_two(int(t.samples.false_detections[rows].sum()) for t, rows in both),
        terms={
            name: _two(float(each[:, at].mean()) for each in values)
            for at, name in enumerate(terms)
        },
        loss=np.stack([each @ weights for each in values], axis=1),
        missed=np.stack([statistics.missed(table)[rows] for table, rows in both], axis=1),
    )


Number = TypeVar("Number", int, float)


def _two(values: Iterable[Number]) -> tuple[Number, Number]:
    first, second = values
    return first, second
