"""What the edits of a sandbox do, beyond what every comparison shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from dashboard.components.sandbox.edits import DRAWING_KEY
from dashboard.components.shared.cell_picker import cell_clicked
from dashboard.components.shared.comparison import Boxes
from dashboard.components.shared.plot import kept, plot
from dashboard.components.shared.show_table import show_table
from dashboard.figures.colors import OBJECT_COLOR
from dashboard.figures.marks import cell_in_tiles
from dashboard.figures.places import Cell
from dashboard.figures.tiles import loss_figure
from dashboard.tables import NOTHING, number
from yolo_core.compare.differences import Comparison
from yolo_core.sandbox.edits import EditedObject

_LINE = {"color": OBJECT_COLOR, "width": 3}


def summary(comparison: Comparison) -> str:
    """What the edits change, in one sentence."""
    before, after = (each.view for each in comparison.losses)
    objects = {*before.objects.tolist(), *after.objects.tolist()}
    return (
        f"**{len(comparison.ledger)}** of {len(objects)} objects and "
        f"**{len(comparison.masks)}** of {before.layout.count:,} slots are not what they were; the "
        f"loss of this sample goes from **{number(before.total)}** to **{number(after.total)}**."
    )


def editable(
    objects: Sequence[EditedObject], on_change: Callable[[list[list[Any]]], None]
) -> Boxes:
    """The objects as boxes that can be dragged."""
    shapes = []
    for place, (x, y, width, height) in enumerate(each.box for each in objects):
        corners = {"x0": x - width / 2, "x1": x + width / 2}
        corners |= {"y0": y - height / 2, "y1": y + height / 2}
        fill = {"line": _LINE, "fillcolor": "rgba(61, 220, 132, 0.08)"}
        shapes.append({"type": "rect", "name": str(place), **corners, **fill})
    layout = {
        "shapes": shapes,
        "newshape": {"line": _LINE},
        "dragmode": "drawrect" if st.session_state.get(DRAWING_KEY) else False,
        # Else what was drawn by hand outlives its being taken back.
        "editrevision": repr(objects),
    }
    return Boxes(layout, on_change)


def show_changed_terms(comparison: Comparison) -> None:
    """The terms before and after, with their difference."""
    before, after = (each.view for each in comparison.losses)
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
    total = {"term": "total", "λ": "", "term, unweighted": ""}
    total["λ × term"] = _arrow(before.total, after.total)
    rows.append(total | {"change": f"{after.total - before.total:+.4g}"})
    show_table(rows)
    st.caption(
        "Each term of this sample, a batch of one, before and after the edits; the changes add up "
        "to the change of the total."
    )


def show_changed_map(comparison: Comparison, cell: Cell) -> None:
    """How much each slot adds more, or less, than before."""
    before, after = (each.view for each in comparison.losses)
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


def _arrow(was: float, now: float) -> str:
    return number(was) if number(was) == number(now) else f"{number(was)} → {number(now)}"
