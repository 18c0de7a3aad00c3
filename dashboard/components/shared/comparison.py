"""One sample under several losses, or with and without edits: drawn side by side."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from dashboard.components.shared.cell_picker import cell_clicked
from dashboard.components.shared.errors import plain
from dashboard.components.shared.legend import legend
from dashboard.components.shared.plot import kept, plot
from dashboard.components.shared.show_table import show_table
from dashboard.figures.bars import MEASURES, SHARE, UNWEIGHTED, WEIGHTED, bars_figure, terms_bar
from dashboard.figures.marks import (
    cell_in_picture,
    cell_in_tiles,
    outlined_words,
    slots_in_tiles,
    under_lines,
)
from dashboard.figures.places import Cell
from dashboard.figures.scene import CELLS, GRID, MATCHED, OBJECTS, PREDICTIONS, scene_figure
from dashboard.figures.tiles import ROW_OF_MASKS, mask_figure
from dashboard.tables import ledger_table, number
from yolo_core.compare.differences import PARTS, Compared, Comparison, slot_parts
from yolo_core.explain.names import cell_name, slot_word
from yolo_core.explain.reasons import slot_reason
from yolo_core.explain.report import explain
from yolo_core.views import SampleView

SCORE_CUT = 0.3
_LISTED = 300
# Pixels of what stands below the picture but for the masks: legend, gaps.
_BELOW = 48


_WRONG_TERMS = (
    "Wrong: one term with nearly all of a bar, or a term that another loss has and this one does "
    "not."
)
BARS_HELP = {
    WEIGHTED: "Bars: every term times its lambda, and behind each bar their sum, the loss. Point "
    f"at a piece for its numbers. {_WRONG_TERMS}",
    UNWEIGHTED: f"Bars: the terms before their lambdas. {_WRONG_TERMS}",
    SHARE: "Bars: what part of each loss every term makes up; behind each bar the loss itself. "
    f"{_WRONG_TERMS}",
}
"""What the bars of `show_bars` are, by their measure."""


class Boxes(NamedTuple):
    """Boxes of the last picture that can be dragged, resized, drawn and thrown out.

    Attributes:
        layout: What they add to the layout of the figure.
        on_change: As `on_shapes` of `plot`.
    """

    layout: dict[str, Any]
    on_change: Callable[[list[list[Any]]], None]


def show_pictures(
    comparison: Comparison, cell: Cell, *, key: str, predictions: bool = False
) -> None:
    """Each one's picture side by side, with its masks, and what their colours mean.

    Args:
        comparison: What is compared.
        cell: The selected cell of the leading one.
        key: Starts the names of the figures.
        predictions: Whether to draw what the network finds, too.
    """
    places = st.columns(len(comparison.losses), gap="small")
    for place, each in zip(places, comparison.losses, strict=True):
        with place, st.container(gap="xxsmall"):
            show_one(comparison, each, cell, key=key, predictions=predictions)
    first = leading(comparison)
    legend(first, (OBJECTS, CELLS, MATCHED, *([PREDICTIONS] if predictions else [])))


def show_one(
    comparison: Comparison,
    each: Compared,
    cell: Cell,
    *,
    key: str,
    predictions: bool = False,
    boxes: Boxes | None = None,
) -> None:
    """One's picture, with objects, owning cells, matched anchors or predictors, and its masks.

    Args:
        comparison: What is compared.
        each: The one.
        cell: The selected cell of the leading one.
        key: Starts the names of the figures.
        predictions: Whether to draw what the network finds, too.
        boxes: What can be edited in the picture.
    """
    _title(each)
    _picture(comparison, each, cell, key, predictions=predictions, boxes=boxes)
    view, here = each.view, cell_in(each.view, cell, comparison)
    differing = [difference.slot for difference in comparison.masks]
    plot(
        kept(view, ("masks", here.head, None), lambda: mask_figure(view, only=here.head)),
        key=f"{key} masks {each.label}",
        alt=f"Parts of the slots ({each.label}), one map for each anchor.",
        marks=[
            *slots_in_tiles(view, differing, only=here.head),
            *cell_in_tiles(view, here, only=True),
        ],
        on_click=_selects(view, comparison),
    )


def pictures_help(comparison: Comparison) -> str:
    """What the pictures and the masks under them show, and what would be wrong with them."""
    heads = any(len(each.view.layout.grids) > 1 for each in comparison.losses)
    differing = len(comparison.masks)
    marked = any(
        slots_in_tiles(each.view, [difference.slot for difference in comparison.masks])
        for each in comparison.losses
    )
    return (
        "The objects (index: class) and, filled, the cells that own them"
        f"{', of the head of the selected cell' if heads else ''}; the anchors matched with them, "
        "or the predicted boxes where a loss has no anchors, with the score that decided; "
        f"predictions with a score of {SCORE_CUT} or more. Below, one map for each anchor or "
        "predictor: slots that are trained for an object, to say no object, or left alone"
        f"{outlined_words(differing, 'differ', marked=marked)}. A click selects a cell. Wrong: an "
        "object marked ✗, for which nothing is trained; an owning cell that does not hold the "
        "object's centre; an object with no slot of its own in its cell."
    )


def _picture(
    comparison: Comparison,
    each: Compared,
    cell: Cell,
    key: str,
    *,
    predictions: bool,
    boxes: Boxes | None,
) -> None:
    view, here = each.view, cell_in(each.view, cell, comparison)
    layers = [GRID, OBJECTS, CELLS, MATCHED, *([PREDICTIONS] if predictions else [])]
    # The line below is the legend of all of them.
    how = {"layers": layers, "head": here.head, "score_cut": SCORE_CUT, "legend": False}
    how["room"] = (_BELOW, ROW_OF_MASKS)
    marks, on_shapes, layout = cell_in_picture(view, here), None, {}
    if boxes is not None:
        # Every shape in front can be dragged then, and that shall be the boxes alone.
        marks, on_shapes, layout = under_lines(marks), boxes.on_change, boxes.layout
    plot(
        kept(
            view,
            ("compared", here.head, predictions, repr(layout)),
            lambda: scene_figure(view, **how).update_layout(layout),
        ),
        key=f"{key} picture {each.label}",
        alt=f"The picture ({each.label}): objects, owning cells, matched slots.",
        marks=marks,
        on_click=_selects(view, comparison),
        on_shapes=on_shapes,
    )


def show_bars(comparison: Comparison, *, measure: str = WEIGHTED, key: str) -> None:
    """The terms of each as one chart, of which `BARS_HELP` says what it is."""
    losses = comparison.losses
    told = "; ".join(f"{each.label} {number(each.view.total)}" for each in losses)
    figure = bars_figure(
        [terms_bar(each.label, each.view.terms, each.view.lambdas, measure) for each in losses],
        unit=MEASURES[measure],
        revision=f"{measure} {[each.label for each in losses]}",
        thick=True,
    )
    plot(figure, key=f"{key} terms", alt=f"Terms of each loss: {told}.")


def show_ledger(comparison: Comparison, *, key: str, all_objects: bool = False) -> None:
    """The objects of which different things are made, a row for those that make the same.

    Args:
        comparison: What is compared.
        key: Starts the name of the switch.
        all_objects: Whether to show the others, too, without asking.
    """
    objects = sorted({n for each in comparison.losses for n in each.view.objects.tolist()})
    if not objects:
        st.info("This picture holds no objects, so there is nothing to give to a slot.")
        return
    if not all_objects:
        all_objects = st.toggle("Also those that all agree on", key=f"{key} all objects")
    differing = {each.index: each for each in comparison.ledger}
    if not differing and not all_objects:
        count = len(objects)
        st.success(
            f"None: {f'all {count} objects have' if count > 1 else 'the one object has'} the same "
            "status and slots under every loss.",
            icon=":material/check:",
        )
        return
    told = any(each.words for each in comparison.ledger)
    rows: dict[int, list[dict[str, str]]] = {}
    for each in comparison.losses:
        table = ledger_table(each.view, explain(each.view)).to_dict("records")
        for index, row in zip(each.view.objects.tolist(), table, strict=True):
            words = differing[index].words if index in differing else ""
            changed = {"changed": words or "as before"} if told else {}
            start = {"object": row["object"], **changed, "loss": each.label}
            rows.setdefault(index, []).append({**start, **row})
    wanted = objects if all_objects else differing
    show_table([row for index in wanted for row in _merged(rows[index])])
    st.caption(
        "Every object with the slots that it trains, and why; a row holds all that do the same "
        "with it. Wrong: a status other than matched, a slot in a cell that does not hold the "
        "object, or an object that lost its slot and should not have."
    )


def _merged(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Rows that are the same but for their "loss" become one."""
    found: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    for row in rows:
        same = found.setdefault(tuple(item for item in row.items() if item[0] != "loss"), row)
        if same is not row:
            same["loss"] += f", {row['loss']}"
    return list(found.values())


