"""The masks and the loss of a sample as a wall of tiles."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard.components.inspect.own_loss import map_name, own_size
from dashboard.components.shared.cell_picker import cell_clicked
from dashboard.components.shared.errors import plain
from dashboard.components.shared.plot import kept, plot
from dashboard.figures.marks import cell_in_tiles
from dashboard.figures.places import Cell
from dashboard.figures.tiles import loss_figure, mask_figure
from yolo_core.explain.names import cell_name, slot_word
from yolo_core.views import SampleView

WEIGHTED_TOTAL = "weighted total"


def show_maps(view: SampleView, cell: Cell) -> None:
    """The masks and the loss, one tile an anchor."""
    word = slot_word(view.layout)
    st.markdown("**Which slots are object, no object and ignored**")
    selected = {"marks": cell_in_tiles(view, cell), "on_click": cell_clicked}
    masks = kept(view, "masks", lambda: mask_figure(view))
    plot(masks, key="masks", alt=f"Parts of the slots, one map for each {word}.", **selected)
    st.caption(
        f"One map for each {word}: orange slots are trained for an object, grey ones to say no "
        f"object, blue ones are left alone. {_where_blue_belongs(view)}"
    )
    own = map_name(view)
    names = [WEIGHTED_TOTAL, *view.maps, *filter(None, [own])]
    if st.session_state.get("term") not in (None, *names):
        del st.session_state["term"]
    term = st.selectbox("Loss map of", names, key="term", bind="query-params", width=320)
    is_own = term == own
    values = own_size(view) if is_own else view.maps.get(term, view.weighted_map)
    loss = kept(view, ("loss", term), lambda: loss_figure(view, values, name=term))
    alt = f"What each slot adds to {term}, one map for each {word}."
    plot(loss, key="loss", alt=alt, **selected)
    if is_own:
        st.caption(
            f"How strongly the loss that trains pulls at each slot: the length of its gradient "
            f"over all channels. {_largest(view, values)} Wrong: bright slots that the masks above "
            "leave alone, or an object's own slot that stays dark while its prediction is bad."
        )
        return
    st.caption(
        f"What each slot adds to {plain(term)}"
        f"{', every term times its lambda' if term == WEIGHTED_TOTAL else ', unweighted'}; all "
        f"maps share one scale. {_largest(view, values)} Wrong: bright cells away from "
        "all objects, or an object's own cell that stays dark while its prediction is bad."
    )


def _where_blue_belongs(view: SampleView) -> str:
    """What would be wrong with the masks: of the losses here only SSD ignores far from objects."""
    if view.assignment.ignore_mask.mean() > 0.5:
        return (
            "Most are left alone: this loss trains only the hardest of the empty slots. Wrong: an "
            "object with no orange slot on it, or no grey slot at all."
        )
    return "Wrong: an object with no orange slot in its cell, or blue far away from every object."


def _largest(view: SampleView, values: np.ndarray) -> str:
    """Which slots add most, in words."""
    order = np.argsort(-np.nan_to_num(values, nan=np.inf), kind="stable")[:3]
    order = [int(slot) for slot in order if values[slot] != 0]
    if not order:
        return "All of it is zero."
    word = slot_word(view.layout)
    places = (
        f"{cell_name(view.layout, slot)} {word} {view.layout.anchor[slot]} with {values[slot]:.3g}"
        for slot in order
    )
    return f"Most comes from {'; '.join(places)}."
