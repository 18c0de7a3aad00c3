"""What each slot of a sample adds to the loss, as a row of tiles."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard.components.shared.cell_picker import cell_clicked
from dashboard.components.shared.errors import plain
from dashboard.components.shared.plot import kept, plot
from dashboard.figures.fills import GRADIENT, WEIGHTED_TOTAL, map_names, map_values, own_map_name
from dashboard.figures.marks import cell_in_tiles
from dashboard.figures.places import Cell
from dashboard.figures.tiles import loss_figure
from yolo_core.explain.names import cell_name, slot_word
from yolo_core.views import SampleView


def show_maps(view: SampleView, cell: Cell) -> None:
    """The loss, or what one of its terms makes of it, one tile an anchor."""
    names = map_names(view)
    if st.session_state.get("term") not in (None, *names):
        del st.session_state["term"]
    term = st.selectbox("Loss map of", names, key="term", bind="query-params", width=320)
    values = map_values(view, term)
    loss = kept(view, ("loss", term), lambda: loss_figure(view, values, name=term, narrow=True))
    plot(
        loss,
        key="loss",
        alt=f"What each slot adds to {term}, one map for each {slot_word(view.layout)}.",
        marks=cell_in_tiles(view, cell),
        on_click=cell_clicked,
    )
    if term in (GRADIENT, own_map_name(view)):
        whose = "the loss" if term == GRADIENT else "the loss that trains"
        st.caption(
            f"How strongly {whose} pulls at each slot: the length of its gradient over all "
            f"channels. {_largest(view, values)} Wrong: bright slots that the masks leave alone, "
            "or an object's own slot that stays dark while its prediction is bad."
        )
        return
    weighted = ", every term times its lambda" if term == WEIGHTED_TOTAL else ", unweighted"
    st.caption(
        f"What each slot adds to {plain(term)}{weighted}; all maps share one scale. "
        f"{_largest(view, values)} Wrong: bright cells away from all objects, or an object's own "
        "cell that stays dark while its prediction is bad."
    )


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
