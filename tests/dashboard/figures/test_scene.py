"""What the picture shows is what the arrays of the snapshot say."""

from __future__ import annotations

import dataclasses

import numpy as np
import plotly.graph_objects as go
import pytest

from dashboard.figures import scene
from dashboard.figures.picture import box_lines
from dashboard.figures.places import detections, matching_score, short
from dashboard.figures.scene import LAYERS, scene_figure
from tests.dashboard.sample_run import make_loss, make_snapshot
from yolo_core.runs.snapshots import SampleView

SHAPE = (96, 96)
NAMES = {
    scene.GRID: "grid",
    scene.OBJECTS: "objects",
    scene.CELLS: "owning cells",
    scene.MATCHED: "matched",
    scene.PREDICTIONS: "predictions",
}


def draw(view: SampleView, layers: tuple[str, ...] = LAYERS, score_cut: float = 0.05) -> go.Figure:
    return scene_figure(view, layers=layers, head=0, score_cut=score_cut)


def legend(figure: go.Figure) -> list[str]:
    return [trace.name for trace in figure.data if trace.name and trace.showlegend is not False]


def line(figure: go.Figure, name: str) -> go.Scatter:
    (trace,) = [t for t in figure.data if t.name == name and t.mode == "lines"]
    return trace


def labels(figure: go.Figure) -> list[go.Scatter]:
    return list(figure.select_traces({"mode": "text"}))


def words(figure: go.Figure) -> list[str]:
    return [text for trace in labels(figure) for text in trace.text]


def assert_draws(trace: go.Scatter, boxes: np.ndarray) -> None:
    x, y = box_lines(boxes, SHAPE)
    np.testing.assert_array_equal(trace.x, x)
    np.testing.assert_array_equal(trace.y, y)


@pytest.mark.parametrize("layer", NAMES)
def test_a_layer_can_be_switched_off(view: SampleView, layer: str) -> None:
    name = NAMES[layer]
    assert any(entry.startswith(name) for entry in legend(draw(view)))
    others = tuple(each for each in LAYERS if each != layer)
    assert not any(entry.startswith(name) for entry in legend(draw(view, others)))


def test_without_layers_the_picture_stays(view: SampleView) -> None:
    figure = draw(view, ())
    assert legend(figure) == []
    assert len(figure.layout.images) == 1


def test_the_edge_of_the_padding_is_drawn_where_there_is_some(view: SampleView) -> None:
    assert "edge of the padding" not in legend(draw(view))
    content = np.float32([0.5, 0.5, 1, 0.75])
    padded = dataclasses.replace(view, content=content)
    assert_draws(line(draw(padded), "edge of the padding"), content[None])
    assert "edge of the padding" in legend(draw(padded, ()))


def test_no_legend_moves_the_picture(view: SampleView) -> None:
    long, short = draw(view), draw(view, ())
    assert long.layout.margin == short.layout.margin
    assert long.layout.margin.autoexpand is False


def test_every_cell_can_be_clicked_and_says_which_it_is(view: SampleView) -> None:
    cells = draw(view).data[-1]
    assert cells.type == "heatmap"
    assert (cells.x0, cells.dx, cells.y0, cells.dy) == (8, 16, 8, 16)
    places = [[[0, row, column] for column in range(6)] for row in range(6)]
    assert [[list(each) for each in row] for row in cells.customdata] == places
    # Nothing else may catch the pointer.
    assert all(trace.hoverinfo == "skip" for trace in draw(view).data[:-1])


def test_objects_are_the_labels(view: SampleView) -> None:
    figure = draw(view)
    assert_draws(line(figure, "objects"), view.y_true[view.objects, 1:5])
    classes = view.y_true[view.objects, 5:].argmax(axis=1)
    for index, label in zip(view.objects, classes, strict=True):
        assert f"<b>{index}: {label}</b>" in words(figure)


def test_an_object_that_trains_nothing_is_marked(anchored: SampleView) -> None:
    labels = words(draw(anchored, (scene.OBJECTS,)))
    assert "<b>0: 3 ✗</b>" in labels  # overwritten
    assert "<b>1: 7</b>" in labels
    assert "<b>3: 2 ✗</b>" in labels  # no area


