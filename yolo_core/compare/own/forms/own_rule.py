"""What a rule that gives slots to objects is, and how its threshold is told."""

from __future__ import annotations

import dataclasses

import numpy as np

NO_RULE = "by no rule that is known here"


@dataclasses.dataclass(frozen=True)
class OwnRule:
    """A rule by its words, and (B, P) the object that it gives each slot to, -1 where none.

    `shift` is that of `Evidence`.
    """

    words: str
    object_of: np.ndarray
    shift: np.ndarray | None = None


def round_between(low: float, high: float) -> float:
    """The number with the fewest digits above one and up to another."""
    if low < 0.5 <= high:
        return 0.5
    for digits in range(1, 6):
        step = 10.0**-digits
        number = round(np.ceil((low + 1e-9) / step) * step, digits)
        if low < number <= high:
            middle = round((low + high) / 2, digits)
            return middle if low < middle <= high else number
    return high


def about(low: float, high: float) -> str:
    """A threshold in words, with the range that it may lie in where that is not narrow."""
    told = f"about {round_between(low, high):g}"
    return told if high - low < 0.02 else f"{told} (any from {low:.2f} to {high:.2f} fits)"
