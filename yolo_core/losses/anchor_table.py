"""The anchors of a loss as a table of sizes in pixels that can be edited, and the way back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class AnchorTable:
    """What can be edited about the anchors of a loss.

    Attributes:
        names: One an entry, such as "anchor 0" or "head 1, anchor 2".
        columns: What its two numbers are, such as ("width, px", "height, px").
        sizes: The numbers, in pixels of the picture, rounded to a thousandth.
    """

    names: tuple[str, ...]
    columns: tuple[str, str]
    sizes: tuple[tuple[float, float], ...]

    @classmethod
    def of_shapes(cls, names: Sequence[str], anchors: Any, pixels: Sequence[float]) -> AnchorTable:
        """A table of (T, 2) widths and heights, of which one is (2,) so many pixels."""
        sizes = np.asarray(anchors, np.float64) * np.asarray(pixels)
        return cls(tuple(names), ("width, px", "height, px"), rounded(sizes))

    def edited(self, sizes: Sequence[Sequence[float]], owner: str) -> np.ndarray:
        """(T, 2) float64: edited sizes.

        Args:
            sizes: T pairs, in pixels.
            owner: What the sentence calls the loss.

        Raises:
            ValueError: Another number of them, or a size that is not above zero.
        """
        if len(sizes) != len(self.sizes) or not (np.asarray(sizes, np.float64) > 0).all():
            raise ValueError(
                f"{owner} takes {len(self.sizes)} anchors of two sizes above zero; "
                f"received {list(sizes)}."
            )
        return np.asarray(sizes, np.float64)

    def edited_shapes(
        self, sizes: Sequence[Sequence[float]], anchors: Any, pixels: Sequence[float], owner: str
    ) -> list[list[float]]:
        """Edited sizes in the unit of the anchors; those that are as before keep their digits."""
        edited = self.edited(sizes, owner)
        same = (edited == np.asarray(self.sizes)).all(axis=1, keepdims=True)
        own = np.asarray(anchors, np.float64)
        return np.where(same, own, edited / np.asarray(pixels)).tolist()


def rounded(pairs: Any) -> tuple[tuple[float, float], ...]:
    """Pairs of numbers, to a thousandth."""
    return tuple((round(float(one), 3), round(float(other), 3)) for one, other in pairs)
