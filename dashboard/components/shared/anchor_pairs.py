"""Anchors as a field of a page takes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from yolo_core.cli.given_anchors import read_anchors

HELP = (
    "Pairs of width,height, such as 30,40 60,80: in pixels of what enters the network, or all of "
    "them 1 or less as parts of the picture."
)


def read_pairs(typed: str, image_shape: Callable[[], Sequence[int]]) -> list[list[float]]:
    """Widths and heights as fractions of the picture; no file is read, whatever is typed.

    Raises:
        ValueError: They are no pairs above zero.
    """
    if not re.fullmatch(r"[\d.,eE+\-\s]+", typed):
        raise ValueError(
            f"Anchors are pairs of width,height, such as 30,40 60,80; received {typed!r}."
        )
    return read_anchors(typed.split(), image_shape)
