"""An object that trains many slots, in words: which they are, whose they are besides, and why.

Where sides decide and not places (`candidate_measure` "side ratio"), an object trains cells beside
its own, too: which ones follows from the part of its cell that its centre lies in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yolo_core.assignment import trained_slots
from yolo_core.explain.by_label import account, cell_of_centre, score_with_label
from yolo_core.explain.names import listed, object_name, slot_word

if TYPE_CHECKING:
    from yolo_core.slots import SlotLayout
    from yolo_core.views import SampleView

SIDES = "side ratio"
_WAYS = {(0, -1): "left", (-1, 0): "above", (0, 1): "right", (1, 0): "below"}


def slots_on_row(view: SampleView, index: int, row: int) -> np.ndarray:
    """The slots that an object trains on one row of its ledger."""
    slots = trained_slots(view.assignment, index)
    if view.assignment.object_status.shape[1] == 1:
        return slots
    return slots[view.layout.head[slots] == row]


def in_all(view: SampleView, index: int) -> str:
    """How many slots an object trains on all heads together; "" where one row says all."""
    layout = view.layout
    slots = trained_slots(view.assignment, index)
    heads = np.unique(layout.head[slots])
    if view.assignment.object_status.shape[1] == 1 or len(slots) <= len(heads):
        return ""
    return f"It trains {len(slots)} slots, on {numbered('head', layout.head[slots])}."


def many_slots(view: SampleView, index: int, row: int) -> str:
    """How many slots an object trains, and which: their heads, anchors and cells."""
    slots, layout = slots_on_row(view, index, row), view.layout
    places = [
        numbered(name, values[slots])
        for name, values, all_of in (
            ("head", layout.head, len(layout.grids)),
            (slot_word(layout), layout.anchor, max(grid[2] for grid in layout.grids)),
        )
        if all_of > 1
    ]
    cells = len({(layout.head[slot], layout.row[slot], layout.column[slot]) for slot in slots})
    places.append("one cell" if cells == 1 else f"{cells} cells")
    return f"It trains {len(slots)} slots ({', '.join(places)})"


def by_sides(view: SampleView, index: int, row: int, centre: str) -> list[str]:
    """Why an object trains which slots of a head, where the ratio of sides decides: sentences.

    Args:
        view: The sample.
        index: Row of the object.
        row: Its ledger row: the head.
        centre: Its centre in words.
    """
    layout, assignment = view.layout, view.assignment
    slots, own = slots_on_row(view, index, row), int(assignment.object_slot[index, row])
    word = slot_word(layout)
    own_cell = (int(layout.row[own]), int(layout.column[own]))
    ways = [
        way
        for (down, right), way in _WAYS.items()
        if _has_cell(layout, slots, own_cell[0] + down, own_cell[1] + right)
    ]
    cells = f"its cell and the {'one' if len(ways) == 1 else 'ones'} {listed(ways)}"
    numbers = numbered(word, layout.anchor[slots])
    count = f"{len(slots)} slots: {numbers}" if len(slots) > 1 else f"one slot: {numbers}"
    said = [
        f"Its centre {centre} lies in {_part(view, index, own)}cell (row {own_cell[0]}, column "
        f"{own_cell[1]}), so it trains {count}, {f'in {cells}' if ways else 'in that cell alone'}."
    ]
    scores = assignment.candidate_score[index, row]
    score = float(scores[assignment.candidate_slots[index, row] == own].max(initial=0.0))
    limit = 1 / view.thresholds["anchor_ratio"] if "anchor_ratio" in view.thresholds else None
    above = "" if limit is None else f" (an anchor takes an object above {limit:.4g})"
    said.append(
        f"The sides of {word} {layout.anchor[own]} are most like its own: {SIDES} {score:.2f}"
        f"{account(score, score_with_label(view, own, index))}{above}."
    )
    return [*said, *_shared(view, index, slots)]


def _shared(view: SampleView, index: int, slots: np.ndarray) -> list[str]:
    """Who else trains slots of an object, and over which of them another one decides."""
    others = {
        other: np.intersect1d(slots, trained_slots(view.assignment, other))
        for other in view.objects.tolist()
        if other != index
    }
    others = {other: common for other, common in others.items() if len(common)}
    if not others:
        return []
    together = len(np.unique(np.concatenate([*others.values()])))
    named = listed([object_name(view, other) for other in others])
    those = "one of these slots" if together == 1 else f"{together} of these slots"
    if together == len(slots):
        those = "this slot" if together == 1 else "all of these slots"
    lost = int((view.assignment.matched_object[slots] != index).sum())
    whose = f"in {lost} of them that is another one"
    if lost in (0, together):
        whose = "here that is another one" if lost else "here that is this one"
    return [
        f"It shares {those} with {named}. A shared slot is trained for the box and the class of "
        f"each of its objects, and for the objectness of one: {whose}."
    ]


def numbered(word: str, numbers: np.ndarray) -> str:
    """ "head 1", or "heads 0, 1 and 2"."""
    different = sorted({int(each) for each in numbers})
    return f"{word}{'s' if len(different) > 1 else ''} {listed([*map(str, different)])}"


def _has_cell(layout: SlotLayout, slots: np.ndarray, row: int, column: int) -> bool:
    return bool(((layout.row[slots] == row) & (layout.column[slots] == column)).any())


def _part(view: SampleView, index: int, own: int) -> str:
    """ "the left upper part of ", from where the label's centre lies in its cell; or ""."""
    layout = view.layout
    rows, columns, _ = layout.grids[layout.head[own]]
    cell = (int(layout.row[own]), int(layout.column[own]))
    if cell != cell_of_centre(view, index, int(layout.head[own])):
        return ""
    x, y = view.y_true[index, 1:3]
    right = np.float32(x) * np.float32(columns) - cell[1]
    down = np.float32(y) * np.float32(rows) - cell[0]
    parts = [
        names[int(place > 0.5)]
        for place, names in ((right, ("left", "right")), (down, ("upper", "lower")))
        if place != 0.5
    ]
    return f"the {' '.join(parts)} part of " if parts else "the middle of "
