"""The time machine of the Inspect page: where it stands, where it can go, and since when."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.components.inspect.time_thinned import what_went
from dashboard.components.shared.sample_picker import LATEST, Choice, go_to, go_to_step
from dashboard.figures.time_strip import Strip, iou_strip, state_strip
from tests.dashboard.page import assert_sound, opener, plots, words
from tests.dashboard.sample_run import make_run
from yolo_core.explain.history import SlotState
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import Event, SnapshotRecord
from yolo_core.runs.snapshots import snapshot_path
from yolo_core.runs.store import RunStore

open_page = opener("inspect")
CURVES = ("sample curves True", "sample curves False", "run curves True", "run metrics")


def controls(page: AppTest) -> dict:
    """What the buttons in the browser were told."""
    told = [json.loads(element.proto.json or "{}") for element in page.get("bidi_component")]
    (found,) = [each for each in told if "turn" in each]
    return found


def figure_of(page: AppTest, key: str) -> dict:
    """The figure of that key."""
    (found,) = [each for name, each in plots(page).items() if name.endswith(f"-{key}")]
    return found


def table(page: AppTest, first: str) -> list[tuple[str, str]]:
    """(first, since) of each row of the table with a column of that name."""
    found = [each.value for each in page.table if first in each.value]
    return [
        (row[first], row["in this state"].removeprefix("from ").partition(" to ")[0])
        for each in found
        for _, row in each.iterrows()
    ]


def test_the_buttons_know_where_the_page_stands(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(sample="val/1", step="10")
    told = controls(page)
    expected = {"at": 1, "count": 3, "sample": 1, "samples": 4, "follows": False, "live": False}
    assert {name: told[name] for name in expected} == expected
    page.run()
    assert controls(page)["turn"] == told["turn"] + 1


def test_a_movement_chooses_step_and_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, str] = {}
    monkeypatch.setattr(st, "session_state", state)
    record = SnapshotRecord(10, "pinned", "val/1", Path("x.npz"), 1.0, {}, {})
    choice = Choice(record, [record], False, steps=(0, 10, 40), samples=("val/0", "val/1"))
    go_to(choice, step=2, sample=0)
    assert (state["step"], state["sample"]) == ("40", "val/0")
    go_to(choice, step=None, sample=1)
    assert (state["step"], state["sample"]) == (LATEST, "val/1")
    go_to_step(np.int64(10))
    assert state["step"] == "10"


def test_since_when_objects_are_detected(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(sample="val/0", step="40", card="Objects")
    assert_sound(page)
    first = ["step 40", "step 40", "step 40", "step 10", "step 40"]
    assert table(page, "first detected") == list(zip(first, first, strict=True))
    # At a cut that nothing reaches, none ever was.
    page.slider(key="score").set_value(1.0).run()
    assert_sound(page)
    assert table(page, "first detected") == [("never detected so far", "step 0")] * 5


def test_the_steps_of_the_table_lead_there(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(sample="val/0", step="0", card="Objects")
    steps = page.button_group(key="objects go to step")
    assert steps.options == ["10", "40"]
    steps.set_value(40).run()
    assert_sound(page)
    assert "after 40 updates" in words(page)
    assert page.query_params["step"] in ("40", ["40"])
    # Where it leads nowhere else, it is not offered.
    assert page.button_group(key="objects go to step").options == ["10"]


def test_since_when_the_slots_of_the_cell_are_wrong(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    # Object 0 lies in cell (2, 3), which anchor 1 is trained for; it is found at step 40.
    page = open_page(sample="val/0", step="40", row="2", column="3", card="Curves")
    assert_sound(page)
    assert ("step 0", "step 40") in table(page, "first wrong")
    (slots,) = [each.value for each in page.table if "first wrong" in each.value]
    assert "right\\: finds an object" in slots["at step 40"].tolist()
    states = figure_of(page, "slots by step")["data"][0]
    assert states["text"][1][0] == "wrong: it misses its object"


def test_the_shown_step_is_marked_on_every_curve(add_finished: Callable[[str], Path]) -> None:
    with RunStore.open(RunFolder(add_finished("yolov2-1")), writable=True) as store:
        store.record_evaluation(40, {"map50": 0.5})
    page = open_page(step="10", card="Curves")
    for name in CURVES:
        texts = [text for trace in figure_of(page, name)["data"] for text in trace.get("text", [])]
        assert "shown: step 10" in texts, name
    lines = [trace for trace in figure_of(page, CURVES[0])["data"] if trace.get("name") == "total"]
    assert lines[0]["customdata"] == [0, 10, 40]


def test_a_training_picture_has_no_history(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(kind="batch")
    assert_sound(page)
    assert "seen at its one step only" in words(page)
    assert not table(page, "first detected")


def test_a_damaged_snapshot_is_left_out_of_the_history(add_finished: Callable[[str], Path]) -> None:
    folder = RunFolder(add_finished("yolov2-1"))
    snapshot_path(folder, "pinned", 10).write_text("hello")
    page = open_page(step="40")
    assert_sound(page)
    assert "1 snapshot of this sample cannot be read" in words(page)
    assert figure_of(page, "objects by step")["data"][0]["customdata"][0] == [0, 40]


def test_what_was_thinned_out_is_said(checkpoints: Path) -> None:
    folder = make_run(checkpoints, "small")
    with RunStore.open(folder, writable=True) as store:
        detail = {"pinned": [1, 2, 10], "batch": [8], "megabytes": 5}
        store.record_event(40, "snapshots-pruned", detail)
    page = open_page()
    assert_sound(page)
    # Step 10 is there again: a resumed training wrote it.
    (said,) = [each for each in page.caption if "thinned" in each.value]
    assert said.value == ":material/content_cut: 2 of 5 pinned snapshots were thinned out"
    assert said.help == (
        "Those of steps 1, 2: all snapshots of this run may take 5 MB. Step 0 and the latest "
        "always stay."
    )


def test_many_that_went_are_told_by_what_is_left_or_by_their_first_and_last() -> None:
    events = [
        Event(1, 2000, 0.0, "snapshots-pruned", {"pinned": list(range(100, 1900, 100))}),
        Event(2, 3000, 0.0, "snapshots-pruned", {"pinned": [1950], "megabytes": 500}),
    ]
    assert ", ".join(what_went(events, "pinned", (0, 3000))) == (
        "19 of 21 pinned snapshots were thinned out, all but those of steps 0, 3,000: all "
        "snapshots of this run may take 500 MB. Step 0 and the latest always stay."
    )
    assert ", ".join(what_went(events, "pinned", (*range(17), 3000))).startswith(
        "19 of 37 pinned snapshots were thinned out, between steps 100 and 1,950: "
    )
    assert ", ".join(what_went(events, "batch", (1, 3000))) == ""


def test_the_strip_of_objects() -> None:
    iou = np.array([[0.0, 0.4, 0.6], [0.0, 0.0, 0.0]], np.float32)
    figure = iou_strip(Strip((0, 8, 1000), iou, ["0: cat", "1: dog"], 2, 50, "val/0"))
    strip, frame, first = figure.data
    np.testing.assert_array_equal(strip.z, iou)
    assert [list(row) for row in strip.customdata] == [[0, 8, 1000]] * 2
    assert (min(frame.x), max(frame.x)) == (1.5, 2.5)
    # One star, for the object that was detected at all.
    assert (first.x, first.y, first.customdata) == ((2,), (0,), (1000,))
    assert figure.layout.uirevision == "val/0"


def test_the_strip_of_slots_has_a_colour_a_state() -> None:
    states = np.array([[0, 1, 2, 4]], np.int8)
    figure = state_strip(Strip((0, 1, 2, 4), states, ["anchor 0"], 0, 50, "x"))
    strip = figure.data[0]
    assert (strip.zmin, strip.zmax) == (-0.5, 4.5)
    colors = [color for _, color in strip.colorscale]
    assert colors[::2] == colors[1::2]
    assert len(set(colors)) == len(SlotState)
    legend = [trace.name for trace in figure.data[2:]]
    assert [name.split(":")[0] for name in legend] == ["right", "right", "wrong", "wrong", "right"]


def test_hundreds_of_snapshots_have_a_dozen_ticks() -> None:
    iou = np.zeros((1, 500), np.float32)
    figure = iou_strip(Strip(range(0, 50_000, 100), iou, ["0: cat"], 0, 50, "x"))
    assert len(figure.layout.xaxis.tickvals) <= 12
    assert figure.layout.xaxis.ticktext[1] == "4,200"


def test_the_slider_of_steps_is_marked_where_something_was_changed(
    add_finished: Callable[[str], Path],
) -> None:
    folder = RunFolder(add_finished("yolov2-1"))
    with RunStore.open(folder, writable=True) as store, store._writing() as connection:
        connection.execute("DELETE FROM events")
    assert "step-marks" not in marks_of(open_page(sample="val/1", step="10"))
    with RunStore.open(folder, writable=True) as store:
        store.record_event(20, "set-lambda", {"name": "xy", "value": 5.0, "before": 1.0})
    page = open_page(sample="val/1", step="10")
    assert_sound(page)
    # Snapshots of 0, 10 and 40, then "latest": step 20 is a third of the way from the second to
    # the third of four places.
    assert 'style="left: 44.44%; color: #4444ff"' in marks_of(page)
    assert 'title="step 20: λ xy 1 → 5"' in marks_of(page)


def marks_of(page: AppTest) -> str:
    return "".join(each.proto.body for each in page.get("html"))
