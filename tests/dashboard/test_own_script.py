"""A run that somebody's own script recorded, on every page: nothing there can start it again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.dashboard.page import assert_sound, labels, opener, plots, words
from tests.training.own_script import recorded_run
from yolo_core.__main__ import main
from yolo_core.evaluation.job.worker import Evaluation
from yolo_core.jobs.status import JobState
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.survey.folder import SurveyFolder
from yolo_core.survey.table import read_table
from yolo_core.survey.worker import Survey
from yolo_core.training.config import read_config
from yolo_core.training.recorded import recorded_network

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
    assert "As it ended: λ xy 1" in words(page)
    assert "learning rate 0.001" in words(page)


def test_the_inspect_page_draws_its_pictures_and_says_why() -> None:
    page = opener("inspect")(run="mine", sample="val/1")
    assert_sound(page)
    assert not page.error
    assert "val/1, a pinned sample" in words(page).replace("*", "")
    figure = next(f for f in plots(page).values() if "images" in f["layout"])
    assert [(i["sizex"], i["sizey"]) for i in figure["layout"]["images"]] == [(48, 32)]
    assert "**Object**: it is trained for object 0" in words(page)


def test_a_batch_of_it_is_drawn_too() -> None:
    page = opener("inspect")(run="mine", snapshot="batch", sample="train/4", step="2")
    assert_sound(page)
    assert not page.error


def test_the_sandbox_computes_with_its_loss() -> None:
    page = opener("sandbox")(run="mine", sample="val/1")
    assert_sound(page)
    assert not page.error
    assert "as it was recorded ✓" in words(page)


def test_a_sample_that_it_keeps_is_predicted_anew() -> None:
    page = opener("sandbox")(run="mine", **{"from": "any sample", "any": "val/0"})
    assert_sound(page)
    assert not page.error
    assert "Predicted here and now, from the checkpoint" in words(page)


def test_published_losses_stand_beside_its_own() -> None:
    page = opener("compare")(run="mine", sample="val/1", losses="yolov2/notebook,mnist_yolo")
    assert_sound(page)
    assert not page.error
    assert "yolov2/notebook" in words(page)


def test_what_would_change_it_is_found() -> None:
    page = opener("inspect")(run="mine", sample="val/1", whatif="true")
    assert_sound(page)
    assert not page.error


@pytest.mark.parametrize(("name", "button"), [("survey", "survey"), ("evaluate", "evaluation")])
def test_its_samples_can_be_looked_at_anew(name: str, button: str) -> None:
    page = opener(name)(run="mine")
    assert_sound(page)
    assert not page.error
    assert f"Start {button}" in labels(page)


def test_the_processes_behind_these_pages_look_at_them(checkpoints: Path) -> None:
    run = RunFolder(shutil.copytree(recorded_run().path, checkpoints / "mine"))
    assert Survey(run).run().state is JobState.FINISHED
    table = read_table(SurveyFolder(run, "val", 9).table)
    assert list(table.samples.name) == ["val/0", "val/1"]
    with RunStore.open(run) as store:
        recorded = [each.total for each in store.snapshots("pinned") if each.step == 9]
    assert list(table.samples.total) == pytest.approx(recorded, rel=1e-4)
    assert Evaluation(run, split="val").run().state is JobState.FINISHED


def test_it_cannot_be_trained_from_here(
    checkpoints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(shutil.copytree(recorded_run().path, checkpoints / "mine"))
    with RunStore.open(run, writable=True) as store:
        store.set_status(state=RunState.STOPPED)
    assert "Resume training" not in labels(opener("train")(run="mine"))
    page = opener("train")(run="mine", again="mine")
    assert_sound(page)
    assert "start that script again" in words(page)
    for how in (["--resume", "mine"], ["--config", str(run.config)]):
        assert main(["train", *how, "--checkpoints", str(checkpoints)]) == 2
        assert "trained by a script of its own" in capsys.readouterr().err


def test_a_network_that_only_its_script_has_is_a_sentence(checkpoints: Path) -> None:
    run = RunFolder(shutil.copytree(recorded_run().path, checkpoints / "mine"))
    fields = json.loads(run.network.read_text())
    fields["config"]["layers"][1] |= {"module": "theirs", "class_name": "Blur"}
    run.network.write_text(json.dumps(fields))
    status = Survey(run).run()
    assert status.state is JobState.FAILED
    assert "Blur is a class of the script that trained it" in status.message
    page = opener("sandbox")(run="mine", **{"from": "any sample", "any": "val/0"})
    assert_sound(page)
    assert "Blur is a class of the script that trained it" in words(page)


def test_a_layer_with_code_in_it_is_not_loaded(checkpoints: Path) -> None:
    run = RunFolder(shutil.copytree(recorded_run().path, checkpoints / "mine"))
    fields = json.loads(run.network.read_text())
    fields["config"]["layers"][1] |= {"module": "keras.layers", "class_name": "Lambda"}
    run.network.write_text(json.dumps(fields))
    config = read_config(run.config)
    with pytest.raises(ValueError, match="a layer Lambda runs code of its own"):
        recorded_network(config.script)
