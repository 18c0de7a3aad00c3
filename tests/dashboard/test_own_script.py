"""A run that somebody's own script recorded, on every page: there is no configuration to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.dashboard.page import assert_sound, labels, opener, plots, words
from tests.training.own_script import recorded_run
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DETECTOR_CHECKPOINTS", str(recorded_run().path.parent))


def test_the_train_page_shows_its_curves() -> None:
    page = opener("train")(run="mine")
    assert_sound(page)
    assert not page.error
    assert "step 9 of 9" in words(page)
    curves = [trace for figure in plots(page).values() for trace in figure["data"]]
    assert {"xy", "wh", "objectness"} <= {trace.get("name") for trace in curves}
    dials = {number.label: number.value for number in page.number_input}
    assert dials["λ wh"] == 1.0
    assert dials["learning rate"] == 0.001


def test_the_inspect_page_draws_its_pictures_and_says_why() -> None:
    page = opener("inspect")(run="mine", sample="val/1")
    assert_sound(page)
    assert not page.error
    assert "val/1, a pinned sample" in words(page).replace("*", "")
    figure = next(f for f in plots(page).values() if "images" in f["layout"])
    assert [(i["sizex"], i["sizey"]) for i in figure["layout"]["images"]] == [(48, 32)]
    assert "Why anchor" in words(page)


def test_a_batch_of_it_is_drawn_too() -> None:
    page = opener("inspect")(run="mine", snapshot="batch", sample="train/4", step="2")
    assert_sound(page)
    assert not page.error


@pytest.mark.parametrize("name", ["sandbox", "survey", "compare"])
def test_what_needs_its_configuration_says_so(name: str) -> None:
    page = opener(name)(run="mine", sample="val/1")
    assert_sound(page)
    assert "config.json does not exist" in words(page)


def test_what_would_change_it_needs_its_configuration_too() -> None:
    page = opener("inspect")(run="mine", sample="val/1", whatif="true")
    assert_sound(page)
    assert "config.json does not exist" in words(page)


def test_there_is_nothing_to_resume_it_with(checkpoints: Path) -> None:
    run = RunFolder(shutil.copytree(recorded_run().path, checkpoints / "mine"))
    with RunStore.open(run, writable=True) as store:
        store.set_status(state=RunState.STOPPED)
    assert "Resume training" not in labels(opener("train")(run="mine"))
    run.config.write_text("{}")
    assert "Resume training" in labels(opener("train")(run="mine"))
