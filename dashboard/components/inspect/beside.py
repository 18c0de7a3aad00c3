"""The sample at another step beside the shown one, and a pinned slot beside the selected one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.cache import cached_snapshot
from dashboard.components.inspect.card import Selected
from dashboard.components.inspect.picture import Look, picture_figure
from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.cell_picker import cell_clicked
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.plot import kept, plot
from dashboard.components.shared.sample_picker import Choice
from dashboard.components.shared.show_table import show_table
from dashboard.figures.marks import cell_in_picture
from dashboard.figures.scene import ANCHORS
from dashboard.tables import cell_table, channel_table, number
from yolo_core.explain.names import cell_name, slot_word
from yolo_core.views import SampleView

_PIN = "pin"
_OTHER = UrlChoice("beside")


def pin(view: SampleView, slot: int) -> None:
    """A button that pins the selected slot, or takes the pin out. Query parameter "pin"."""
    is_pinned = pinned_slot(view) == slot
    st.button(
        "Pinned" if is_pinned else "Pin",
        icon=":material/keep_off:" if is_pinned else ":material/keep:",
        help="Keeps this slot, to be compared with others and with other steps: pane Beside.",
        on_click=_turn_pin,
        args=(None if is_pinned else _place(view, slot),),
    )


def pinned_slot(view: SampleView) -> int | None:
    """The pinned slot; None without one that this network has."""
    try:
        return view.layout.index(*map(int, st.query_params.get(_PIN, "").split(".")))
    except (TypeError, ValueError):
        return None


def show_beside(choice: Choice, view: SampleView, selected: Selected, look: Look) -> None:
    """The numbers of both, and the picture at the other step."""
    steps = [str(record.step) for record in choice.history if record.step != view.step]
    other = None
    if steps:
        asked = _OTHER.pick(
            st.selectbox, "Beside the sample at step", steps, default=steps[0], width=220
        )
        record = next(each for each in choice.history if each.step == int(asked))
        try:
            other = cached_snapshot(record.file).sample(record.sample)
        except ValueError as error:
            say(error)
    slot, kept_slot = selected.slot, pinned_slot(view)
    slots = {"this": slot}
    if kept_slot not in (None, slot):
        slots["pinned"] = kept_slot
    columns = {
        f"{word}, step {each.step:,}": slot_column(each, at)
        for word, at in slots.items()
        for each in (view, other)
        if each is not None
    }
    if other is not None:
        head, anchor = selected.cell.head, int(view.layout.anchor[slot])
        plot(
            kept(
                other, ("beside", look, head, anchor), lambda: _picture(other, head, anchor, look)
            ),
            key="picture beside",
            alt=f"The sample at step {other.step:,}.",
            marks=cell_in_picture(other, selected.cell, anchors=ANCHORS in look.layers),
            on_click=cell_clicked,
        )
    show_table(pd.DataFrame(columns).fillna(""), names=True)
    layout = view.layout
    name = f"{slot_word(layout)} {layout.anchor[slot]} of {cell_name(layout, slot)}"
    pinned = (
        " Pin a slot, above, to have it beside the selected one."
        if kept_slot is None
        else f" Pinned: {slot_word(layout)} {layout.anchor[kept_slot]} of "
        f"{cell_name(layout, kept_slot)}."
    )
    st.caption(
        plain(f"This: {name}.{pinned} Wrong: a term that grows from step to step on one slot.")
    )


def slot_column(view: SampleView, slot: int) -> dict[str, str]:
    """A slot in a column, to stand beside others: its part, what it adds to each term, raw values.

    Args:
        view: The sample.
        slot: Index on the slot axis.
    """
    channels = channel_table(view, slot)
    return {
        **cell_table(view, np.array([slot]), -1).iloc[:, 0].to_dict(),
        **{
            f"λ × {name}": number(float(view.lambdas[name]) * float(each[slot]), 3)
            for name, each in view.maps.items()
        },
        **{f"raw {name}": raw for name, raw in channels[["channel", "raw"]].to_numpy()},
    }


def _picture(view: SampleView, head: int, anchor: int, look: Look) -> go.Figure:
    figure = picture_figure(view, head, anchor, look)
    height, width = view.image.shape[:2]
    return figure.update_layout(meta={"aspect": height / width, "most": 0.5, "zoom": True})


def _place(view: SampleView, slot: int) -> str:
    layout = view.layout
    return ".".join(
        str(int(getattr(layout, axis)[slot])) for axis in ("head", "row", "column", "anchor")
    )


def _turn_pin(place: str | None) -> None:
    if place is None:
        st.query_params.pop(_PIN, None)
    else:
        st.query_params[_PIN] = place
