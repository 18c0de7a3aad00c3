"""The card of the selected slot: why it has its part, what it adds, and what pulls it where."""

from __future__ import annotations

import streamlit as st

from dashboard.components.inspect.own_loss import show_own_pull
from dashboard.components.shared.cell_picker import PLACE_KEYS
from dashboard.components.shared.errors import plain
from dashboard.components.shared.show_table import show_table
from dashboard.tables import (
    candidate_table,
    cell_table,
    channel_table,
    gradient_table,
    ignore_table,
    slot_term_table,
)
from yolo_core.explain.names import cell_name, object_name, slot_word
from yolo_core.explain.reasons import object_reason, slot_reason
from yolo_core.explain.trace import ledger_row, push_words, weighted_gradients
from yolo_core.views import SampleView

# Candidates and objects in a table; the selected slot is shown besides.
_MOST_ROWS, _MOST_OBJECTS = 6, 3


def show_why(view: SampleView, slot: int, index: int | None) -> None:
    """Why the selected slot has its part, who gets its object, and its cell's slots in short.

    Args:
        view: The sample.
        slot: The selected slot.
        index: The object that it belongs to or competes for, or that was chosen; None without one.
    """
    layout = view.layout
    part, _, reason = slot_reason(view, slot).partition(":")
    st.markdown(f"**{part.capitalize()}**:{plain(reason)}")
    _show_ignore_rule(view, slot)
    if index is not None:
        _show_competition(view, slot, index)
    slots = layout.cell_slots(*(int(getattr(layout, axis)[slot]) for axis in PLACE_KEYS[:3]))
    st.markdown(f"**The {len(slots)} slots of {cell_name(layout, slot)}**")
    with st.container(key="cell-slots"):
        show_table(cell_table(view, slots, slot), names=True)


def show_slot_terms(view: SampleView, slot: int) -> None:
    """What the selected slot adds to every term, and what pulls it where."""
    layout = view.layout
    name = f"{slot_word(layout)} {layout.anchor[slot]} of {cell_name(layout, slot)}"
    st.markdown(f"**What {name} adds to the loss, and where that pushes it**")
    show_table(slot_term_table(view, slot))
    st.caption(f"{_pull_sentence(view, slot)} {_WRONG_TERMS}")
    if view.gradients:
        with st.expander("Gradient of each term on each channel"):
            show_table(gradient_table(view, slot))
            st.caption(
                f"λ times the gradient of the term on the raw number, {_whose(view)}. Training "
                "moves a number against its sign. Wrong: two terms of about the same size and "
                "opposite signs on one channel, step after step."
            )
    show_own_pull(view, slot, name)


def show_values(view: SampleView, slot: int) -> None:
    """All channels of the selected slot: target, raw and decoded values."""
    show_table(channel_table(view, slot))
    st.caption(_channels_sentence(view))


_WRONG_TERMS = (
    "Wrong: a large share from a slot that has nothing to do with an object, or a term that pushes "
    "where another one pulls."
)


def _show_competition(view: SampleView, slot: int, index: int) -> None:
    row = ledger_row(view, slot)
    name = object_name(view, index)
    st.markdown(f"**Who gets {plain(name)}**")
    st.markdown(plain(object_reason(view, index)))
    table = candidate_table(view, index, row, slot, _MOST_ROWS)
    if table.empty:
        return
    show_table(table)
    count = int((view.assignment.candidate_slots[index, row] >= 0).sum())
    shown = f"{len(table)} of the {count}" if count > len(table) else "The"
    pointed = " (▸ the selected one)" if table["candidate"].str.startswith("▸").any() else ""
    head = f" on head {row}" if view.assignment.object_slot.shape[1] > 1 else ""
    st.caption(
        f"{shown} slots that were compared for {plain(name)}{head}, best first{pointed}. Wrong: "
        "scores so close that a pixel decides, or a best one that is still bad: nothing fits."
    )


def _show_ignore_rule(view: SampleView, slot: int) -> None:
    table = ignore_table(view, slot, _MOST_OBJECTS)
    if table.empty:
        return
    st.markdown("**May this slot be left alone**")
    show_table(table)
    st.caption(
        "Its predicted box against the objects, best first: the rule ignores a slot without an "
        "object from that overlap on. Wrong: a good box that is still pushed down."
    )


def _pull_sentence(view: SampleView, slot: int) -> str:
    if not view.gradients:
        return (
            "This snapshot holds no gradients: it was written before they were recorded. Runs that "
            "are trained from now on have them."
        )
    pull = push_words(view, sum(weighted_gradients(view, slot).values()))
    shared = (
        " Its cell has one set of classes, so all its slots show the same pull on them."
        if _shares_classes(view)
        else ""
    )
    return f"Together the terms push {plain(pull)}: the gradient {_whose(view)}.{shared}"


def _whose(view: SampleView) -> str:
    if view.own is not None:
        return f"of {plain(view.loss_name)}, not of the loss that trains"
    return "of this picture's own loss" if view.kind == "pinned" else "of the whole batch's loss"


def _shares_classes(view: SampleView) -> bool:
    """Whether all slots of a cell carry the same raw classes: those of the cell."""
    first = next((k for k, name in enumerate(view.channels) if name.startswith("class ")), None)
    if first is None or view.layout.grids[0][2] < 2:
        return False
    one, other = view.y_pred[0, first:], view.y_pred[1, first:]
    return len(one) > 1 and bool((one == other).all())


def _channels_sentence(view: SampleView) -> str:
    gradient = (
        " gradient is the sum over all terms, weighted, with the way that training moves the raw "
        "number;"
        if view.gradients
        else ""
    )
    return (
        "Raw is what the network puts out; activated the place in the cell, the size in anchors or "
        "pictures, or a probability; decoded and target are what the loss compares (– where it "
        f"pulls to nothing);{gradient} px are pixels of the picture, as predicted and as labelled. "
        "Wrong: a decoded value that stays away from its target while the loss falls."
    )
