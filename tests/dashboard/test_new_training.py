"""The form that starts a training: what it passes on, and what it refuses."""

from __future__ import annotations

import argparse
import functools
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import streamlit as st

from dashboard.components.shared import starting
from dashboard.components.shared.jobs import JUST_STARTED
from tests.dashboard.page import button, labels, plots, words
from tests.dashboard.train_page import charts, dial, field, open_page
from tests.waiting import wait_for
from yolo_core.cli.train_config import given_schedules
from yolo_core.runs.layout import create_run, find_run
from yolo_core.runs.status import read_status
from yolo_core.training.config import parse_config, run_options
from yolo_core.training.launcher import start_training

FAKE = (sys.executable, "-m", "tests.training.fake_worker")

pytestmark = pytest.mark.usefixtures("checkpoints")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments of every training that the form started; none really is."""
    calls: list[list[str]] = []

    def record(arguments: list[str], checkpoints: Path) -> str:
        calls.append(arguments)
        name = arguments[arguments.index("--run") + 1]
        create_run(checkpoints, name).config.write_text(parse_config({}).to_json())
        return name

    monkeypatch.setattr(starting, "start_training", record)
    return calls


def refuse(sentence: str) -> None:
    raise ValueError(sentence)


def test_the_form_starts_with_the_defaults(started):
    button(open_page(), "Start training").click().run()
    default = parse_config({})
    assert started == [
        [
            *("--run", "yolov2-1", "--data", "digits", "--loss", "yolov2"),
            *("--steps", str(default.training.steps)),
            *("--batch-size", str(default.training.batch_size)),
            *("--learning-rate", repr(default.training.learning_rate), "--seed", "0"),
            *("--patience", "0", "--devices", "1", "--network", "medium"),
        ]
    ]


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("steps", 1, 10**9), ("batch-size", 1, 4096), ("seed", 0, 2**31 - 1)],
)
def test_a_field_says_and_takes_what_the_configuration_does(name, least, most):
    shown = field(open_page(), "number_input", name)
    assert (shown.min, shown.max) == (least, most)
    option = run_options()[f"--{name}"]
    assert shown.value == option.field["default"]
    assert shown.help.lower() == f"{option.field['description'].lower()}."


def test_the_form_passes_on_what_was_filled_in(started):
    page = open_page()
    field(page, "selectbox", "data").set_value("mnist").run()
    field(page, "selectbox", "loss").set_value("mnist_yolo").run()
    field(page, "selectbox", "network").set_value("small").run()
    numbers = {"steps": 40, "patience": 3, "batch-size": 8, "learning-rate": 0.5, "seed": 7}
    for name, value in numbers.items():
        field(page, "number_input", name).set_value(value).run()
    field(page, "number_input", "mnist_yolo/xy").set_value(0.25).run()
    field(page, "text_input", "name").set_value("mine").run()
    button(page, "Start training").click().run()
    assert started == [
        [
            *("--run", "mine", "--data", "mnist", "--loss", "mnist_yolo"),
            *("--steps", "40", "--batch-size", "8", "--learning-rate", "0.5", "--seed", "7"),
            *("--patience", "3", "--devices", "1", "--network", "small", "--lambda", "xy=0.25"),
        ]
    ]


def test_a_schedule_is_drawn_and_passed_on_and_one_that_ends_before_it_begins_is_not(started):
    page = open_page()
    field(page, "multiselect", "follow").set_value(["no_object"]).run()
    field(page, "number_input", "follow/no_object/last").set_value(500).run()
    field(page, "number_input", "follow/no_object/to").set_value(2.0).run()
    (plan,) = (each for key, each in plots(page).items() if "follow/no_object/plan" in key)
    assert plan["data"][0]["name"] == "no_object"
    field(page, "number_input", "follow/no_object/first").set_value(501).run()
    assert "It ends at step 500, before it begins at 501." in words(page)
    assert button(page, "Start training").disabled
    field(page, "number_input", "follow/no_object/first").set_value(1).run()
    button(page, "Start training").click().run()
    assert started[0][-2:] == ["--follow", "no_object=linear,1,500,50.0,2.0"]
    assert given_schedules(argparse.Namespace(follow=started[0][-1:])) == {
        "no_object": {"shape": "linear", "first": 1, "last": 500, "start": 50.0, "stop": 2.0}
    }


def test_the_first_look_is_asked_for_what_the_form_says(started, first_looks):
    page = open_page()
    assert "before the first step, under yolov2: 5 of 5 objects get a slot" in words(page)
    button(page, "Another picture").click().run()
    field(page, "selectbox", "loss").set_value("ssd").run()
    button(page, "Start training").click().run()
    assert [number for _, number in first_looks[:3]] == [0, 1, 1]
    assert ["--run", "ssd-1", *first_looks[-1][0]] == started[0]


@pytest.mark.parametrize("name", ["a/b", "../up", "a.b", "-x", "ä", "x" * 65])
def test_a_bad_name_is_said_and_cannot_be_started(name):
    page = open_page()
    field(page, "text_input", "name").set_value(name).run()
    assert "A run name is 1 to 64 letters" in words(page)
    assert button(page, "Start training").disabled


def test_the_name_of_a_run_that_exists_is_refused(add_finished):
    add_finished("yolov2-1")
    page = button(open_page(), "New training").click().run()
    assert field(page, "text_input", "name").placeholder == "yolov2-2"
    field(page, "text_input", "name").set_value("yolov2-1").run()
    assert "A run named 'yolov2-1' exists already" in words(page)
    assert button(page, "Start training").disabled


def test_a_file_is_checked_when_it_is_named(started, tmp_path):
    page = open_page()
    field(page, "selectbox", "data").set_value("file").run()
    assert button(page, "Start training").disabled
    bad, good = tmp_path / "bad.npz", tmp_path / "good.npz"
    np.savez(bad, x_train=np.zeros(3))
    field(page, "text_input", "path").set_value(str(bad)).run()
    assert "has no array y_train" in words(page)
    assert button(page, "Start training").disabled
    images = np.full((20, 28, 28), 200, np.uint8)
    labels_ = np.arange(20) % 10
    np.savez(good, x_train=images, y_train=labels_, x_test=images, y_test=labels_)
    field(page, "text_input", "path").set_value(str(good)).run()
    assert not page.error
    button(page, "Start training").click().run()
    assert started[0][2:4] == ["--data", str(good)]


def test_a_start_is_said_at_once_in_place_of_the_run_before(add_finished, monkeypatch):
    add_finished("yolov2-1")
    # What is on the page while the process comes up: the script gets no further than there.
    monkeypatch.setattr(starting, "start_training", lambda *_: st.stop())
    page = open_page()
    assert charts(page) == 5
    button(page, "New training").click().run()
    button(page, "Start training").click().run()
    assert "Starting **yolov2-2**." in words(page)
    assert charts(page) == 0
    assert "run" not in [box.key for box in page.selectbox]
    assert "Start training" not in labels(page)


def test_low_priority_is_passed_on(started):
    page = open_page()
    field(page, "toggle", "low").set_value(True).run()
    button(page, "Start training").click().run()
    assert started[0][-1] == "--low-priority"


def test_what_the_launcher_refuses_is_said_under_the_button(monkeypatch):
    monkeypatch.setattr(starting, "start_training", lambda *_: refuse("The disk is full."))
    page = open_page()
    button(page, "Start training").click().run()
    assert [error.value for error in page.error] == ["The disk is full."]


def test_a_process_that_has_no_run_yet_is_said_to_be_on_its_way(monkeypatch):
    monkeypatch.setattr(starting, "start_training", lambda *_: "yolov2-1")
    page = open_page()
    button(page, "Start training").click().run()
    assert "still getting its data" in words(page)
    assert not page.error


def test_the_second_click_of_a_double_click_is_not_listened_to(started):
    page = open_page()
    page.session_state[JUST_STARTED] = True
    button(page, "Start training").click().run()
    assert started == []
    button(page, "Start training").click().run()
    assert len(started) == 1


@pytest.mark.slow
def test_the_form_is_open_until_a_training_has_begun_with_it(started, add_finished, monkeypatch):
    add_finished("yolov2-1")
    page = open_page()
    assert "Start training" not in labels(page)
    button(page, "New training").click().run()
    field(page, "number_input", "yolov2/xy").set_value(0.5).run()
    field(page, "text_input", "name").set_value("mine").run()
    with monkeypatch.context() as patch:
        patch.setattr(starting, "start_training", lambda *_: refuse("The disk is full."))
        button(page, "Start training").click().run()
    assert [error.value for error in page.error] == ["The disk is full."]
    # All of it is as it was.
    button(page, "Start training").click().run()
    assert started[0][:2] == ["--run", "mine"]
    assert started[0][-2:] == ["--lambda", "xy=0.5"]
    assert "Start training" not in labels(page)
    button(page, "New training").click().run()
    assert field(page, "text_input", "name").value == ""
    assert field(page, "number_input", "yolov2/xy").value == 0.5


def test_a_link_that_holds_a_run_opens_the_form(started, add_finished):
    add_finished("yolov2-1")
    page = open_page(again="yolov2-1")
    button(page, "Not like that run").click().run()
    button(page, "Start training").click().run()
    assert started[0][:2] == ["--run", "yolov2-2"]
    assert "again" not in page.query_params


@pytest.mark.slow
def test_a_real_process_is_started_shown_and_stopped(checkpoints, monkeypatch):
    """Form, launcher, store and controls together, with a training that needs no network."""
    monkeypatch.setattr(starting, "start_training", functools.partial(start_training, command=FAKE))
    page = open_page()
    field(page, "number_input", "steps").set_value(100_000).run()
    button(page, "Start training").click().run()
    folder = find_run(checkpoints, "yolov2-1")
    try:
        assert page.selectbox(key="run").value == "yolov2-1"
        wait_for(lambda: read_status(folder).step > 3)
        dial(page.run(), "λ no\\_object")[0].set_value(0.1).run()
        wait_for(lambda: "0.1 took effect at step" in words(page.run()))
        button(page, "Stop").click().run()
        wait_for(lambda: "Resume training" in labels(page.run()))
        assert not page.exception
    finally:
        status = read_status(folder)
        if status.is_live:
            os.kill(status.process.pid, signal.SIGKILL)