def show_slots(comparison: Comparison) -> None:
    """The slots that fall into different parts, as a list."""
    for note in comparison.notes:
        st.info(plain(note), icon=":material/info:")
    if comparison.notes:
        return
    if not comparison.masks:
        st.success("No slot differs.", icon=":material/check:")
        return
    count = comparison.losses[0].view.layout.count
    st.markdown(f"**The {len(comparison.masks):,} of {count:,} slots that differ**")
    labels = [each.label for each in comparison.losses]
    rows = [
        # The reason begins with the part.
        {"slot": each.place, **dict(zip(labels, each.reasons, strict=True))}
        for each in sorted(comparison.masks, key=lambda each: PARTS[0] not in each.parts)
    ]
    show_table(rows[:_LISTED])
    listed = f" The first {_LISTED:,} are listed." if len(rows) > _LISTED else ""
    st.caption(
        "Every slot that is not trained alike, its part and the reason under each; first those "
        f"that are trained for an object.{listed} Wrong: a slot near an object that is trained to "
        "say no object, and should not be."
    )


def show_cell(comparison: Comparison, cell: Cell) -> None:
    """What each does with the slots of the selected cell, and why."""
    layout = leading(comparison).layout
    own = layout.cell_slots(cell.head, cell.row, cell.column)
    st.markdown(f"**What happens in {cell_name(layout, int(own[0]))}**")
    rows = []
    for each in comparison.losses:
        view, here = each.view, cell_in(each.view, cell, comparison)
        adds = view.weighted_map
        rows += [
            {
                "loss": each.label,
                "slot": f"{slot_word(view.layout)} {view.layout.anchor[slot]}",
                "part and reason": slot_reason(view, slot),
                "adds to the loss": number(adds[slot]),
            }
            for slot in view.layout.cell_slots(here.head, here.row, here.column).tolist()
        ]
    show_table(_merged(rows))
    st.caption(
        "The same place in the picture under each, slot by slot: its part, why, and what it adds "
        "to the weighted loss. Wrong: a large number from a slot that has nothing to do with an "
        "object."
    )


def leading(comparison: Comparison) -> SampleView:
    """The one on whose grids the cell is selected: that with the most heads."""
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
    own_rows, own_columns, _ = grids[head]
    return Cell(
        head,
        int((cell.row + 0.5) / rows * own_rows),
        int((cell.column + 0.5) / columns * own_columns),
    )


def _selects(view: SampleView, comparison: Comparison) -> Callable[[Any], None]:
    """What a click in a figure of that loss does: selects the place on the leading grid."""

    def clicked(place: Any) -> None:
        head, row, column = (int(value) for value in place[:3])
        there = _same_place(Cell(head, row, column), view, leading(comparison))
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
    label = html.escape(each.label)
    st.html(
        f'<div class="title" title="{label}"><b>{label}</b>: '
        f"loss {number(each.view.total)}</div>"
        f'<div class="title">{parts[0]:,} object, {parts[1]:,} no object, '
        f"{parts[2]:,} ignored</div>"
    )
