"""The maps hold the numbers of the snapshot, slot by slot."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from dashboard.figures.tiles import (
    loss_figure,
    mask_figure,
)
from tests.explain.made_view import ANCHORS, make_view
from yolo_core.compare.differences import PARTS, slot_parts
from yolo_core.runs.snapshots import SampleView
from yolo_core.slots import SlotLayout


def heatmaps(figure: go.Figure) -> list[go.Heatmap]:
    return [trace for trace in figure.data if trace.type == "heatmap"]


def titles(figure: go.Figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


def test_no_number_on_the_scale_moves_the_tiles(view: SampleView) -> None:
    small = np.full(view.layout.count, 1e-7, np.float32)
    long, short = (loss_figure(view, each, name="xy") for each in (small, small * 1e7))
    assert long.layout.margin == short.layout.margin
    assert long.layout.margin.autoexpand is False


def test_parts_are_the_masks(anchored: SampleView) -> None:
    drawn = slot_parts(anchored)
    for part, name in enumerate(PARTS):
        mask = getattr(anchored.assignment, f"{name.removesuffix('d').replace(' ', '_')}_mask")
        assert np.array_equal(drawn == part, mask)


def test_one_mask_tile_an_anchor_with_its_counts(view: SampleView) -> None:
    figure = mask_figure(view)
    tiles = heatmaps(figure)
    grid = view.layout.on_grid(0, slot_parts(view))
    assert len(tiles) == 3
    for anchor, tile in enumerate(tiles):
        assert np.array_equal(tile.z, grid[:, :, anchor])
        counts = [int((grid[:, :, anchor] == part).sum()) for part in range(3)]
        words = "{} object, {} no object, {} ignored".format(*counts)
        assert titles(figure)[anchor].endswith(f"{anchor}: {words}")
    assert {trace.name for trace in figure.data if trace.name} == {"object", "no object", "ignored"}


def test_each_part_has_its_colour_alone(view: SampleView) -> None:
    tile = heatmaps(mask_figure(view))[0]
    # -0.5 to 2.5 in three equal steps: 0, 1 and 2 lie in the middle of one each.
    assert (tile.zmin, tile.zmax) == (-0.5, 2.5)
    assert [round(at * 3) for at, _ in tile.colorscale] == [0, 1, 1, 2, 2, 3]
    assert tile.colorscale[0][1] == tile.colorscale[1][1] != tile.colorscale[2][1]


def test_loss_tiles_sum_to_the_term(view: SampleView) -> None:
    for name, values in view.maps.items():
        figure = loss_figure(view, values, name=name)
        sums = [float(np.sum(tile.z, dtype=np.float64)) for tile in heatmaps(figure)]
        assert sum(sums) == pytest.approx(view.terms[name], rel=1e-5)
        assert [title.split("Σ ")[1] for title in titles(figure)] == [f"{s:.4g}" for s in sums]


def test_tiles_lie_over_their_cells_and_say_which_was_clicked(view: SampleView) -> None:
    tile = heatmaps(mask_figure(view))[1]
    assert (tile.x0, tile.dx, tile.y0, tile.dy) == (8, 16, 8, 16)
    assert np.asarray(tile.customdata)[4, 1].tolist() == [0, 4, 1, 1]


def test_scale_is_shared_and_survives_all_zeros_and_nan(view: SampleView) -> None:
    zeros = loss_figure(view, np.zeros(view.layout.count), name="xy")
    assert (zeros.layout.coloraxis.cmin, zeros.layout.coloraxis.cmax) == (0, 1)
    broken = np.zeros(view.layout.count)
    broken[:2] = np.nan, 3.0
    axis = loss_figure(view, broken, name="xy").layout.coloraxis
    assert (axis.cmin, axis.cmax) == (0, 3)


def test_heads_are_rows() -> None:
    layout = SlotLayout.from_grids([(1, 1, 1), (2, 3, 2)], [ANCHORS[:1], ANCHORS])
    view = make_view(layout=layout, slots=[0, 6], candidates=[[0, 1], [6, 7]])
    figure = mask_figure(view)
    assert [np.shape(tile.z) for tile in heatmaps(figure)] == [(1, 1), (2, 3), (2, 3)]
    assert [title.split(":")[0] for title in titles(figure)] == [
        "head 0, anchor 0",
        "head 1, anchor 0",
        "head 1, anchor 1",
    ]


def test_a_picture_without_objects_draws(snapshots: dict) -> None:
    empty = snapshots["yolov2"].sample("val/2")
    assert len(heatmaps(mask_figure(empty))) == 3


def test_narrow_titles_say_the_least() -> None:
    layout = SlotLayout.from_grids([(1, 1, 1), (2, 3, 2)], [ANCHORS[:1], ANCHORS])
    view = make_view(layout=layout, slots=[0, 6], candidates=[[0, 1], [6, 7]])
    assert titles(mask_figure(view, narrow=True)) == [
        "head 0, anchor 0: 1 object",
        "head 1, anchor 0: 0 object",
        "head 1, anchor 1: 1 object",
    ]
    many = SlotLayout.from_grids(
        [(1, 1, 1), (1, 1, 4)], [ANCHORS[:1], np.repeat(ANCHORS[:1], 4, 0)]
    )
    view = make_view(layout=many, slots=[0, 2], candidates=[[0, 1], [2, 3]])
    named = titles(mask_figure(view, narrow=True))
    assert named == ["h0 a0: 1", "h1 a0: 0", "h1 a1: 1", "h1 a2: 0", "h1 a3: 0"]


@pytest.mark.parametrize(("count", "columns"), [(3, 1), (5, 2), (9, 3)])
def test_beside_the_picture_three_tiles_stand_below_one_another(count: int, columns: int) -> None:
    layout = SlotLayout.from_grids([(2, 2, count)], [np.repeat(ANCHORS[:1], count, 0)])
    view = make_view(layout=layout, slots=[0, 2], candidates=[[0, 1], [2, 3]])
    drawn = mask_figure(view, only=0, beside=100).layout
    numbers = ["", *range(2, count + 1)]
    places = [(drawn[f"xaxis{k}"].domain, drawn[f"yaxis{k}"].domain) for k in numbers]
    assert len({x for x, _ in places}) == columns
    assert len({y for _, y in places}) == -(-count // columns)
    # Each hangs under its title, which is where the one above it has ended.
    for (_, (_, top)), text in zip(places, drawn.annotations, strict=True):
        assert text.y == top
    for (_, (bottom, _)), (_, (_, top)) in zip(places, places[columns:], strict=False):
        assert bottom - top == pytest.approx(0.055 * len(titles_lines(drawn)))


def titles_lines(drawn: go.Layout) -> list[str]:
    """The lines of a title."""
    return drawn.annotations[0].text.split("<br>")
