"""Figures of plain dictionaries are what plotly would have taken piece by piece."""

from __future__ import annotations

import json

import numpy as np
import plotly.graph_objects as go
import plotly.io
import pytest

from dashboard.figures.bars import MEASURES, bars_figure, terms_bar
from dashboard.figures.curves import Curve, Marker, curve_figure
from dashboard.figures.frame import axis, figure_of
from dashboard.figures.scene import LAYERS, scene_figure
from dashboard.figures.tiles import loss_figure, mask_figure
from dashboard.figures.time_strip import Strip, iou_strip, state_strip
from yolo_core.runs.snapshots import SampleView


def sent(figure: go.Figure) -> dict:
    """What the browser gets, but for the template that plotly adds."""
    spec = json.loads(plotly.io.to_json(figure, validate=False))
    del spec["layout"]["template"]
    return spec


def assert_known(figure: go.Figure) -> None:
    """Plotly checks the name and the value of everything in it, and changes none.

    It would write out what plotly.js does not know, such as the name of a scale of colours.
    """
    assert sent(go.Figure(figure.to_plotly_json())) == sent(figure)


def test_what_plotly_does_not_know_would_be_found() -> None:
    with pytest.raises(ValueError, match="Invalid property"):
        assert_known(figure_of([{"type": "bar", "colour": "red"}], {}))
    with pytest.raises(AssertionError):
        assert_known(figure_of([{"type": "heatmap", "colorscale": "Inferno"}], {}))


def test_pictures_and_tiles(view: SampleView) -> None:
    assert_known(scene_figure(view, layers=LAYERS, head=0, score_cut=0.1))
    assert_known(mask_figure(view, narrow=True))
    assert_known(loss_figure(view, view.weighted_map, name="total", signed=True))


def test_curves() -> None:
    step = np.arange(1, 5)
    line = Curve("xy", step, step * 1.0, "#4444ff", low=step - 1.0, high=step + 1.0)
    look = {"smoothing": 0.5, "log_y": True, "y_range": (0.1, 9.0), "revision": "x"}
    assert_known(curve_figure([line], y_title="loss", markers=[Marker(2, "xy")], **look))


@pytest.mark.parametrize("measure", MEASURES)
def test_bars(measure: str) -> None:
    bar = terms_bar("one", {"xy": 2.0, "wh": float("nan")}, {"xy": 3.0, "wh": 1.0}, measure)
    assert_known(bars_figure([bar], unit=MEASURES[measure], revision="x", thick=True))


def test_strips() -> None:
    strip = Strip((0, 8), np.array([[0, 1]]), ["0: cat"], 1, 50, "x")
    assert_known(iou_strip(strip))
    assert_known(state_strip(strip))


def test_an_axis_says_nothing_of_what_it_was_not_told() -> None:
    """A range that is null makes plotly.js fail when the figure is drawn again."""
    assert "range" not in axis("step", range=None)
