"""The picture of a sample with its layers, and beside it the masks of every anchor."""

from __future__ import annotations

import dataclasses

import plotly.graph_objects as go
import streamlit as st

from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.cell_picker import cell_clicked
from dashboard.components.shared.errors import plain
from dashboard.components.shared.legend import legend
from dashboard.components.shared.plot import kept, plot
from dashboard.figures.fills import NONE, PARTS_OF_SLOTS, fill_trace, map_names
from dashboard.figures.marks import cell_in_picture, cell_in_tiles
from dashboard.figures.places import Cell, detections
from dashboard.figures.scene import ANCHORS, LAYERS, scene_figure
from dashboard.figures.tiles import mask_figure, strip_columns
from yolo_core.explain.names import slot_word
from yolo_core.explain.report import Report
from yolo_core.views import SampleView

_FILL = UrlChoice("fill")
# Cells along a side from which on one cell of the whole picture is hard to see.
_FINE = 13
_AROUND = 4  # cells shown on each side of the selected one
# Pixels of what stands below the picture and its masks: legend, strip of time, gaps.
_BELOW = 156


@dataclasses.dataclass(frozen=True)
class Look:
    """How the picture is drawn.

    Attributes:
        layers: Which of `scene.LAYERS`.
        cut: Lowest score of a prediction.
        fill: What the cells are filled with.
        near: Whether only the cells around the selected one are shown.
    """

    layers: tuple[str, ...]
    cut: float
    fill: str
    near: bool


def pick_look(view: SampleView) -> Look:
    """Asks for what the picture shows; query parameters "fill", "layers", "score" and "near"."""
    with st.container(key="look", horizontal=True, vertical_alignment="center", gap="xsmall"):
        fill = _FILL.pick(
            st.selectbox,
            "Fill",
            [NONE, PARTS_OF_SLOTS, *map_names(view)],
            help="What the cells of the picture are filled with, for the selected slot of each: "
            "the part it falls in, what it adds to the loss or to a term, how strongly the loss "
            "pulls at it.",
            width=170,
        )
        with st.popover("Layers"):
            layers = st.pills(
                "Layers",
                LAYERS,
                selection_mode="multi",
                default=LAYERS,
                key="layers",
                bind="query-params",
            )
            cut = st.slider(
                "Lowest score of a prediction",
                *(0.01, 1.0, 0.3, 0.01),
                key="score",
                bind="query-params",
            )
            st.caption(_picture_sentence(view, cut))
            st.caption(_masks_sentence(view))
        fine = max(max(rows, columns) for rows, columns, _ in view.layout.grids) >= _FINE
        near = fine and st.toggle(
            "Near",
            key="near",
            bind="query-params",
            help="Shows the selected cell and its neighbours only.",
        )
    return Look(tuple(layers), cut, fill, near)


def show_picture(view: SampleView, report: Report, cell: Cell, slot: int, look: Look) -> None:
    """The picture with its layers, beside it the masks of the head, and what the colours mean."""
    anchor, window = int(view.layout.anchor[slot]), _window(view, cell) if look.near else None
    place = (cell.head, cell.row, cell.column)
    grid = view.layout.grids[cell.head]
    with st.container(key="picture-row", horizontal=True, gap="xsmall"):
        large = st.container()
        many = "-many" * (strip_columns(grid[2]) > 1)
        small = st.container(key=f"masks-beside{many}")
    with large:
        plot(
            kept(
                view,
                ("picture", frozenset(look.layers), cell.head, look.cut, look.fill, anchor, window),
                lambda: picture_figure(view, cell.head, anchor, look, window),
            ),
            key="picture",
            alt=_picture_alt(report),
            marks=cell_in_picture(view, cell, anchors=ANCHORS in look.layers),
            on_click=cell_clicked,
            walks=((*place, anchor), grid),
        )
    with small:
        plot(
            kept(
                view,
                ("masks", cell.head, window),
                lambda: mask_figure(view, only=cell.head, window=window, beside=_BELOW),
            ),
            key="masks",
            alt=f"Parts of the slots, one map for each {slot_word(view.layout)}.",
            marks=cell_in_tiles(view, cell, only=True),
            on_click=_mask_clicked,
        )
    legend(view, look.layers, look.fill)


