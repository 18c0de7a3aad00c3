"""Several losses on one sample, drawn side by side: pictures, ledger, masks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.components.shared.cell_picker import cell_clicked
from dashboard.components.shared.errors import plain
from dashboard.components.shared.plot import plot
from dashboard.components.shared.show_table import show_table
from dashboard.figures.marks import cell_in_picture, cell_in_tiles, outlined_words, slots_in_tiles
from dashboard.figures.places import Cell, detections
from dashboard.figures.scene import CELLS, GRID, MATCHED, OBJECTS, PREDICTIONS, scene_figure
from dashboard.figures.tiles import mask_figure, narrow, short_titles_sentence
from dashboard.tables import ledger_table, number
from yolo_core.compare.differences import PARTS, Compared, Comparison, slot_parts
from yolo_core.explain.reasons import cell_name, slot_reason, slot_word
from yolo_core.explain.report import explain
from yolo_core.runs.snapshots import SampleView

MASKS_A_ROW = 2
_SCORE_CUT = 0.3
_LISTED = 300
# More rows of the ledger than this would push everything below them off the page: they scroll.
_LEDGER_ROWS, _LEDGER_HEIGHT = 6, 520


def summary(comparison: Comparison, of: str = "losses") -> str:
    """What differs, in one or two sentences; `of` says what is compared."""
    first = comparison.losses[0].view
    objects, slots = len(first.objects), first.layout.count
    words = "The picture holds no objects"
    if objects:
        all_of_them = f"{objects} objects" if objects > 1 else "one object"
        words = f"The {of} give {len(comparison.ledger)} of {all_of_them} to different slots"
    if not comparison.notes:
        words += f" and put {len(comparison.masks)} of {slots:,} slots into different parts"
    totals = ", ".join(f"{number(each.view.total)} ({each.label})" for each in comparison.losses)
    return f"{words}. Loss: {totals}."


def show_pictures(
    comparison: Comparison,
    cell: Cell,
    *,
    key: str,
    columns: int | None = None,
    predictions: bool = False,
) -> None:
    """Each loss's picture: objects, the cells that own them, the matched anchors or predictors.

    Args:
        comparison: The losses on the sample.
        cell: The selected cell of the leading loss.
        key: Starts the names of the figures.
        columns: How many pictures fit side by side; None takes what suits their number.
        predictions: Whether to draw what the network finds, too.
    """
    count = len(comparison.losses)
    layers = [GRID, OBJECTS, CELLS, MATCHED, *([PREDICTIONS] if predictions else [])]
    for row in in_rows(comparison.losses, columns or (count if count <= 4 else 3)):
        for place, each in row:
            with place:
                _title(each)
                here = cell_in(each.view, cell, comparison)
                plot(
                    # The sentence below is the legend of all of them.
                    scene_figure(
                        each.view,
                        layers=layers,
                        head=here.head,
                        score_cut=_SCORE_CUT,
                        legend=False,
                    ),
                    key=f"{key} picture {each.label}",
                    alt=f"The picture under {each.label}: objects, owning cells, matched slots.",
                    marks=cell_in_picture(each.view, here),
                    on_click=_selects(each.view, comparison),
                )
    orange = ""
    if predictions:
        found = any(len(detections(each.view, _SCORE_CUT)[0]) for each in comparison.losses)
        none = "" if found else ", of which there are none"
        orange = f" Orange: predictions with a score of {_SCORE_CUT} or more{none}."
    heads = any(len(each.view.layout.grids) > 1 for each in comparison.losses)
    own = ", of the head of the selected cell" if heads else ""
    st.caption(
        f"Green: the objects (index: class) and, filled, the cells that own them{own}. Blue: the "
        "anchors matched with them, or the predicted boxes where a loss has no anchors, with the "
        f"score that decided.{orange} Yellow: the selected cell; a click selects another. Wrong: "
        "an object marked ✗, for which nothing is trained, or an owning cell that does not hold "
        "the object's centre."
    )


def show_ledger(comparison: Comparison, *, key: str) -> None:
    """The objects that the losses treat differently, a row a loss."""
    count = len(comparison.losses[0].view.objects)
    st.markdown("**Objects of which the losses make different things**")
    if not count:
        st.info("This picture holds no objects, so there is nothing to give to a slot.")
        return
    with_all = st.toggle("Also those that all agree on", key=f"{key} all objects")
    wanted = [difference.index for difference in comparison.ledger]
    if not wanted and not with_all:
        st.success(
            f"None: {f'all {count} objects have' if count > 1 else 'the one object has'} the same "
            "status and slots under every loss.",
            icon=":material/check:",
        )
        return
    labels = [each.label for each in comparison.losses]
    tables = [ledger_table(each.view, explain(each.view)) for each in comparison.losses]
    rows = [
        row
        for at, index in enumerate(comparison.losses[0].view.objects.tolist())
        if with_all or index in wanted
        for row in _outcomes(labels, [table.iloc[at].to_dict() for table in tables])
    ]
    show_list(rows)
    st.caption(
        "Every object that differs with the slots that it trains, and why; losses that do the "
        "same with it share a row. Wrong: a status other than matched, or a slot in a cell that "
        "does not hold the object."
    )


def _outcomes(labels: Sequence[str], rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The ledger rows of one object under each loss; those that are the same become one."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for label, row in zip(labels, rows, strict=True):
        same = found.setdefault(tuple(row.values()), {"object": row["object"], "loss": "", **row})
        same["loss"] += f", {label}" if same["loss"] else label
    return list(found.values())


def show_masks(comparison: Comparison, cell: Cell, *, key: str) -> None:
    """The three masks of each loss, the slots that differ, and the selected cell in words."""
    st.markdown("**Which slots are object, no object and ignored**")
    differing = [difference.slot for difference in comparison.masks]
    marked = False
    for row in in_rows(comparison.losses, MASKS_A_ROW):
        for place, each in row:
            with place:
                _title(each)
                found = slots_in_tiles(each.view, differing)
                marked = marked or bool(found)
                selected = cell_in_tiles(each.view, cell_in(each.view, cell, comparison))
                plot(
                    narrow(mask_figure(each.view), each.view),
                    key=f"{key} masks {each.label}",
                    alt=f"Parts of the slots under {each.label}, one map for each anchor.",
                    marks=[*found, *selected],
                    on_click=_selects(each.view, comparison),
                )
    pink = outlined_words(len(differing), "are not the same under all losses", marked=marked)
    st.caption(
        "One map for each anchor or predictor, rows are heads: orange slots are trained for an "
        "object, grey ones to say no object, blue ones are left alone"
        f"{pink}. Wrong: an "
        "object with no orange slot in its cell, or blue far away from every object (of these "
        "losses only SSD leaves most slots alone). "
        f"{short_titles_sentence(each.view for each in comparison.losses)}"
    )
    for note in comparison.notes:
        st.info(plain(note), icon=":material/info:")
    if comparison.notes:
        return
    if not comparison.masks:
        st.success("Every slot falls in the same part under all losses.", icon=":material/check:")
        return
    count = comparison.losses[0].view.layout.count
    st.markdown(f"**The {len(comparison.masks)} of {count:,} slots that fall in different parts**")
    labels = [each.label for each in comparison.losses]
    rows = [
        {
            "slot": each.place,
            # The reason begins with the part.
            **dict(zip(labels, each.reasons, strict=True)),
        }
        for each in sorted(comparison.masks, key=lambda each: PARTS[0] not in each.parts)
    ]
    show_list(rows[:_LISTED])
    listed = f" The first {_LISTED:,} are listed." if len(rows) > _LISTED else ""
    st.caption(
        "Every slot that one loss trains otherwise than another, its part and the reason under "
        f"each; first those that some loss trains for an object.{listed} Wrong: a slot near an "
        "object that one loss trains to say no object, if you meant to train with the other."
    )


def show_list(rows: Sequence[dict[str, Any]]) -> None:
    """A list whose words are all shown: lines break, and a long list scrolls."""
    with st.container(
        height=_LEDGER_HEIGHT if len(rows) > _LEDGER_ROWS else "content", border=False
    ):
        show_table(pd.DataFrame(rows), hide_index=True)


def show_cell(comparison: Comparison, cell: Cell) -> None:
    """What each loss does with the slots of the selected cell, and why."""
    layout = leading(comparison).layout
    own = layout.cell_slots(cell.head, cell.row, cell.column)
    st.markdown(f"**What each loss does in {cell_name(layout, int(own[0]))}**")
    rows = []
    for each in comparison.losses:
        view, here = each.view, cell_in(each.view, cell, comparison)
        for slot in view.layout.cell_slots(here.head, here.row, here.column).tolist():
            weighted = sum(float(view.lambdas[t]) * view.maps[t][slot] for t in view.maps)
            rows.append(
                {
                    "loss": each.label,
                    "slot": f"{slot_word(view.layout)} {view.layout.anchor[slot]}",
                    "part and reason": slot_reason(view, slot),
                    "adds to the loss": number(weighted),
                }
            )
    show_table(pd.DataFrame(rows), hide_index=True)
    st.caption(
        "The same place in the picture under each loss, slot by slot: its part, why, and what it "
        "adds to the weighted loss. Wrong: a large number from a slot that has nothing to do with "
        "an object."
    )


def leading(comparison: Comparison) -> SampleView:
    """The loss on whose grids the cell is selected: the one with the most heads."""
    return max((each.view for each in comparison.losses), key=lambda view: len(view.layout.grids))


def cell_in(view: SampleView, cell: Cell, comparison: Comparison) -> Cell:
    """The cell of a loss at the place of a cell of the leading one."""
    return _same_place(cell, leading(comparison), view)


def _same_place(cell: Cell, source: SampleView, target: SampleView) -> Cell:
    if source.layout.grids == target.layout.grids:
        return cell
    rows, columns, _ = source.layout.grids[cell.head]
    # Heads may stand in either order: the one with cells of nearly that size.
    grids = target.layout.grids
    head = min(range(len(grids)), key=lambda head: abs(grids[head][0] - rows))
    own_rows, own_columns, _ = target.layout.grids[head]
    return Cell(
        head,
        int((cell.row + 0.5) / rows * own_rows),
        int((cell.column + 0.5) / columns * own_columns),
    )


def _selects(view: SampleView, comparison: Comparison) -> Callable[[Any], None]:
    """What a click in a figure of that loss does: selects the place on the leading grid."""

    def clicked(place: Any) -> None:
        chosen = Cell(*(int(value) for value in place))
        there = _same_place(chosen, view, leading(comparison))
        cell_clicked(dataclasses.astuple(there))

    return clicked


def in_rows(losses: Sequence[Any], columns: int) -> list[list[tuple[Any, Any]]]:
    """(column, loss) pairs, row by row."""
    return [
        list(zip(st.columns(columns, gap="medium"), losses[start:], strict=False))
        for start in range(0, len(losses), columns)
    ]


def _title(each: Compared) -> None:
    parts = np.bincount(slot_parts(each.view), minlength=3)
    st.markdown(
        f"**{plain(each.label)}**  \nloss {number(each.view.total)}: {parts[0]} object, "
        f"{parts[1]:,} no object, {parts[2]:,} ignored"
    )
