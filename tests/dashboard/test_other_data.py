"""Every loss on data that are no digits and not square, and every page of such a run."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.dashboard.compare_page import bar_labels
from tests.dashboard.page import assert_sound, opener, plots, words
from tests.data.toy_source import ToySource, install_toy, open_toy
from tests.training.runs_by_command import command, start, train
from yolo_core.compare.differences import MOST_LOSSES
from yolo_core.data.registry import SOURCES
from yolo_core.losses import FAMILY_NAMES
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.survey.table import read_table

pytestmark = pytest.mark.slow

# Each step with all that there is to look at: as one compiled step, and not two.
TOY = (
    *("--data", "toy", "--network", "small", "--batch-size", "4", "--steps", "3"),
    *("--snapshot-every", "1", "--pulls-every", "1"),
)
STEP = 3
BY_PROCESS = "yolov2"
# A survey goes by the slots of any loss: those of one grid, of two heads, and priors.
SURVEYED = ("mnist_yolo", "yolov1", BY_PROCESS, "yolov3", "ssd")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs "yolov1", "yolov2", ... on colour pictures of 48 x 80, some with a survey."""
    installed, checkpoints = (tmp_path_factory.mktemp(name) for name in ("installed", "runs"))
    install_toy(installed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(installed))
        patch.setitem(SOURCES, "toy", open_toy)
        process = start("--run", BY_PROCESS, "--loss", BY_PROCESS, *TOY, checkpoints=checkpoints)
        for name in FAMILY_NAMES:
            if name != BY_PROCESS:
                train("--run", name, "--loss", name, *TOY, checkpoints=checkpoints)
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        for name in SURVEYED:
            assert command("survey", name, checkpoints=checkpoints).returncode == 0
    return checkpoints


@pytest.fixture
def runs(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, looked at by the pages."""
    monkeypatch.setenv("DETECTOR_CHECKPOINTS", str(trained))
    monkeypatch.setitem(SOURCES, "toy", open_toy)
    return trained


@pytest.fixture(params=FAMILY_NAMES)
def run(request: pytest.FixtureRequest, runs: Path) -> RunFolder:
    return RunFolder(runs / request.param)


def pictures(page: AppTest) -> list[dict]:
    """The pictures that lie under the figures of a page."""
    figures = [figure for figure in plots(page).values() if "images" in figure["layout"]]
    return [image for figure in figures for image in figure["layout"]["images"]]


def assert_drawn(page: AppTest, name: str) -> None:
    """Sound, and the picture of that sample is there, in colour and of its own shape."""
    assert_sound(page)
    assert not page.error
    shown = pictures(page)
    assert {(each["sizex"], each["sizey"]) for each in shown} == {(80, 48)}
    kind, data = shown[0]["source"].split(";base64,")
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    factor = 768 // 80
    assert (kind, picture.shape) == ("data:image/png", (48 * factor, 80 * factor, 3))
    np.testing.assert_array_equal(picture[::factor, ::factor], ToySource(0).sample(name).image)


def test_it_trained_and_the_books_are_whole(run: RunFolder) -> None:
    assert read_status(run).state is RunState.FINISHED
    with RunStore.open(run) as store:
        rows, evaluations = store.steps(), store.evaluations()
        records = store.snapshots("pinned")
    assert np.isfinite(rows["total"]).tolist() == [True] * STEP
    assert 0 <= evaluations["map50"][-1] <= 1
    # Six are in val: val/6 and val/7 are pinned by default, and not there.
    pinned = [record.sample for record in records if record.step == STEP]
    assert pinned == [*(f"train/{k}" for k in range(4)), *(f"val/{k}" for k in range(6))]
    view = read_snapshot(records[-1].file).sample("val/3")
    assert view.image.shape == (48, 80, 3)
    assert view.class_names == ("red", "green", "blue")
    grids = [(rows, columns) for rows, columns, _ in view.layout.grids]
    # Too many meet in cells of 16 px: one head has cells of 8.
    fine_first = {name: [(6, 10), (3, 5)] for name in ("ssd", "retinanet", "yolov5")}
    both = {"yolov3": [(3, 5), (6, 10)], **fine_first}
    assert grids == both.get(run.name, [(6, 10)])


@pytest.mark.parametrize("run", SURVEYED, indirect=True)
def test_a_survey_is_of_the_samples_that_there_are(run: RunFolder) -> None:
    table = read_table(run.path / "surveys" / f"val-{STEP}" / "table.npz")
    assert table.samples.name.tolist() == [f"val/{k}" for k in range(6)]
    assert table.image_size == (80, 48)


def test_the_train_page_shows_its_curves(run: RunFolder) -> None:
    page = opener("train")(run=run.name)
    assert_sound(page)
    assert not page.error
    assert f"{STEP} of {STEP}" in words(page)


def test_the_inspect_page_draws_it(run: RunFolder) -> None:
    assert_drawn(opener("inspect")(run=run.name, sample="val/2", step=str(STEP)), "val/2")


def test_the_sandbox_draws_it(run: RunFolder) -> None:
    page = opener("sandbox")(run=run.name, sample="val/2", step=str(STEP))
    assert_drawn(page, "val/2")
    assert "as it was recorded ✓" in words(page)


def test_the_compare_page_draws_it_under_variants_of_its_loss(run: RunFolder) -> None:
    page = opener("compare")(run=run.name, sample="val/2", step=str(STEP))
    assert_drawn(page, "val/2")
    assert len(pictures(page)) > 1


@pytest.mark.usefixtures("runs")
def test_five_losses_are_held_side_by_side() -> None:
    first, last = FAMILY_NAMES[:MOST_LOSSES], FAMILY_NAMES[-MOST_LOSSES:]
    for query in (
        # On one prediction, and one grid.
        {"run": "yolov1", "losses": [name for name in first if name != "yolov1"]},
        {"compare": "trained runs", "runs": list(first)},
        {"compare": "trained runs", "runs": list(last)},
    ):
        page = opener("compare")(sample="val/2", step=str(STEP), **query)
        assert_drawn(page, "val/2")
        assert len(bar_labels(page)) == MOST_LOSSES


@pytest.mark.parametrize("run", SURVEYED, indirect=True)
def test_the_survey_page_lists_its_pictures(run: RunFolder) -> None:
    page = opener("survey")(run=run.name)
    assert_sound(page)
    assert not page.error
    assert f"6 samples of val by the weights of step {STEP}" in words(page)
