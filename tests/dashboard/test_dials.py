"""The rules behind the dials, the markers and the words of the Train page, without a page."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from dashboard.components.shared.run_curves import markers, metric_curves, term_curves
from dashboard.components.train.dials import LEARNING_RATE, dials, number_step, slider_options
from dashboard.components.train.log_tail import tail
from dashboard.components.train.run_controls import answer_text, duration, progress_text
from dashboard.figures.colors import TOTAL_COLOR, color_of
from yolo_core.runs.commands import Command
from yolo_core.runs.curves import Curves
from yolo_core.runs.records import Event
from yolo_core.runs.status import RunState, RunStatus

ROW = {"step": 60.0, "learning_rate": 1e-3, "lambda/xy": np.float32(0.1), "lambda/wh": 5.0}


def event(step: int, kind: str, **detail: object) -> Event:
    return Event(1, step, 0.0, kind, detail)


def values(*events: Event) -> dict[str, float]:
    return {dial.name: dial.value for dial in dials(ROW, events, 4e-3)}


def test_no_dials_before_the_first_step():
    assert dials(None, [], 4e-3) == []


def test_dials_show_what_the_last_step_used_in_its_shortest_form():
    assert values() == {"xy": 0.1, "wh": 5.0, LEARNING_RATE: 4e-3}


def test_a_change_that_waits_for_the_next_step_is_shown():
    assert values(event(61, "set-lambda", name="xy", value=3.0))["xy"] == 3.0


def test_a_change_that_a_resumed_training_has_yet_to_reach_is_not():
    assert values(event(200, "set-lambda", name="xy", value=3.0))["xy"] == 0.1
    assert values(event(200, "set-learning-rate", value=3.0))[LEARNING_RATE] == 4e-3


def test_an_older_change_is_in_the_row_already():
    assert values(event(30, "set-lambda", name="xy", value=3.0))["xy"] == 0.1


def test_the_learning_rate_is_the_one_set_last():
    changes = [event(10, "set-learning-rate", value=0.5), event(61, "set-learning-rate", value=0.2)]
    assert values(*changes)[LEARNING_RATE] == 0.2


def test_a_change_of_a_group_shows_with_its_row():
    assert values(event(61, "set-lambda", name="coord", value=3.0)) == values()


@pytest.mark.parametrize("start", [0.5, 5.0, 1000.0])
def test_a_slider_goes_a_thousandfold_either_way_from_where_the_run_began(start):
    options = slider_options(start, start, 1.0)
    assert (options[0], options[1], options[-1]) == (0.0, start / 1000, start * 1000)
    assert len(options) == 1 + 3 * 20 + 1 + 3 * 20
    assert options[61] == start, "in the middle"
    assert all(1.05 < b / a < 1.2 for a, b in itertools.pairwise(options[1:]))


@pytest.mark.parametrize("start", [0.0, float("nan"), float("inf")])
def test_a_slider_of_a_run_that_began_with_zero_has_something_in_its_middle(start):
    assert slider_options(start, 0.0, 1.0)[61] == 1.0


def test_a_slider_shows_a_value_between_its_steps_or_beyond_them():
    assert {1e6, 5.1234} <= {*slider_options(5.0, 5.1234, 1.0), *slider_options(5.0, 1e6, 1.0)}


def test_the_start_of_a_dial_is_what_it_was_before_its_first_change():
    changes = [
        event(30, "set-lambda", name="xy", value=3.0, before=5.0),
        event(40, "set-lambda", name="xy", value=0.1, before=3.0),
    ]
    starts = {dial.name: dial.start for dial in dials(ROW, changes, 4e-3)}
    assert starts == {"xy": 5.0, "wh": 5.0, LEARNING_RATE: 4e-3}


@pytest.mark.parametrize(
    ("value", "step"),
    [(1, 0.1), (8, 0.1), (20, 1), (50, 1), (99, 1), (1000, 100), (0.02, 0.001), (0, 0.1)],
)
def test_plus_changes_the_second_digit(value, step):
    assert number_step(value, 2.0) == pytest.approx(step)


def test_markers_are_the_changes_a_reader_would_look_for():
    found = markers(
        [
            event(5, "set-lambda", name="xy", value=2.5, before=5.0),
            event(6, "set-learning-rate", value=1e-3, before=4e-3),
            event(7, "checkpoint"),
            event(8, "resumed"),
        ]
    )
    assert [(m.step, m.text, m.color) for m in found] == [
        (5, "step 5: λ xy 5 → 2.5", color_of("xy")),
        (6, "step 6: learning rate 0.004 → 0.001", TOTAL_COLOR),
        (8, "step 8: resumed", TOTAL_COLOR),
    ]


def curves(bucket: int) -> Curves:
    step = np.array([4, 12])
    mean = {
        "total": np.array([11.0, 22.0]),
        "term/xy": np.array([1.0, 2.0]),
        "term/wh": np.array([3.0, 6.0]),
        "lambda/xy": np.array([5.0, 5.0]),
        "lambda/wh": np.array([2.0, 2.0]),
    }
    low, high = ({k: v * share for k, v in mean.items()} for share in (0.5, 2.0))
    return Curves(step, step - 3, step + 4, mean, low, high, {}, bucket)


def test_weighted_terms_sum_to_the_total():
    total, *terms = term_curves(curves(1), weighted=True)
    assert [term.name for term in terms] == ["xy", "wh"]
    assert sum(term.value for term in terms) == pytest.approx(total.value)
    assert total.low is None


def test_unweighted_terms_are_as_recorded_and_bands_come_with_buckets():
    xy, wh = term_curves(curves(8), weighted=False)
    assert xy.value.tolist() == [1, 2]
    assert (xy.low.tolist(), xy.high.tolist()) == ([0.5, 1], [2, 4])
    assert wh.color == color_of("wh")


def test_validation_metrics_are_points():
    found = metric_curves({"step": np.array([0, 50]), "map50": np.array([0.0, 0.5])}, curves(1))
    assert [(curve.name, curve.points) for curve in found] == [("mAP50", True)]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_progress_text():
    busy = "Compiling the first step with a snapshot, 14 s so far."
    status = RunStatus(RunState.RUNNING, step=0, steps=1500, message=busy)
    assert progress_text(status, 9) == f"step 0 of 1,500 · {busy[:-1]}"
    status = RunStatus(RunState.PAUSED, step=500, steps=1500, images_per_second=75.0, seconds=60)
    assert progress_text(status, 9) == "step 500 of 1,500 · 1 min 00 s trained · 2 min 00 s left"
    assert progress_text(status, None) == "step 500 of 1,500 · 1 min 00 s trained"
    assert progress_text(RunStatus(RunState.LOST, step=5, message="Gone."), 9) == "step 5"
    assert progress_text(RunStatus(RunState.STARTING), 9) == "step 0 · the process comes up"


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (Command(1, 0, "pause", {}, "done", 7), "pause: took effect at step 7"),
        (Command(1, 0, "set-lambda", {"name": "xy", "value": 0.5}, "done", 1200),
         "xy = 0.5: took effect at step 1,200"),
        (Command(1, 0, "step", {"count": 3}), "step 3: waiting for the training process"),
        (Command(1, 0, "step", {}, "failed", None, "No."), "step {count}: No."),
    ],
)  # fmt: skip
def test_answer_text(command, text):
    assert answer_text(command, live=True) == text


def test_a_command_that_nobody_read_says_so():
    assert "not answered before" in answer_text(Command(1, 0, "pause", {}), live=False)


def test_tail_of_a_long_file_is_whole_lines(tmp_path: Path):
    log = tmp_path / "train.log"
    log.write_bytes(b"x" * 100_000 + b"\n" + b"".join(b"line %d\n" % i for i in range(50)))
    assert tail(log, 3) == ["line 47", "line 48", "line 49"]
    log.write_bytes(b"\xff\xfe broken\r\nlast")
    assert tail(log)[-1] == "last"
    assert tail(tmp_path / "none") == []
    with pytest.raises(ValueError, match="cannot be read"):
        tail(tmp_path)
