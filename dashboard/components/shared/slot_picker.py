"""The selected slot and object: one slot of the selected cell, and the object that it is about."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard.components.shared.address import UrlChoice, choose, hold_choices
from dashboard.components.shared.cell_picker import (
    ANCHOR_KEY,
    CELL_OF_ANCHOR,
    PLACE_KEYS,
    cell_clicked,
)
from dashboard.components.shared.errors import plain
from dashboard.figures.places import Cell, object_label
from yolo_core.explain.names import slot_word
from yolo_core.explain.report import object_status
from yolo_core.explain.trace import object_of_slot
from yolo_core.slots import SlotLayout
from yolo_core.views import SampleView

OBJECT = UrlChoice("object", bound=False)
ABOUT = "object of the selected slot"
"""Session key of the (sample, slot, object) last shown."""

_PILLS, _LETTERS = 6, 60
"""Objects that can be offered side by side, and what their names may take."""

Place = tuple[int, int, int, int]
"""Head, row, column and anchor."""


def pick_slot(view: SampleView, cell: Cell) -> int:
    """Asks for one slot of the cell; query parameter "anchor".

    Another cell starts at the slot that matters most in it: one with an object, else the one that
    adds most to the loss.

    Returns:
        The slot's index on the slot axis.
    """
    slots = view.layout.cell_slots(cell.head, cell.row, cell.column)
    place = (cell.head, cell.row, cell.column)
    first = str(_first_to_see(view, slots))
    if st.session_state.get(CELL_OF_ANCHOR, place) != place:
        choose({ANCHOR_KEY: first})
    st.session_state[CELL_OF_ANCHOR] = place
    chosen = UrlChoice(ANCHOR_KEY).pick(
        st.segmented_control,
        slot_word(view.layout).capitalize(),
        # Numbers alone: the address takes what is written here, and the part changes with the step.
        [str(anchor) for anchor in range(len(slots))],
        default=first,
        missing=lambda asked: st.caption(
            plain(f"There is no {slot_word(view.layout)} {asked} here; {first} is shown.")
        ),
        required=True,
        wrap=True,
    )
    return int(slots[int(chosen)])


def pick_object(view: SampleView, slot: int) -> int | None:
    """Offers the objects; a chosen one selects its slot. Query parameter "object".

    Returns:
        The object that the card is about: the chosen one as long as its slot is selected, else
        the one that the slot belongs to or competes for.
    """
    if not view.objects.size:
        return None
    index = _object_about(view, slot)
    st.session_state[ABOUT] = (view.name, slot, index)
    OBJECT.write(None if index is None else str(index))
    if st.session_state.get(OBJECT.key) != index:
        choose({OBJECT.key: index})
    st.session_state[OBJECT.key] = index
    lost = {n: not object_status(view, n).is_matched for n in view.objects.tolist()}
    few = len(lost) <= _PILLS and sum(len(object_label(view, n)) for n in lost) <= _LETTERS
    widget = st.pills if few else st.selectbox
    widget(
        "Object",
        view.objects.tolist(),
        format_func=lambda n: (plain if few else str)(object_label(view, n)) + " ✗" * lost[n],
        key=OBJECT.key,
        on_change=_object_chosen,
        args=(view.name, {n: _place_of(view, n) for n in view.objects.tolist()}, view.layout),
        help="Choose one to select its slot. ✗: nothing is trained for it.",
    )
    return index


def _object_chosen(sample: str, places: dict[int, Place], layout: SlotLayout) -> None:
    if hold_choices(OBJECT.key):
        return
    index = st.session_state[OBJECT.key]
    if index is None:
        return
    cell_clicked(places[index])
    st.session_state[ABOUT] = (sample, layout.index(*places[index]), index)
    OBJECT.write(str(index))


def _object_about(view: SampleView, slot: int) -> int | None:
    known = view.objects.tolist()
    linked = (st.query_params.get(OBJECT.key) or "") if OBJECT.moved() else ""
    if linked in map(str, known):
        return int(linked)
    if linked:
        st.caption(plain(f"There is no object {linked} on this picture."))
    about = st.session_state.get(ABOUT, ())
    if about[:2] == (view.name, slot) and about[2] in known:
        return about[2]
    return object_of_slot(view, slot)


def _place_of(view: SampleView, index: int) -> Place:
    """The slot that an object trains, else the one that it lost, else one near its centre."""
    assignment, layout = view.assignment, view.layout
    order = np.argsort(assignment.match_count[index] == 0, kind="stable")
    slots = [int(slot) for slot in assignment.object_slot[index][order] if slot >= 0]
    if slots:
        head, row, column, anchor = (int(getattr(layout, axis)[slots[0]]) for axis in PLACE_KEYS)
        return head, row, column, anchor
    rows, columns, _ = layout.grids[0]
    x, y = np.nan_to_num(view.y_true[index, 1:3], nan=0.5, posinf=1.0, neginf=0.0)
    row, column = (
        int(np.clip(np.floor(centre * cells), 0, cells - 1))
        for centre, cells in ((y, rows), (x, columns))
    )
    return 0, row, column, 0


def _first_to_see(view: SampleView, slots: np.ndarray) -> int:
    """Which anchor of a cell to begin with."""
    trained = view.assignment.object_mask[slots]
    if trained.any():
        return int(np.argmax(trained))
    return int(np.argmax(np.nan_to_num(np.abs(view.weighted_map[slots]), nan=np.inf)))
