"""RetinaNet's loss and its anchors: as they should be read, and as they were published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LABEL = "RetinaNet: two thresholds, focal loss"
SOUND, VERBATIM = "RetinaNetLoss", "VerbatimRetinaNetLoss"
# Fine before coarse, as a pyramid has its levels.
STRIDES = (8, 16)
SLOTS_A_CELL = 9
# Everything is divided by the slots with an object, and deltas are relative to their anchors.
RECIPE = {"box": 1.0, "classification": 1.0, "no_object": 1.0}
WHY_AS_FOUND = "deltas are relative to the anchors, and all is divided by the slots with an object"


def slots_said(side: Any, strides: Sequence[int]) -> str:
    """The anchors that follow from the sides of objects, see `pyramid.level_sizes`."""
    from yolo_core.losses.retinanet.pyramid import RATIOS, level_sizes

    shown = "; ".join(
        ", ".join(f"{each:.0f}" for each in sizes) for sizes in level_sizes(side, strides)
    )
    return (
        f"Anchors of sides {shown} px, a level each, and each of them {len(RATIOS)} times: lying, "
        "square and standing."
    )
