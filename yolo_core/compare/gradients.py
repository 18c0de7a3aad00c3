"""Two gradients of one prediction, slot by slot and channel by channel. No Keras in here.

The command line computes them (`own_gradient.py`) and writes them here; the Compare page reads
them back, so that it never loads anybody's file.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from yolo_core.runs.views import SampleView


@dataclasses.dataclass(frozen=True)
class GroupFactor:
    """How one kind of channel of one part of the slots compares.

    Attributes:
        group: "x, y", "w, h", "objectness" (SSD: "background") or "classes".
        part: "object", "no object" or "ignored": the published loss's part.
        entries: Numbers in it that either loss trains.
        factor: Yours over the published one, the median; None where one of the two is zero
            throughout.
        agree: How many numbers agree once multiplied with that factor.
        sentence: The same in words; empty where nothing is to be said.
    """

    group: str
    part: str
    entries: int
    factor: float | None
    agree: int
    sentence: str


@dataclasses.dataclass(frozen=True)
class SlotDifference:
    """A slot on which the two gradients differ, beyond its groups' factors.

    Attributes:
        sample: Name of the picture.
        slot: Index on the slot axis.
        head: Index of the head.
        row: Grid row.
        column: Grid column.
        anchor: Index of the anchor or predictor in its cell.
        part: "object", "no object" or "ignored", by the published loss.
        reason: Why, by the published loss.
        channels: (name, yours, published) of the channels that differ, the worst first.
        relative: Largest relative difference: 0 equal, 1 one of them is zero, 2 opposite.
        sentence: What it looks like, in words.
    """

    sample: str
    slot: int
    head: int
    row: int
    column: int
    anchor: int
    part: str
    reason: str
    channels: tuple[tuple[str, float, float], ...]
    relative: float
    sentence: str


@dataclasses.dataclass(frozen=True)
class GradientComparison:
    """A plain Keras loss beside a published one, on the same predictions.

    Attributes:
        yours: What your loss is called, "FILE.py:function".
        against: Name of the published loss.
        views: One a sample: the published loss's breakdown, which every figure can draw.
        your_gradient: (B, P, channels) float32.
        published_gradient: (B, P, channels) float32.
        your_total: What your loss returned, the mean where it returned one number a picture.
        published_total: The published loss's total.
        factor: Median of yours over the published one, over all numbers that both train; None
            where there are none.
        groups: How each kind of channel compares.
        slots: The slots that differ, largest relative difference first.
        findings: What came of it, in sentences, the most telling first.
    """

    yours: str
    against: str
    views: tuple[SampleView, ...]
    your_gradient: np.ndarray
    published_gradient: np.ndarray
    your_total: float
    published_total: float
    factor: float | None
    groups: tuple[GroupFactor, ...]
    slots: tuple[SlotDifference, ...]
    findings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`, without the arrays."""
        raise NotImplementedError


def compare_gradients(
    *,
    yours: str,
    against: str,
    views: tuple[SampleView, ...],
    your_gradient: np.ndarray,
    published_gradient: np.ndarray,
    your_total: float,
    published_total: float,
) -> GradientComparison:
    """Holds two gradients against each other; arguments as in `GradientComparison`.

    Raises:
        ValueError: Their shapes differ, or the views are not theirs.
    """
    raise NotImplementedError


def list_comparisons(checkpoints: Path) -> list[Path]:
    """The comparisons that the command line has written there, the newest first.

    They are `<checkpoints>/.comparisons/NAME.npz`.
    """
    raise NotImplementedError


def write_comparison(checkpoints: Path, comparison: GradientComparison) -> Path:
    """Writes one, in place of an earlier one of the same two losses; returns the file.

    Raises:
        ValueError: The place cannot be written to.
    """
    raise NotImplementedError


def read_comparison(path: Path) -> GradientComparison:
    """Reads one back.

    Raises:
        ValueError: The file is missing, torn, or something else.
    """
    raise NotImplementedError
