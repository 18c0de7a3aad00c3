"""What slots, cells and objects are called in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from yolo_core.slots import SlotLayout

if TYPE_CHECKING:
    from yolo_core.views import SampleView


def slot_word(layout: SlotLayout) -> str:
    """What a slot of a cell is called: an anchor where there are priors, else a predictor."""
    return "anchor" if layout.has_priors else "predictor"


def cell_name(layout: SlotLayout, slot: int) -> str:
    """The cell of a slot, such as "cell (row 3, column 2)"; with its head if there are several."""
    head = f"head {layout.head[slot]}, " if len(layout.grids) > 1 else ""
    return f"{head}cell (row {layout.row[slot]}, column {layout.column[slot]})"


def object_name(view: SampleView, index: int) -> str:
    """An object with its class, such as "object 2 (class 7)"."""
    one_hot = view.y_true[index, 5:]
    if not np.any(one_hot > 0):
        return f"object {index}"
    return f"object {index} (class {view.class_names[int(np.argmax(one_hot))]})"


def listed(words: Sequence[str]) -> str:
    """ "one", or "one, two and three"; "" of none."""
    *first, last = words or [""]
    return f"{', '.join(first)} and {last}" if first else last
