"""What an evaluation says in numbers: by class, by size, at one threshold, by kind of error."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from yolo_core.evaluation.confusion import confusion
from yolo_core.evaluation.curves import (
    Counts,
    ap_voc2007,
    ap_voc2012,
    best_threshold,
    counts_at,
    curve,
    voc_curve,
)
from yolo_core.evaluation.errors import ErrorKind, find_errors
from yolo_core.evaluation.matching import Matching, match
from yolo_core.evaluation.metrics import Score
from yolo_core.evaluation.table import EvaluationTable


@dataclasses.dataclass(frozen=True)
class ClassRow:
    """One class of an evaluation.

    Attributes:
        name: Its name.
        score: By the rules of COCO.
        voc2007: 11-point average precision at IoU 0.5; None without an object.
        voc2012: All-point average precision at IoU 0.5; None without an object.
        counts: At the threshold.
    """

    name: str
    score: Score
    voc2007: float | None
    voc2012: float | None
    counts: Counts


def class_rows(table: EvaluationTable, matching: Matching, threshold: float) -> list[ClassRow]:
    """A row a class."""
    found, truth = table.found, table.truth
    rows = []
    for index, name in enumerate(table.class_names):
        voc = voc_curve(found, truth, matching, index)
        counts = counts_at(found, truth, matching, threshold, index)
        score = table.scores.by_class[index]
        rows.append(ClassRow(name, score, ap_voc2007(voc), ap_voc2012(voc), counts))
    return rows


def mean_of(values: list[float | None]) -> float | None:
    """The mean of those that are numbers; None where none is."""
    numbers = [each for each in values if each is not None]
    return float(np.mean(numbers)) if numbers else None


def chosen_threshold(table: EvaluationTable, matching: Matching) -> float:
    """The score with the highest F1 over all classes, rounded down to a hundredth."""
    best = best_threshold(curve(table.found, table.truth, matching))
    return float(np.floor(best * 100 + 1e-9) / 100)


def summary(table: EvaluationTable, threshold: float | None = None) -> dict[str, Any]:
    """An evaluation as plain values, for JSON.

    Args:
        table: The evaluation.
        threshold: Score from which a detection counts in "at_threshold" and "confusion"; None for
            the one with the highest F1.
    """
    found, truth = table.found, table.truth
    matching = match(found, truth)
    at = chosen_threshold(table, matching) if threshold is None else threshold
    rows = class_rows(table, matching, at)
    classes = len(table.class_names)
    errors = find_errors(found, truth, matching, num_classes=classes)
    counts = confusion(found, truth, matching, at, num_classes=classes).counts
    whole = table.scores.whole
    return {
        "step": table.step,
        "split": table.split,
        "samples": len(table.samples),
        "of": table.of,
        "image_size": list(table.image_size),
        **dataclasses.asdict(whole),
        "ignored_regions": int(truth.ignored.sum()),
        "voc2007": mean_of([row.voc2007 for row in rows]),
        "voc2012": mean_of([row.voc2012 for row in rows]),
        "losses": table.losses,
        "by_class": [
            {
                "class": row.name,
                **dataclasses.asdict(row.score),
                "voc2007": row.voc2007,
                "voc2012": row.voc2012,
                "at_threshold": _counts(row.counts),
            }
            for row in rows
        ],
        "by_size": {name: dataclasses.asdict(s) for name, s in table.scores.by_size.items()},
        "threshold": at,
        "at_threshold": _counts(counts_at(found, truth, matching, at)),
        "confusion": {
            "classes": [*table.class_names, "background"],
            "counts": counts.tolist(),
        },
        "errors": {
            kind.name.lower(): {"count": errors.count(kind), "costs": errors.cost[kind]}
            for kind in ErrorKind
        },
    }


def _counts(counts: Counts) -> dict[str, Any]:
    return {
        **dataclasses.asdict(counts),
        "precision": counts.precision,
        "recall": counts.recall,
    }
