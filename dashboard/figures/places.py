"""Which boxes belong to which cells, slots and detections: plain arrays for the figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from yolo_core.models.decode import scores
from yolo_core.runs.snapshots import SampleView

_LONG = 20


@dataclasses.dataclass(frozen=True)
class Cell:
    """One grid cell: head, row (0 at the top) and column (0 at the left)."""

    head: int
    row: int
    column: int


def detections(view: SampleView, score_cut: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slots that are left after suppression and the cut, with their scores and classes.

    Returns:
        Slots (n,) int64, highest score first; scores (n,) float32; classes (n,) int32.
    """
    score, label = slot_score(view)
    slots = np.flatnonzero(np.asarray(view.keep, bool) & (score >= score_cut))
    slots = slots[np.argsort(-score[slots], kind="stable")]
    return slots, score[slots], label[slots]


def slot_score(view: SampleView) -> tuple[np.ndarray, np.ndarray]:
    """Score (P,) float32 and likeliest class (P,) int32 of every slot."""
    score, label = scores(
        view.predictions["objectness"][None], view.predictions["class_probabilities"][None]
    )
    return score[0], label[0]


def cell_boxes(view: SampleView, cells: Sequence[Cell]) -> np.ndarray:
    """(n, 4) boxes of grid cells, x_center, y_center, width, height as image fractions."""
    rows = []
    for cell in cells:
        height, width, _ = view.layout.grids[cell.head]
        rows.append([(cell.column + 0.5) / width, (cell.row + 0.5) / height, 1 / width, 1 / height])
    return np.asarray(rows, np.float64).reshape(-1, 4)


def slot_boxes(view: SampleView, slots: np.ndarray) -> np.ndarray:
    """(n, 4) prior boxes of slots, or their predicted boxes where the loss has no priors."""
    source = view.layout.prior if view.layout.has_priors else view.predictions["boxes"]
    return source[slots]


def matching_score(view: SampleView, slot: int) -> float:
    """The score with which a slot got its object; NaN where the evidence does not hold it."""
    index = int(view.assignment.matched_object[slot])
    here = view.assignment.candidate_slots[index] == slot
    found = view.assignment.candidate_score[index][here] if index >= 0 else []
    return float(max(found, default=np.nan))


def object_label(view: SampleView, index: int) -> str:
    """An object's row and class, as the picture and the tables call it: "2: cat"."""
    one_hot = view.y_true[index, 5:]
    name = view.class_names[int(np.argmax(one_hot))] if np.any(one_hot > 0) else "no class"
    return f"{index}: {name}"


def short(name: str, most: int = _LONG) -> str:
    """A name with room in a picture, or for so many letters; of a long one its beginning."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