def picture_figure(
    view: SampleView, head: int, anchor: int, look: Look, window: tuple[float, ...] | None = None
) -> go.Figure:
    """The picture as this page draws it."""
    return scene_figure(
        view,
        layers=look.layers,
        head=head,
        score_cut=look.cut,
        legend=False,
        fill=fill_trace(view, look.fill, head, anchor),
        room=(_BELOW, 0),
        window=window,
    )


def _mask_clicked(place: list[int]) -> None:
    """Selects the slot; its mask is shown large, on the picture."""
    cell_clicked(place)
    if st.session_state.get(_FILL.key) == NONE:
        _FILL.then(PARTS_OF_SLOTS)


def _window(view: SampleView, cell: Cell) -> tuple[float, ...]:
    """Left, top, right, bottom in pixels of the cells around one."""
    height, width = view.image.shape[:2]
    rows, columns, _ = view.layout.grids[cell.head]

    def around(at: int, count: int, pixels: int) -> tuple[float, float]:
        size = min(2 * _AROUND + 1, count)
        first = min(max(at - _AROUND, 0), count - size)
        return first * pixels / count, (first + size) * pixels / count

    (left, right), (top, bottom) = (
        around(cell.column, columns, width),
        around(cell.row, rows, height),
    )
    return left, top, right, bottom


def _picture_alt(report: Report) -> str:
    names = ", ".join(f"{e.class_name} {e.status.word}" for e in report.objects) or "none"
    return f"The picture with its grid and boxes. Objects: {names}."


def _picture_sentence(view: SampleView, cut: float) -> str:
    slots, _, _ = detections(view, cut)
    _, scores, _ = detections(view, 0.0)
    found = f"{len(slots)} predictions score {cut:.2f} or more"
    if not len(slots):
        best = f"the best scores {scores[0]:.2f}" if len(scores) else "there are none at all"
        found = f"no prediction scores {cut:.2f} or more ({best})"
    boxes = "anchors" if view.layout.has_priors else "predicted boxes"
    measure = plain(view.assignment.candidate_measure)
    priors = (
        f"matched anchors carry the loss's own {measure} with the object (where objects train many "
        "slots, the best of each on this head is drawn, and the tiles show all)"
        if view.layout.has_priors
        else "this loss has no anchor boxes, so the matched predictors' own boxes are drawn, "
        f"with the loss's own {measure} with the object"
    )
    padding = "" if view.content is None else ", with grey padding outside the dashed line"
    return (
        f"The picture as the network gets it{padding}. Objects carry index: class; {found}; "
        f"{priors}; the {boxes} of the selected cell are dotted. Click a cell to see its slots; "
        "with the picture in focus arrow keys move it. The wheel zooms, a double click gives the "
        "whole back. Wrong: an object marked ✗ (nothing is trained for it), or, late in training, "
        "an object without a prediction on it."
    )


def _masks_sentence(view: SampleView) -> str:
    """What the masks show, and what would be wrong by the rule that ignores."""
    word = slot_word(view.layout)
    start = (
        f"One small map for each {word} of the head: slots that are trained for an object, to say "
        "no object, or left alone. A click selects the slot and shows its map on the picture."
    )
    if view.ignore_rule.kind == "hard_negatives":
        return (
            f"{start} Most are left alone: this loss trains only the hardest of the empty slots. "
            "Wrong: an object with no slot on it, or no slot at all that says no object."
        )
    return (
        f"{start} Wrong: an object with no slot in its cell, or ignored slots far away from every "
        "object."
    )
