"""What is laid over a figure lies where the cell and the slots are."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.figures.marks import cell_in_picture, cell_in_tiles, slots_in_tiles
from dashboard.figures.places import Cell
from tests.explain.made_view import ANCHORS, make_view
from yolo_core.runs.snapshots import SampleView
from yolo_core.slots import SlotLayout


def corners(shape: dict) -> list[float]:
    return [shape[name] for name in ("x0", "y0", "x1", "y1")]


def test_the_selected_cell_is_outlined_on_a_rim(view: SampleView) -> None:
    marks = cell_in_picture(view, Cell(0, 2, 3))
    # Cell (row 2, column 3) of 6 x 6 on 96 pixels.
    assert [corners(shape) for shape in marks] == [[48, 32, 64, 48]] * 2
    rim, outline = (shape["line"]["width"] for shape in marks)
    assert rim > outline


def test_anchors_of_the_cell_are_its_priors_or_its_predicted_boxes(view: SampleView) -> None:
    slots = view.layout.cell_slots(0, 2, 3)
    has_priors = view.layout.has_priors
    boxes = view.layout.prior[slots] if has_priors else view.predictions["boxes"][slots]
    marks = cell_in_picture(view, Cell(0, 2, 3), anchors=True)
    dotted = [shape for shape in marks if shape["line"].get("dash") == "dot"]
    for shape, (x, y, w, h) in zip(dotted, boxes, strict=True):
        expected = 96 * np.asarray([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
        assert corners(shape) == pytest.approx(expected, rel=1e-5)
    letter = "a" if has_priors else "p"
    names = [shape["label"]["text"] for shape in marks if "label" in shape]
    assert names == [f"{letter}0", f"{letter}1", f"{letter}2"]


def test_the_cell_is_outlined_in_every_tile_of_its_own_head() -> None:
    layout = SlotLayout.from_grids([(1, 1, 1), (2, 3, 2)], [ANCHORS[:1], ANCHORS])
    view = make_view(layout=layout, slots=[0, 6], candidates=[[0, 1], [6, 7]])
    marks = cell_in_tiles(view, Cell(1, 1, 2))
    # Heads are rows of two tiles.
    assert [(each["xref"], each["yref"]) for each in marks] == [
        ("x3", "y3"),
        ("x4", "y4"),
    ]


def test_slots_lie_on_their_tiles_and_too_many_are_left_out(anchored: SampleView) -> None:
    slots = [anchored.layout.index(0, 2, 4, 1), anchored.layout.index(0, 0, 0, 1)]
    (mark,) = slots_in_tiles(anchored, slots)
    assert (mark["xref"], mark["yref"]) == ("x2", "y2")
    assert mark["path"] == "M64,32H80V48H64Z M0,0H16V16H0Z"
    assert slots_in_tiles(anchored, range(108)) == []
    assert slots_in_tiles(anchored, []) == []