def test_matched_slots_carry_the_score_they_were_matched_by(view: SampleView) -> None:
    slots = np.flatnonzero(view.assignment.object_mask)
    figure = draw(view, (scene.MATCHED,))
    source = view.layout.prior if view.layout.has_priors else view.predictions["boxes"]
    (name,) = [entry for entry in legend(figure) if entry.startswith("matched")]
    assert name.endswith(view.assignment.candidate_measure)
    assert_draws(line(figure, name), source[slots])
    for slot, label in zip(slots, words(figure), strict=True):
        index = view.assignment.matched_object[slot]
        assert label.endswith(f"{view.assignment.candidate_score[index].max():.2f}")
    assert np.isnan(matching_score(view, int(np.flatnonzero(~view.assignment.object_mask)[0])))


def test_of_many_matched_anchors_the_best_of_each_object_on_the_head_are_drawn() -> None:
    view = make_snapshot(make_loss("yolov5"), 20).sample("val/0")
    assert view.assignment.object_mask.sum() > 3 * len(view.objects)
    figure = draw(view, (scene.MATCHED,))
    assert legend(figure) == ["best matched anchors, side ratio"]
    own = np.unique(view.assignment.object_slot[view.objects])
    drawn = [
        s for s in own if s >= 0 and view.assignment.object_mask[s] and not view.layout.head[s]
    ]
    assert 0 < len(drawn) < len(own)
    assert_draws(line(figure, legend(figure)[0]), view.layout.prior[drawn])


def test_predictions_are_those_kept_and_above_the_cut(view: SampleView) -> None:
    slots, score, label = detections(view, 0.05)
    best = view.predictions["class_probabilities"].max(axis=-1) * view.predictions["objectness"]
    expected = np.flatnonzero(view.keep & (best >= 0.05))
    assert set(slots) == set(expected)
    assert list(score) == sorted(score, reverse=True)
    figure = draw(view, (scene.PREDICTIONS,))
    assert_draws(line(figure, "predictions of 0.05 and more"), view.predictions["boxes"][slots])
    assert words(figure) == [f"{c} {s:.2f}" for c, s in zip(label, score, strict=True)]
    assert legend(draw(view, (scene.PREDICTIONS,), score_cut=1.0)) == []


def test_owning_cells_include_that_of_an_object_that_lost_its_slot(anchored: SampleView) -> None:
    trace = line(draw(anchored), "owning cells")
    # Objects 0 and 1 in cell (2, 2), object 4 in (1, 4); those outside or empty own none.
    assert len(trace.x) == 2 * 6
    assert {(int(x), int(y)) for x, y in zip(trace.x[::6], trace.y[::6], strict=True)} == {
        (32, 32),
        (64, 16),
    }


def test_labels_in_one_place_are_moved_apart(anchored: SampleView) -> None:
    (found,) = labels(draw(anchored, (scene.OBJECTS,)))
    places = {text[3]: (x, y) for x, y, text in zip(found.x, found.y, found.text, strict=True)}
    assert abs(places["0"][1] - places["1"][1]) > 3


def test_a_picture_without_objects_draws(snapshots: dict) -> None:
    figure = draw(snapshots["yolov2"].sample("val/2"))
    assert "objects" not in legend(figure)
    assert np.shape(figure.data[-1].z) == (6, 6)


def test_a_label_that_would_leave_the_picture_goes_into_its_box() -> None:
    boxes = np.array([[0.5, 0.5, 0.4, 0.4], [0.3, 0.9, 0.2, 0.2], [0.7, 0.1, 0.2, 0.2]])
    sides = {}
    for corner in (scene.TOP_LEFT, scene.BOTTOM_LEFT, scene.BOTTOM_RIGHT):
        names = ["a", "b", "c"]
        traces = scene.box_traces("x", boxes, SHAPE, color="red", labels=names, corner=corner)
        sides[corner] = traces[-1]["textposition"]
    assert sides[scene.TOP_LEFT] == ["top right", "top right", "bottom right"]
    assert sides[scene.BOTTOM_LEFT] == ["bottom right", "top right", "bottom right"]
    assert sides[scene.BOTTOM_RIGHT] == ["bottom left", "top left", "bottom left"]


def test_a_long_name_is_cut_in_the_picture() -> None:
    assert short("0: " + "x" * 17) == "0: " + "x" * 17
    assert short("0: " + "x" * 100) == "0: " + "x" * 16 + "…"
