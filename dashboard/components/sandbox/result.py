"""What the edits of a sandbox do: the sample before and after, with what changed marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.components.sandbox.edits import DRAWING_KEY
from dashboard.components.shared.cell_picker import cell_clicked
from dashboard.components.shared.errors import plain
from dashboard.components.shared.plot import kept, plot
from dashboard.components.shared.show_table import show_table
from dashboard.figures.marks import (
    cell_in_picture,
    cell_in_tiles,
    outlined_words,
    slots_in_tiles,
    under_lines,
)
from dashboard.figures.places import Cell
from dashboard.figures.scene import CELLS, GRID, MATCHED, OBJECTS, PREDICTIONS, scene_figure
from dashboard.figures.terms_bar import Bar, terms_figure
from dashboard.figures.tiles import loss_figure, mask_figure, narrow, short_titles_sentence
from dashboard.tables import NOTHING, number
from yolo_core.compare.differences import SlotDifference
from yolo_core.explain.names import cell_name, slot_word
from yolo_core.explain.reasons import slot_reason
from yolo_core.explain.report import ObjectReport
from yolo_core.sandbox.changes import object_changes, slot_changes
from yolo_core.sandbox.edits import EditedObject
from yolo_core.views import SampleView

BEFORE, AFTER = "without edits", "in the sandbox"
_LAYERS = (GRID, OBJECTS, CELLS, MATCHED, PREDICTIONS)
_SCORE_CUT = 0.3
_ROWS_SHOWN = 10


def summary(before: SampleView, after: SampleView) -> str:
    """What the edits change, in one sentence."""
    objects = object_changes(before, after)
    changed = [each for each in objects if each.words]
    slots = slot_changes(before, after)
    return (
        f"**{len(changed)}** of {len(objects)} objects and "
        f"**{len(slots)}** of {before.layout.count:,} slots are not what they were; the loss of "
        f"this sample goes from **{number(before.total)}** to **{number(after.total)}**."
    )


def show_pictures(
    before: SampleView,
    after: SampleView,
    objects: Sequence[EditedObject],
    cell: Cell,
    on_shapes: Callable[[list[list[Any]]], None],
) -> None:
    """The two pictures; the boxes of the objects in the second can be dragged."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**{BEFORE.capitalize()}**")
        _picture(before, cell, key="sandbox before")
    with right:
        st.markdown(f"**{AFTER.capitalize()}**: drag or resize boxes here")
        _picture(after, cell, key="sandbox after", objects=objects, on_shapes=on_shapes)
    st.caption(
        "Green: the objects and, filled, the cells that own them. Blue: what they are matched "
        f"with. Orange: predictions of {_SCORE_CUT} or more, of the same weights in both. "
        "Nothing here touches the run. Wrong: an object marked ✗, for which nothing is trained."
    )


def _picture(
    view: SampleView,
    cell: Cell,
    *,
    key: str,
    objects: Sequence[EditedObject] = (),
    on_shapes: Callable[[list[list[Any]]], None] | None = None,
) -> None:
    drawing = bool(st.session_state.get(DRAWING_KEY))

    def draw() -> go.Figure:
        figure = scene_figure(
            view, layers=_LAYERS, head=cell.head, score_cut=_SCORE_CUT, legend=False
        )
        if on_shapes is not None:
            figure.update_layout(
                shapes=[_shape(place, each) for place, each in enumerate(objects)],
                newshape={"line": {"color": "#3ddc84", "width": 3}},
                dragmode="drawrect" if drawing else False,
                # Else what was drawn by hand outlives its being taken back.
                editrevision=repr(objects),
            )
        return figure

    plot(
        kept(view, (key, cell.head, drawing), draw),
        key=key,
        alt=f"The picture with its objects {BEFORE if on_shapes is None else AFTER}.",
        # Every shape of the second can be dragged, and that shall be the objects alone.
        marks=under_lines(cell_in_picture(view, cell)),
        on_click=cell_clicked,
        on_shapes=on_shapes,
    )


def _shape(place: int, each: EditedObject) -> dict[str, Any]:
    x, y, width, height = each.box
    return {
        "type": "rect",
        "name": str(place),
        "x0": x - width / 2,
        "x1": x + width / 2,
        "y0": y - height / 2,
        "y1": y + height / 2,
        "line": {"color": "#3ddc84", "width": 3},
        "fillcolor": "rgba(61, 220, 132, 0.08)",
    }


