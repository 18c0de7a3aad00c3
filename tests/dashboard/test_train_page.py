"""The Train page in every state that a run can be in."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.components.shared import starting
from tests.dashboard.page import button, labels, loaded_by, plots, words
from tests.dashboard.train_page import charts, dial, obey, open_page
from tests.training.fake_worker import LAMBDAS, FakeWorker
from yolo_core.runs.layout import RunFolder, create_run
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.config import parse_config
from yolo_core.training.launcher import output_file

pytestmark = pytest.mark.usefixtures("checkpoints")


def steering(page: AppTest) -> list[str]:
    """The buttons but for those of the dials, and the one that opens the form."""
    others = ("Back", "Apply", "As started")
    return [each for each in labels(page)[1:] if not each.startswith(others)]


def end(worker: FakeWorker, state: RunState, message: str = "") -> RunFolder:
    worker.store.set_status(state=state, message=message)
    worker.store.close()
    return worker.store.folder


def lose(worker: FakeWorker) -> RunFolder:
    """Ends the run as kill -9 does: it still says that it is running."""
    worker.store.close()
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    )
    folder = worker.store.folder
    with contextlib.closing(sqlite3.connect(folder.database)) as connection, connection:
        connection.execute("UPDATE status SET pid = ?", (int(gone.stdout),))
    return folder


def test_no_runs_says_what_to_press():
    page = open_page()
    assert "No runs yet. Press **Start training**" in words(page)
    assert labels(page) == ["Start training", "Another picture"]
    assert not page.exception


def test_starting(checkpoints):
    folder = create_run(checkpoints, "yolov2-1")
    folder.config.write_text(parse_config({}).to_json())
    with RunStore.create(folder) as store:
        store.set_status(state=RunState.STARTING, steps=1500, message="Importing TensorFlow.")
        page = open_page()
        assert "step 0 of 1,500 · Importing TensorFlow" in words(page)
        assert "No steps yet" in words(page)
        assert "Stop" in labels(page)
        assert not page.error
        assert not page.exception


@pytest.mark.usefixtures("worker")
def test_running():
    page = open_page()
    said = words(page)
    assert "step 60 of 200 · 160 images a second · 12 s trained · 14 s left" in said
    assert "running" in said
    assert steering(page) == ["Pause", "Step", "Checkpoint", "Evaluate", "Stop"]
    assert button(page, "Step").disabled
    assert charts(page) == 3
    assert LAMBDAS["xy"] == 5
    for term, value in LAMBDAS.items():
        number, slider = dial(page, f"λ {term}".replace("_", r"\_"))
        assert (number.value, slider.value) == (value, value)
        assert number.step == {5: 0.1, 1: 0.1, 0.5: 0.01}[value]
        first, second, *_, last = slider.options
        assert (float(first), float(second), float(last)) == (0, value / 1000, value * 1000)
        assert not number.disabled
    assert not page.error
    assert not page.exception


def test_the_runs_stand_in_a_table_on_top(worker, add_finished):
    add_finished("older")
    page = open_page(run="older", ticked="yolov2-1")
    table = page.dataframe[0].value.set_index("run")
    assert table["line"].to_dict() == {"older": "▶", "yolov2-1": "╌╌╌"}
    terms, weighted, metrics, *pictures = plots(page).values()
    assert len(pictures) == 2
    for figure, name in ((terms, "xy"), (weighted, "total"), (metrics, "mAP50")):
        lines = {each.get("name"): each for each in figure["data"]}
        assert lines[f"{name}, yolov2-1"]["line"]["dash"] == "dash"
        assert lines[f"{name}, yolov2-1"]["showlegend"] is False
        assert lines["yolov2-1"]["showlegend"] is True
    assert table["changes"].to_dict() == {"yolov2-1": 0, "older": 1}
    assert table["state"].to_dict() == {"yolov2-1": "running", "older": "finished"}
    assert page.query_params["ticked"] == "yolov2-1"
    worker.store.send("set-lambda", {"name": "wh", "value": 3.0})
    obey(worker)
    page.run()
    assert page.dataframe[0].value.set_index("run")["changes"]["yolov2-1"] == 1


@pytest.mark.usefixtures("worker")
def test_every_figure_has_its_sentence():
    said = [title.proto.help for title in open_page().markdown]
    assert sum("Wrong:" in each for each in said) == 3


@pytest.mark.slow
def test_buttons_send_commands_and_show_the_answer(worker):
    page = open_page()
    button(page, "Pause").click().run()
    assert "pause: waiting for the training process" in words(page)
    obey(worker)
    worker.store.set_status(state=RunState.PAUSED)
    page.run()
    assert "pause: took effect at step 61" in words(page)
    assert steering(page) == ["Resume", "Step", "Checkpoint", "Evaluate", "Stop"]
    page.number_input(key="yolov2-1/count").set_value(5)
    button(page, "Step").click().run()  # before its label says "5 steps"
    (command,) = worker.store.pending_commands()
    assert (command.name, command.arguments) == ("step", {"count": 5, "by": "page"})


def test_a_schedule_is_what_its_fields_hold_at_the_press(worker):
    key = "yolov2-1/wh"
    page = open_page()
    page.session_state[f"{key}/later/0"] = True
    page.run()
    page.button_group(key=f"{key}/shape").set_value("linear")
    page.number_input(key=f"{key}/step").set_value(90)
    page.number_input(key=f"{key}/to").set_value(0.5)
    page.button(key=f"{key}/apply").click().run()
    (command,) = worker.store.pending_commands()
    plan = {"name": "wh", "shape": "linear", "last": 90, "stop": 0.5, "by": "page"}
    assert (command.name, command.arguments) == ("schedule", plan)


def test_what_the_run_began_with_is_said_once(worker):
    note = {"message": "mine.py:Loss starts with the lambdas of its class (xy 1)."}
    worker.store.record_event(0, "note", note)
    worker.store.record_event(0, "warning", {"message": "Anchors larger than the picture."})
    # Killed before its first checkpoint, and started anew.
    worker.store.record_event(0, "note", note)
    page = open_page()
    assert [each.value for each in page.warning] == ["Anchors larger than the picture."]
    assert words(page).count("mine.py:Loss starts with the lambdas of its class (xy 1).") == 1


def test_finished(worker):
    end(worker, RunState.FINISHED)
    page = open_page()
    assert "finished" in words(page)
    assert labels(page) == ["New training"]
    assert "As it ended: λ xy 5  ·  λ wh" in words(page)
    assert charts(page) == 3
    assert not page.error
    assert not page.exception


def test_failed_says_what_went_wrong_and_can_be_resumed(worker):
    end(worker, RunState.FAILED, "The loss became NaN at step 61: term wh first, in train/608.")
    page = open_page()
    assert [e.value for e in page.error] == [
        r"The loss became NaN at step 61\: term wh first, in train/608."
    ]
    assert labels(page) == ["New training", "Resume training"]


def test_lost_is_resumed_with_a_new_process(worker, monkeypatch):
    lose(worker)
    page = open_page()
    assert "ended without saying why" in words(page)
    called = []
    monkeypatch.setattr(
        starting, "start_training", lambda *arguments: called.append(arguments) or "yolov2-1"
    )
    button(page, "Resume training").click().run()
    assert called == [(["--resume", "yolov2-1"], worker.store.folder.path.parent)]


def test_resuming_that_fails_says_why(worker, monkeypatch):
    end(worker, RunState.STOPPED)

    def refuse(*_):
        raise ValueError("weights/60.npz is damaged.")

    monkeypatch.setattr(starting, "start_training", refuse)
    page = open_page()
    button(page, "Resume training").click().run()
    assert "weights/60.npz is damaged." in words(page)
    assert not page.exception


@pytest.mark.parametrize("damage", [b"", b"not a database", b"SQLite format 3\x00" + b"x" * 4096])
def test_a_corrupt_database_is_a_sentence(worker, damage):
    folder = end(worker, RunState.FINISHED)
    for side in folder.path.glob("run.db-*"):
        side.unlink()
    folder.database.write_bytes(damage)
    page = open_page()
    assert len(page.error) == 1
    assert "run.db" in words(page)
    assert not page.exception


@pytest.mark.parametrize("text", ["", "{", "[]", '{"training": {"steps": "many"}}'])
def test_a_corrupt_config_is_a_sentence_and_the_curves_are_still_drawn(worker, text):
    folder = end(worker, RunState.FINISHED)
    folder.config.write_text(text)
    page = open_page()
    assert "config.json" in words(page)
    assert charts(page) == 3
    assert not page.exception


@pytest.mark.usefixtures("worker")
def test_a_run_that_is_not_there_is_said_and_the_newest_shown():
    page = open_page(run="gone")
    assert "There is no run 'gone'" in words(page)
    assert page.selectbox(key="run").value == "yolov2-1"


@pytest.mark.usefixtures("worker")
def test_the_link_chooses_the_run(add_finished):
    add_finished("other")
    for name in ("yolov2-1", "other"):
        assert open_page(run=name).selectbox(key="run").value == name


def test_the_log_and_what_the_process_printed_are_shown(worker):
    folder = worker.store.folder
    folder.log.write_text("".join(f"line {i}\n" for i in range(100)))
    output_file(folder).write_text("10%\r50%\r100%\nlibcuda.so: cannot open\n")
    (log,) = [code.value for code in open_page(pane="Log").code]
    assert log.splitlines() == [f"line {i}" for i in range(70, 100)]
    end(worker, RunState.FAILED, "It crashed.")
    log, output = [code.value for code in open_page().code]
    assert output.splitlines() == ["100%", "libcuda.so: cannot open"]


def test_one_part_of_the_page_looks_at_a_live_run(worker, monkeypatch):
    polled = []
    fragment = st.fragment

    def spy(function=None, *, run_every=None, **more):
        polled.append(run_every)
        return fragment(function, run_every=run_every, **more)

    monkeypatch.setattr(st, "fragment", spy)
    open_page()
    assert [every for every in polled if every] == [2.0]
    end(worker, RunState.FINISHED)
    polled.clear()
    open_page(run="yolov2-1")
    # Only whether there are still those runs is looked for.
    assert [every for every in polled if every] == [3.0]


@pytest.mark.slow
@pytest.mark.usefixtures("worker")
def test_the_page_does_without_tensorflow(checkpoints):
    assert loaded_by("train", checkpoints, shows="button") == ""
