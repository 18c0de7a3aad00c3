"""The curves: smoothing, gaps, bands, markers, and colours that everybody can tell apart."""

import subprocess
import sys

import numpy as np
import pytest

from dashboard.figures.colors import TERM_COLORS, TOTAL_COLOR, color_of
from dashboard.figures.curves import Curve, Marker, curve_figure, smooth

STEPS = np.arange(1, 5)


def line(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def test_smoothing_by_hand():
    # 1; (0.5*1 + 0.25*... ) written out: weights 0.5^k, normalised by their sum.
    assert smooth(np.array([1.0, 3.0, 3.0]), 0.5).tolist() == pytest.approx([1, 7 / 3, 19 / 7])


def test_smoothing_of_a_constant_is_the_constant():
    assert smooth(np.full(50, 7.0), 0.97) == pytest.approx(np.full(50, 7.0))


def test_smoothing_passes_over_what_is_not_a_number():
    smoothed = smooth(np.array([1.0, np.nan, np.inf, 3.0]), 0.5)
    assert np.isnan(smoothed[[1, 2]]).all()
    assert smoothed[[0, 3]].tolist() == pytest.approx([1, 7 / 3])


@pytest.mark.parametrize("weight", [-0.1, 1.0, float("nan")])
def test_smoothing_weight_out_of_range_is_refused(weight):
    with pytest.raises(ValueError, match="smoothing weight"):
        smooth(np.ones(3), weight)


def test_nothing_to_draw_is_an_empty_figure():
    assert len(curve_figure([], y_title="loss").data) == 0
    empty = Curve("xy", np.array([]), np.array([]), color_of("xy"))
    figure = curve_figure([empty], y_title="loss", smoothing=0.9, log_y=True)
    assert [trace.y.size for trace in figure.data] == [0, 0]


def test_log_axis_leaves_out_zero_and_keeps_the_rest():
    curve = Curve("xy", STEPS, np.array([1.0, 0.0, -1.0, 10.0]), color_of("xy"))
    figure = curve_figure([curve], y_title="loss", log_y=True)
    assert figure.layout.yaxis.type == "log"
    assert np.isnan(line(figure, "xy").y).tolist() == [False, True, True, False]


def test_one_point_is_drawn_as_a_point():
    figure = curve_figure([Curve("xy", STEPS[:1], np.ones(1), "#4444ff")], y_title="loss")
    assert line(figure, "xy").mode == "lines+markers"


def test_smoothed_curve_keeps_the_raw_one_behind_it():
    curve = Curve("xy", STEPS, np.array([1.0, 2.0, 3.0, 4.0]), "#4444ff")
    raw, smoothed = curve_figure([curve], y_title="loss", smoothing=0.5).data
    assert raw.y.tolist() == [1, 2, 3, 4]
    assert raw.line.color == "rgba(68, 68, 255, 0.3)"
    assert smoothed.y[-1] < 4


def test_band_only_where_points_stand_for_several_steps():
    value = np.array([1.0, 2.0, 3.0, 4.0])
    flat = Curve("xy", STEPS, value, "#4444ff", low=value, high=value)
    assert len(curve_figure([flat], y_title="loss").data) == 1
    wide = Curve("xy", STEPS, value, "#4444ff", low=value - 1, high=value + 1)
    band, mean = curve_figure([wide], y_title="loss").data
    assert band.y.tolist() == [2, 3, 4, 5, 3, 2, 1, 0]
    assert mean.y.tolist() == [1, 2, 3, 4]


def test_markers_of_a_colour_are_one_trace_and_those_of_a_step_one_dot():
    markers = [
        Marker(2, "xy 1 → 5", "#4444ff"),
        Marker(2, "xy 5 → 3", "#4444ff"),
        Marker(9, "xy 3 → 1", "#4444ff"),
        Marker(9, "resumed"),
    ]
    blue, grey = curve_figure([], y_title="loss", markers=markers).data
    assert blue.x[~np.isnan(blue.x)].tolist() == [2, 2, 9, 9]
    assert blue.text[1] == "xy 1 → 5<br>xy 5 → 3"
    assert grey.line.color == TOTAL_COLOR
    assert blue.yaxis == grey.yaxis == "y2"


def test_zoom_is_kept_while_the_revision_stays():
    assert curve_figure([], y_title="loss", revision="yolov2-1").layout.uirevision == "yolov2-1"


def test_many_points_are_sent_as_binary():
    step = np.arange(1500)
    figure = curve_figure([Curve("xy", step, step * 1.0, "#4444ff")], y_title="loss")
    assert len(figure.to_json()) < 40_000


def test_a_term_has_one_colour():
    assert color_of("xy") == TERM_COLORS["xy"]
    assert color_of("total") == TOTAL_COLOR
    assert color_of("never heard of") == color_of("never heard of")
    assert color_of("never heard of") in TERM_COLORS.values()


@pytest.mark.slow
def test_figures_know_nothing_of_streamlit():
    script = "import sys, dashboard.figures.curves; sys.exit('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_labels_of_markers_are_moved_aside_where_they_would_lie_over_each_other():
    """Of 100 steps in 240 pixels, 15 pixels each: 50, 51 and 52 stand at 120.0, 122.4, 124.8."""
    curve = Curve("a", np.arange(101), np.ones(101), "#112233")
    marks = [Marker(step, f"at {step}", label=str(step)) for step in (52, 10, 50, 51)]
    figure = curve_figure([curve], y_title="loss", markers=[*marks, Marker(90, "no label")])
    found = [(each["text"], each["x"], each["xshift"]) for each in figure.layout.annotations]
    assert found == [("10", 10, 0), ("50", 50, 0), ("51", 51, 13), ("52", 52, 25)]


def test_labels_stay_inside_at_both_ends():
    curve = Curve("a", np.arange(101), np.ones(101), "#112233")
    marks = [Marker(step, "", label=str(step)) for step in (0, 99, 100)]
    figure = curve_figure([curve], y_title="loss", markers=marks)
    at = [each["x"] * 2.4 + each["xshift"] for each in figure.layout.annotations]
    assert at == pytest.approx([15, 225, 240], abs=1)


def test_of_too_many_labels_those_close_to_each_other_are_counted():
    curve = Curve("a", np.arange(101), np.ones(101), "#112233")
    marks = [Marker(step, "", label=str(step)) for step in (*range(0, 90, 5), 98, 99, 100)]
    figure = curve_figure([curve], y_title="loss", markers=marks)
    texts = [each["text"] for each in figure.layout.annotations]
    assert len(texts) == 16
    assert texts[-1] == "3 changes"
