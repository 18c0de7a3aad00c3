"""Samples of boxes in a row, so that every overlap can be counted by hand."""

from __future__ import annotations

import numpy as np

from yolo_core.evaluation.matching import Matching, match
from yolo_core.evaluation.metrics import Detections, Objects
from yolo_core.evaluation.table import Found, Truth, rows_of

SIDE = 0.1


def box(place: float, width: float = SIDE) -> tuple[float, float, float, float]:
    """A box whose left side is `place` times 0.1. Moved by half its width: IoU 0.5 / 1.5."""
    return (place * SIDE + width / 2, 0.5, width, SIDE)


def objects(*rows: tuple[float, int], ignored: tuple[tuple[float, int], ...] = ()) -> Objects:
    """(place, class) of each object."""
    boxes, regions = (
        np.array([box(p) for p, _ in each]).reshape(-1, 4) for each in (rows, ignored)
    )
    return Objects(
        boxes, np.array([c for _, c in rows]), regions, np.array([c for _, c in ignored])
    )


def detections(*rows: tuple[float, int, float]) -> Detections:
    """(place, class, score) of each detection."""
    return Detections(
        np.array([box(p) for p, _, _ in rows]).reshape(-1, 4),
        np.array([s for _, _, s in rows]),
        np.array([c for _, c, _ in rows]),
    )


def matched(seen: list[Detections], there: list[Objects]) -> tuple[Found, Truth, Matching]:
    found, truth = rows_of(seen, there)
    return found, truth, match(found, truth)


def random_scene(seed: int, *, classes: int = 3, samples: int = 6, ignored: bool = True):
    """Objects, and detections near them, beside them and of other classes."""
    random = np.random.default_rng(seed)

    def boxes(count: int) -> np.ndarray:
        return np.concatenate(
            [random.uniform(0.1, 0.9, (count, 2)), random.uniform(0.05, 0.3, (count, 2))], 1
        )

    there, seen = [], []
    for _ in range(samples):
        count, regions = random.integers(0, 6), random.integers(0, 2) * ignored
        each = Objects(
            boxes(count),
            random.integers(0, classes, count),
            boxes(regions),
            random.integers(0, classes, regions),
        )
        pool = np.concatenate([each.boxes, each.boxes, each.ignored_boxes, boxes(3)])
        near = pool + random.normal(0, 0.02, pool.shape)
        near[:, 2:] = np.abs(near[:, 2:])
        labels = np.concatenate(
            [
                each.classes,
                random.integers(0, classes, count),
                each.ignored_classes,
                random.integers(0, classes, 3),
            ]
        )
        there.append(each)
        seen.append(Detections(near, random.uniform(0.01, 1, len(near)), labels))
    return seen, there
