"""The card of the selected cell: what each of its slots is for, what it predicts and adds."""

from __future__ import annotations

import streamlit as st

from dashboard.components.errors import plain
from dashboard.components.show_table import show_table
from dashboard.figures.places import Cell
from dashboard.tables import loss_table, prediction_table, role_table
from yolo_core.reasons import cell_name, slot_reason, slot_word
from yolo_core.runs.views import SampleView


def show_cell(view: SampleView, cell: Cell) -> None:
    """The slots of the selected cell: parts with their reasons, what they predict and add."""
    slots = view.layout.cell_slots(cell.head, cell.row, cell.column)
    word = slot_word(view.layout)
    st.markdown(f"**The {len(slots)} slots of {cell_name(view.layout, int(slots[0]))}**")
    st.markdown(
        "\n".join(
            f"- {word} {view.layout.anchor[slot]}: {plain(slot_reason(view, int(slot)))}"
            for slot in slots
        )
    )
    show_table(role_table(view, slots))
    show_table(loss_table(view, slots))
    st.caption(
        "What each slot of the cell is there for, and what it adds to each term, unweighted and "
        "times its lambda. Wrong: a large share from a slot that has nothing to do with an object."
    )


def show_values(view: SampleView, cell: Cell) -> None:
    """What the selected cell's slots put out, what that means, and what it should be."""
    slots = view.layout.cell_slots(cell.head, cell.row, cell.column)
    st.markdown(f"**Target, raw and decoded values of {cell_name(view.layout, int(slots[0]))}**")
    show_table(prediction_table(view, slots))
    st.caption(
        "Raw is what the network puts out, decoded what it means, target what the loss pulls it "
        "to (– where it does not); x, y, w and h in the units that the loss compares. Wrong: a "
        "decoded value that stays away from its target while the loss falls."
    )
