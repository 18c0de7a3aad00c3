"""Figures of the Data page: plotly takes them, and what they draw is where it belongs."""

import numpy as np
import plotly.graph_objects as go
import pytest

from dashboard.figures.data_numbers import (
    MOST_POINTS,
    collisions_figure,
    mean_iou_figure,
    places_figure,
    sizes_figure,
)
from dashboard.figures.data_pictures import Outline, Tile, annotated_figure, gallery_figure

BOX = np.array([[0.5, 0.5, 1.0, 1.0]])


def tile(index: int, shape: tuple[int, int]) -> Tile:
    return Tile("data:image/jpeg;base64,", shape, BOX, np.array([0]), f"{index}.jpg", index)


def gallery() -> go.Figure:
    return gallery_figure(
        [tile(7, (80, 100)), tile(9, (100, 50)), tile(3, (80, 100))], columns=2, chosen=9
    )


def scatter() -> go.Figure:
    sizes = np.array([[10.0, 20.0], [0.0, 5.0], [30.0, 30.0]])
    return sizes_figure(sizes, np.array([0, 0, 1]), ["a", "b"], unit="px", anchors=sizes[:1])


FIGURES = {
    "gallery": gallery,
    "sizes": scatter,
    "places": lambda: places_figure(np.array([[0.5, 0.5, 0.1, 0.1]])),
    "mean IoU": lambda: mean_iou_figure([(1, 0.5), (2, 0.7)], 2),
    "collisions": lambda: collisions_figure(np.eye(3)),
    "picture": lambda: annotated_figure(
        np.zeros((40, 60, 3), np.uint8),
        [Outline("object", BOX, "#ff8800", ["1: a"])],
        grid=(4, 6),
        cells=BOX,
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_plotly_takes_it(name: str) -> None:
    go.Figure(FIGURES[name]().to_plotly_json())


def test_boxes_of_a_gallery_lie_on_their_pictures() -> None:
    figure = gallery()
    images = figure.to_plotly_json()["layout"]["images"]
    x, y = (np.reshape(figure.data[0][axis], (-1, 6)) for axis in "xy")
    for k, image in enumerate(images):
        assert [np.nanmin(x[k]), np.nanmax(x[k])] == pytest.approx(
            [image["x"], image["x"] + image["sizex"]], abs=1e-5
        )
        assert [np.nanmin(y[k]), np.nanmax(y[k])] == pytest.approx(
            [image["y"], image["y"] + image["sizey"]], abs=1e-5
        )
    # Each keeps its shape.
    assert [each["sizey"] / each["sizex"] for each in images] == pytest.approx([0.8, 2, 0.8])


def test_a_click_in_a_gallery_gives_the_picture() -> None:
    figure = gallery().to_plotly_json()
    assert figure["data"][-1]["customdata"] == [[7, 9], [3, None]]


def test_objects_without_an_area_are_no_points() -> None:
    assert [len(trace.x) for trace in scatter().data] == [1, 1, 1]


def test_of_very_many_objects_a_part_is_drawn() -> None:
    sizes = np.random.default_rng(0).uniform(1, 2, (MOST_POINTS * 2, 2))
    figure = sizes_figure(sizes, np.zeros(len(sizes), int), ["a"], unit="px")
    assert len(figure.data[0].x) == MOST_POINTS


def test_a_centre_on_the_lower_right_corner_is_counted() -> None:
    counts = places_figure(np.array([[1.0, 1.0, 0.1, 0.1]])).data[0].z
    assert (counts[-1][-1], np.sum(counts)) == (1, 1)