def show_terms(before: SampleView, after: SampleView) -> None:
    """The terms of both as bars, and as a table with the difference."""
    st.markdown("**Terms**")
    bars = [
        Bar(label, view.terms, view.lambdas) for label, view in ((BEFORE, before), (AFTER, after))
    ]
    plot(terms_figure(bars), key="sandbox terms", alt="The terms before and after the edits.")
    rows = []
    for name in before.terms:
        was, now = (view.lambdas[name] * view.terms[name] for view in (before, after))
        rows.append(
            {
                "term": name,
                "λ": _arrow(before.lambdas[name], after.lambdas[name]),
                "term, unweighted": _arrow(before.terms[name], after.terms[name]),
                "λ × term": _arrow(was, now),
                "change": f"{now - was:+.4g}" if now != was else NOTHING,
            }
        )
    rows.append(
        {
            "term": "total",
            "λ": "",
            "term, unweighted": "",
            "λ × term": _arrow(before.total, after.total),
            "change": f"{after.total - before.total:+.4g}",
        }
    )
    show_table(pd.DataFrame(rows), hide_index=True)
    st.caption(
        "Each term of this sample, a batch of one, before and after the edits; the changes add up "
        "to the change of the total."
    )


def show_objects(before: SampleView, after: SampleView) -> None:
    """The ledger before and after, changed objects first said so."""
    st.markdown("**Objects**")
    changes = object_changes(before, after)
    if not changes:
        st.info("There are no objects, before or after.")
        return
    rows = [
        {
            "object": each.name,
            "changed": each.words or "as before",
            f"{BEFORE}": _fate(each.before),
            f"{AFTER}": _fate(each.after),
        }
        for each in changes
    ]
    show_table(pd.DataFrame(rows), hide_index=True)
    st.caption(
        "Every object with what became of it without edits and what becomes of it in the sandbox. "
        "Wrong: an object that you did not touch and that lost its slot."
    )


def _fate(report: ObjectReport | None) -> str:
    if report is None:
        return NOTHING
    return f"{report.status.name.replace('_', ' ').lower()}. {report.reason}"


def show_masks(before: SampleView, after: SampleView, cell: Cell) -> None:
    """The masks before and after with the changed slots marked, and these as a list."""
    st.markdown("**Which slots are object, no object and ignored**")
    changes = slot_changes(before, after)
    changed = [each.slot for each in changes]
    marked = False
    columns = st.columns(2, gap="medium")
    for column, view, label in zip(columns, (before, after), (BEFORE, AFTER), strict=True):
        with column:
            st.markdown(f"**{label.capitalize()}**")
            found = slots_in_tiles(view, changed)
            marked = bool(found)
            plot(
                kept(view, "narrow masks", lambda view=view: narrow(mask_figure(view), view)),
                key=f"sandbox masks {label}",
                alt=f"Parts of the slots {label}.",
                marks=[*found, *cell_in_tiles(view, cell)],
                on_click=cell_clicked,
            )
    pink = outlined_words(len(changed), "changed", marked=marked)
    st.caption(
        "Orange slots are trained for an object, grey ones to say no object, blue ones are left "
        f"alone{pink}. Wrong: a slot far from your edit "
        "that changed, unless the edit was a threshold or an anchor. "
        f"{short_titles_sentence([after])}"
    )
    if not changes:
        st.success("Every slot has the part and the object that it had.", icon=":material/check:")
        return
    st.markdown(f"**The {len(changes)} slots that changed**")
    st.dataframe(
        _changed_slots(changes),
        hide_index=True,
        key="sandbox slots",
        height=35 * (min(len(changes), _ROWS_SHOWN) + 1) + 3,
    )


def _changed_slots(changes: Sequence[SlotDifference]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "slot": each.place,
                BEFORE: each.parts[0],
                AFTER: each.parts[1],
                f"{BEFORE}, why": each.reasons[0],
                f"{AFTER}, why": each.reasons[1],
            }
            for each in changes
        ]
    )


def show_maps(before: SampleView, after: SampleView, cell: Cell) -> None:
    """How much each slot adds more, or less, than before."""
    st.markdown("**What each slot adds more or less**")
    change = after.weighted_map - before.weighted_map
    plot(
        kept(
            after,
            ("change from", before),
            lambda: loss_figure(after, change, name="change of the loss", signed=True),
        ),
        key="sandbox change",
        alt="The change of each slot's weighted loss.",
        marks=cell_in_tiles(after, cell),
        on_click=cell_clicked,
    )
    st.caption(
        "The weighted loss of each slot after the edits minus before: red slots add more now, blue "
        "ones less. The sum of all is the change of the total."
    )


def show_cell(before: SampleView, after: SampleView, cell: Cell) -> None:
    """The slots of the selected cell, before and after, in words."""
    layout = after.layout
    slots = layout.cell_slots(cell.head, cell.row, cell.column)
    st.markdown(f"**{cell_name(layout, int(slots[0])).capitalize()}**")
    lines = []
    for slot in slots.tolist():
        was, now = slot_reason(before, slot), slot_reason(after, slot)
        name = f"{slot_word(layout)} {layout.anchor[slot]}"
        text = plain(now) if was == now else f"**{plain(now)}** ({BEFORE}: {plain(was)})"
        lines.append(f"- {name}: {text}")
    st.markdown("\n".join(lines))


def _arrow(was: float, now: float) -> str:
    return number(was) if number(was) == number(now) else f"{number(was)} → {number(now)}"
