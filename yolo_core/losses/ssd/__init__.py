"""SSD's loss and its priors: as it should be read, and as it was published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LABEL = "SSD: prior boxes, hard negatives"
SOUND, VERBATIM = "SSDLoss", "VerbatimSSDLoss"
# Fine before coarse, as SSD has its maps.
STRIDES = (8, 16)
SLOTS_A_CELL = 4
# Offsets are relative to the priors, negatives to the matched ones: nothing depends on the data.
RECIPE = {"xy": 1.0, "wh": 1.0, "classification": 1.0, "no_object": 1.0}
WHY_AS_FOUND = (
    "offsets are relative to the priors, and the negatives that count to the matched ones"
)


def slots_said(side: Any, strides: Sequence[int]) -> str:
    """The priors that follow from the sides of objects, see `priors.squares`."""
    from yolo_core.losses.ssd.priors import LARGE, squares

    shown = ", ".join(f"{small:.0f} and {large:.0f}" for small, large in squares(side, strides))
    return (
        f"Priors of squares of {shown} px, a map each, and of each smaller one a lying and a "
        f"standing box: the largest reaches the side that {LARGE}% of the objects do not pass."
    )
