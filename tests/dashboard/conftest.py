"""Runs and samples for the page and figure tests, made once a session."""

from __future__ import annotations

import functools
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner

from dashboard.components.shared import background
from dashboard.components.train import first_look
from tests.dashboard.sample_run import make_loss, make_run, make_snapshot
from tests.survey.made_up import Looker, make_surveyable
from tests.training.fake_worker import COLUMNS, FakeWorker
from yolo_core.runs.layout import RunFolder, create_run
from yolo_core.runs.snapshots import SampleView, Snapshot
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.survey.folder import SurveyFolder
from yolo_core.survey.worker import Survey
from yolo_core.training.config import parse_config


@pytest.fixture(scope="session", autouse=True)
def components_looked_for_once() -> Iterator[None]:
    """For every page that a test opens, Streamlit reads what is said of each installed package."""
    found = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


@pytest.fixture(autouse=True)
def empty_caches() -> None:
    """What a page kept of another test's run is gone."""
    st.cache_resource.clear()


@pytest.fixture(scope="session")
def snapshots() -> dict[str, Snapshot]:
    """A pinned snapshot half-way of either loss."""
    return {name: make_snapshot(make_loss(name), 20) for name in ("yolov2", "mnist_yolo")}


@pytest.fixture(autouse=True)
def first_looks(snapshots: dict[str, Snapshot], monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What the form of a new training asked for a picture of; no process is started for it."""
    asked: list[tuple] = []

    def ask(arguments: tuple[str, ...], number: int) -> SampleView:
        asked.append((arguments, number))
        return snapshots["yolov2"].sample("val/0")

    monkeypatch.setattr(first_look.HELPER, "ask", ask)
    monkeypatch.setattr(background, "_KEPT", OrderedDict())
    return asked


@pytest.fixture(params=["yolov2", "mnist_yolo"])
def view(request: pytest.FixtureRequest, snapshots: dict[str, Snapshot]) -> SampleView:
    """A picture with objects, of a loss with priors and of one without."""
    return snapshots[request.param].sample("val/0")


@pytest.fixture
def anchored(snapshots: dict[str, Snapshot]) -> SampleView:
    """val/1 of the loss with priors: an overwritten object, one outside, one without area."""
    return snapshots["yolov2"].sample("val/1")


@pytest.fixture
def unanchored(snapshots: dict[str, Snapshot]) -> SampleView:
    """val/1 of the loss without priors: two objects share a slot."""
    return snapshots["mnist_yolo"].sample("val/1")


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoints folder with one finished run; copy it before changing anything."""
    checkpoints = tmp_path_factory.mktemp("finished")
    make_run(checkpoints, "yolov2-1")
    return checkpoints


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty checkpoints folder that the pages look at."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setenv("DETECTOR_CHECKPOINTS", str(folder))
    return folder


@pytest.fixture
def add_finished(checkpoints: Path, finished_run: Path) -> Callable[[str], Path]:
    """Puts a copy of the finished run into `checkpoints` under a name; gives its folder."""

    def add(name: str) -> Path:
        return Path(shutil.copytree(finished_run / "yolov2-1", checkpoints / name))

    return add


@pytest.fixture(scope="session")
def surveyable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoints folder with a run that can be surveyed; copy it before changing anything."""
    checkpoints = tmp_path_factory.mktemp("surveyable")
    make_surveyable(checkpoints, "one")
    return checkpoints


@pytest.fixture
def run(checkpoints: Path, surveyable: Path) -> RunFolder:
    """A run that can be surveyed, in the folder that the pages look at."""
    return RunFolder(Path(shutil.copytree(surveyable / "one", checkpoints / "one")))


@pytest.fixture
def survey(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SurveyFolder]:
    """Makes a survey of made-up predictions."""
    monkeypatch.setattr("yolo_core.survey.worker._looker", Looker())

    def make(count: int = 20, **options: object) -> SurveyFolder:
        made = Survey(run, count=count, **options)
        made.run()
        return made.folder

    return make


@pytest.fixture
def worker(checkpoints: Path) -> Iterator[FakeWorker]:
    """A live run at step 60 whose training process is this test."""
    folder = create_run(checkpoints, "yolov2-1")
    folder.config.write_text(
        parse_config({"training": {"steps": 200, "learning_rate": 4e-3}}).to_json()
    )
    with RunStore.create(folder, COLUMNS) as store:
        found = FakeWorker(store, steps=200, rate=4e-3, batch=32)
        store.set_status(state=RunState.STARTING, steps=200)
        for _ in range(60):
            found.step += 1
            store.record_step(found.step, found.row(found.step))
        found.evaluate()
        store.record_checkpoint(60, "step-00000060.npz")
        store.set_status(state=RunState.RUNNING, seconds=12.0, images_per_second=160.0)
        yield found
