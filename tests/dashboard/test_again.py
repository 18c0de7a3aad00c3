"""A run trained again with changes: the form filled in from it, and what is passed on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboard.components.shared import starting
from tests.dashboard.page import assert_sound, button, words
from tests.dashboard.train_page import field, open_page
from yolo_core.cli import train
from yolo_core.cli.train_config import new_config
from yolo_core.runs.layout import create_run
from yolo_core.training.config import RunConfig, parse_config, read_config

LIKE = {
    "seed": 3,
    "data": {"source": "digits", "seed": 9, "image_size": 64},
    "loss": {"name": "yolov2/notebook", "lambdas": {"coord": 2.0}},
    "network": {"size": "small"},
    "training": {"steps": 77, "batch_size": 4, "schedule": "constant", "learning_rate": 0.005},
}


@pytest.fixture
def started(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    calls: list[list[str]] = []
    monkeypatch.setattr(starting, "start_training", lambda given, _: calls.append(given) or "x")
    make(checkpoints, "old", **LIKE)
    return calls


def make(checkpoints: Path, name: str, **fields: object) -> None:
    config = json.dumps(parse_config(fields).model_dump(mode="json"))
    create_run(checkpoints, name).config.write_text(config, encoding="utf-8")


def trained(arguments: list[str]) -> RunConfig:
    """What the training process makes of the arguments."""
    import argparse

    parser = argparse.ArgumentParser()
    train.add_parser(parser.add_subparsers())
    return new_config(parser.parse_args(["train", *arguments]))


def test_without_a_change_the_configuration_is_the_same(started, checkpoints) -> None:
    page = open_page(again="old")
    assert_sound(page)
    assert "As **old**, with your changes" in words(page)
    assert field(page, "number_input", "steps").value == 77
    assert field(page, "selectbox", "loss").value == "yolov2/notebook"
    assert field(page, "number_input", "yolov2/notebook/coord").placeholder == "2"
    button(page, "Start training").click().run()
    (arguments,) = started
    assert arguments[2:] == ["--config", str(checkpoints / "old" / "config.json")]
    config, old = trained(arguments), read_config(checkpoints / "old" / "config.json")
    # That run has no anchors on record; from now on they are.
    loss = config.loss.model_copy(update={"anchors": None, "anchors_fitted": False})
    assert config.loss.anchors_fitted
    assert config.model_copy(update={"loss": loss}) == old


def test_the_changes_alone_are_passed_on(started) -> None:
    page = open_page(again="old")
    field(page, "number_input", "steps").set_value(50).run()
    field(page, "number_input", "yolov2/notebook/coord").set_value(3.0).run()
    assert field(page, "number_input", "steps").value == 50  # not filled in again
    button(page, "Start training").click().run()
    (arguments,) = started
    assert arguments[4:] == ["--steps", "50", "--lambda", "coord=3.0"]
    config = trained(arguments)
    assert (config.training.steps, config.loss.lambdas) == (50, {"coord": 3.0})
    assert (config.seed, config.data.seed, config.data.image_size) == (3, 9, 64)


def test_data_that_the_form_does_not_know(started, checkpoints, tmp_path) -> None:
    source = str(tmp_path / "mine.npz")
    make(checkpoints, "mine", data={"source": source})
    page = open_page(again="mine")
    assert f"as mine: {source}" in field(page, "selectbox", "data").options
    button(page, "Start training").click().run()
    assert "--data" not in started[0]


def test_not_like_that_run(started) -> None:
    page = open_page(again="old")
    button(page, "Not like that run").click().run()
    assert_sound(page)
    assert "again" not in page.query_params
    assert field(page, "selectbox", "loss").value == "yolov2"
    button(page, "Start training").click().run()
    assert "--config" not in started[0]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nosuch", "There is no run 'nosuch'"),
        ("../up", "A run name is 1 to 64 letters"),
        ("own", "Run 'own' trains a loss of one's own"),
        ("torn", "not valid JSON"),
    ],
)
@pytest.mark.usefixtures("started")
def test_what_cannot_be_trained_again_is_said(checkpoints, name, sentence) -> None:
    make(checkpoints, "own", loss={"name": "/a/b.py:Mine"})
    create_run(checkpoints, "torn").config.write_text("{")
    page = open_page(again=name)
    assert not page.exception
    assert sentence in words(page)
    assert not button(page, "Start training").disabled
