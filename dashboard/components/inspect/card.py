"""The card of the selected slot: its head, and which pane of it is open."""

from __future__ import annotations

import dataclasses

import streamlit as st

from dashboard.components.shared.cell_picker import pick_cell
from dashboard.components.shared.errors import plain
from dashboard.components.shared.slot_picker import pick_object, pick_slot
from dashboard.figures.places import Cell
from dashboard.tables import number
from yolo_core.explain.names import cell_name, slot_word
from yolo_core.views import SampleView

WHAT_IF = "What if"
PANE = "card"
_BEFORE_PANES = {"whatif": WHAT_IF, "term": "Terms"}
"""What links asked for before there were panes, and where it is now."""


@dataclasses.dataclass(frozen=True)
class Selected:
    """What the card is about.

    Attributes:
        cell: The selected cell.
        slot: The selected slot of it.
        index: The object that the slot belongs to or competes for, or that was chosen; None
            without one.
    """

    cell: Cell
    slot: int
    index: int | None


def pick_selected(view: SampleView) -> Selected:
    """Asks for cell, slot and object."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        cell = pick_cell(view)
        with st.container(width="content"):
            slot = pick_slot(view, cell)
        with st.container():
            index = pick_object(view, slot)
    return Selected(cell, slot, index)


def say_share(view: SampleView, slot: int) -> None:
    """Which slot it is, and what it adds to the loss."""
    layout, adds = view.layout, float(view.weighted_map[slot])
    share = f" = {100 * adds / view.total:.3g}% of the loss" if view.total else ""
    name = f"{slot_word(layout).capitalize()} {layout.anchor[slot]} of {cell_name(layout, slot)}"
    st.markdown(f"**{name}** adds {plain(number(adds, 3) + share)}")


def follow_old_links() -> None:
    """Opens the pane of what a link asked for before there were panes; call it before them."""
    for asked, pane in _BEFORE_PANES.items():
        if asked in st.query_params and PANE not in st.query_params:
            st.session_state.setdefault(PANE, pane)
