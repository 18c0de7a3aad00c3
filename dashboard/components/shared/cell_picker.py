"""The selected grid cell: clicked in a figure or typed, kept in the URL."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dashboard.components.shared.address import UrlChoice, choose, hold_choices
from dashboard.figures.places import Cell
from yolo_core.runs.snapshots import SampleView

PLACE_KEYS = HEAD_KEY, ROW_KEY, COLUMN_KEY, ANCHOR_KEY = "head", "row", "column", "anchor"
CELL_OF_ANCHOR = "cell of the anchor"
"""Session key of the (head, row, column) that the chosen anchor was chosen in."""
_HEAD = "head tab"


def pick_cell(view: SampleView) -> Cell:
    """Asks for head, row and column; query parameters of these names.

    Without a choice it is the cell of the first object that is trained.
    """
    hold_choices(*PLACE_KEYS)
    heads = len(view.layout.grids)
    start = _start(view)
    _say_if_outside(view)
    with st.container(horizontal=True, vertical_alignment="bottom", width="content"):
        head = _number("Head", HEAD_KEY, heads, start.head) if heads > 1 else 0
        rows, columns, _ = view.layout.grids[head]
        row = _number("Row", ROW_KEY, rows, start.row)
        column = _number("Column", COLUMN_KEY, columns, start.column)
    return Cell(head, row, column)


def cell_clicked(place: Sequence[int]) -> None:
    """Selects a clicked cell, or one slot of it.

    Args:
        place: head, row and column, and the anchor where there is one to tell: the `customdata`
            of what was clicked.
    """
    head, row, column, *anchor = (int(value) for value in place)
    chosen: dict[str, object] = {HEAD_KEY: head, ROW_KEY: row, COLUMN_KEY: column}
    if anchor:
        chosen[ANCHOR_KEY] = str(anchor[0])
        st.session_state[CELL_OF_ANCHOR] = (head, row, column)
    choose(chosen)


def _head_chosen(view: SampleView, cell: Cell, head: int) -> None:
    """Selects the cell of another head at the place of a cell."""
    (rows, columns, _), (more, wide, _) = view.layout.grids[cell.head], view.layout.grids[head]
    row = int((cell.row + 0.5) / rows * more)
    cell_clicked((head, row, int((cell.column + 0.5) / columns * wide)))


def pick_head(view: SampleView, cell: Cell) -> None:
    """The heads, where there are several, each with its grid and how many of its slots train."""
    grids = view.layout.grids
    if len(grids) < 2:
        return
    trained = [
        int(view.assignment.object_mask[view.layout.head == k].sum()) for k in range(len(grids))
    ]
    st.session_state[_HEAD] = cell.head
    st.segmented_control(
        "Head",
        range(len(grids)),
        format_func=lambda k: f"{grids[k][0]}×{grids[k][1]}: {trained[k]}",
        key=_HEAD,
        required=True,
        label_visibility="collapsed",
        on_change=lambda: _head_chosen(view, cell, st.session_state[_HEAD]),
        help="The heads: rows × columns, and how many of their slots are trained for an object.",
    )


def _say_if_outside(view: SampleView) -> None:
    """Says that there is no such cell as a link, or another run with a larger grid, names."""
    asked = {key: UrlChoice(key).asked() or "" for key in (HEAD_KEY, ROW_KEY, COLUMN_KEY)}
    numbers = {k: int(v) for k, v in asked.items() if v.isascii() and v.isdecimal()}
    grids = view.layout.grids
    rows, columns, _ = grids[min(numbers.get(HEAD_KEY, 0), len(grids) - 1)]
    counts = {HEAD_KEY: len(grids), ROW_KEY: rows, COLUMN_KEY: columns}
    out = [f"{key} {number}" for key, number in numbers.items() if number >= counts[key]]
    if out:
        st.caption(
            f"There is no {' and no '.join(out)} here: the nearest cell of this grid of {rows} × "
            f"{columns} is shown."
        )


def _number(label: str, key: str, count: int, default: int) -> int:
    """Asks for 0 to count - 1; what another run's larger grid left behind is cut to that."""
    choice = UrlChoice(key)
    asked = choice.asked() or ""
    wanted = int(asked) if asked.isascii() and asked.isdecimal() else default
    choice.preset(min(wanted, count - 1))
    return st.number_input(
        f"{label}, 0 to {count - 1}",
        min_value=0,
        max_value=count - 1,
        value=None,
        step=1,
        key=key,
        bind="query-params",
        width=112,
    )


def _start(view: SampleView) -> Cell:
    trained = np.flatnonzero(view.assignment.object_mask)
    if not trained.size:
        height, width, _ = view.layout.grids[0]
        return Cell(0, height // 2, width // 2)
    first = trained[np.argmin(view.assignment.matched_object[trained])]
    return Cell(*(int(getattr(view.layout, axis)[first]) for axis in ("head", "row", "column")))
