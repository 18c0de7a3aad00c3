"""A family of two files, with the documented methods alone, trains and stands on every page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.dashboard.page import assert_sound, button, opener, plots, words
from tests.training.runs_by_command import SMALL, command, train
from yolo_core import losses
from yolo_core.losses import families
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.store import RunStore

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[1] / "toy_family"
STEP = 3
WHERE = {"run": "toy", "sample": "val/2", "step": str(STEP)}


@pytest.fixture(scope="module")
def toy_family() -> Iterator[None]:
    """What adding a folder and a name to `losses` does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(losses, "__path__", [*losses.__path__, str(FOLDER)])
        patch.setattr(families, "FAMILY_NAMES", (*families.FAMILY_NAMES, "toy"))
        yield


@pytest.fixture(scope="module")
def run(toy_family: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFolder]:  # noqa: ARG001
    checkpoints = tmp_path_factory.mktemp("runs")
    train("--run", "toy", "--loss", "toy", *SMALL, "--steps", str(STEP), checkpoints=checkpoints)
    assert command("survey", "toy", "--count", "4", checkpoints=checkpoints).returncode == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DETECTOR_CHECKPOINTS", str(checkpoints))
        yield RunFolder(checkpoints / "toy")


def test_it_has_two_files() -> None:
    assert sorted(path.name for path in (FOLDER / "toy").glob("*.py")) == ["__init__.py", "loss.py"]


def test_the_books_are_whole_and_the_sums_hold(run: RunFolder) -> None:
    with RunStore.open(run) as store:
        rows, records = store.steps(), store.snapshots("pinned")
    assert np.isfinite(rows["total"]).tolist() == [True] * STEP
    terms = sum(
        rows[f"lambda/{term}"] * rows[f"term/{term}"]
        for term in families.family_of("toy").loss_class().term_names
    )
    np.testing.assert_allclose(rows["total"], terms, rtol=1e-5)
    view = read_snapshot(records[-1].file).sample("val/2")
    assert view.loss_name == "toy"
    assert set(view.maps) == {"box", "objectness", "no_object", "classification"}
    for term, values in view.maps.items():
        assert values.sum() == pytest.approx(view.terms[term], rel=1e-4)


def test_it_is_offered_on_the_train_page(run: RunFolder) -> None:
    page = opener("train")(run=run.name)
    assert_sound(page)
    assert not page.error
    assert f"{STEP} of {STEP}" in words(page)
    button(page, "New training").click().run()
    assert "Toy: the first slot of a cell" in [
        option for box in page.selectbox for option in box.options
    ]


@pytest.mark.parametrize("name", ["inspect", "sandbox", "compare"])
def test_it_is_drawn(name: str, run: RunFolder) -> None:  # noqa: ARG001
    page = opener(name)(**WHERE)
    assert_sound(page)
    assert not page.error
    assert any("images" in figure["layout"] for figure in plots(page).values())


def test_the_sandbox_computes_what_was_recorded(run: RunFolder) -> None:  # noqa: ARG001
    page = opener("sandbox")(**WHERE)
    assert "as it was recorded ✓" in words(page)


def test_other_losses_are_shown_beside_it(run: RunFolder) -> None:  # noqa: ARG001
    page = opener("compare")(**WHERE, losses=["mnist_yolo"])
    assert_sound(page)
    assert "mnist_yolo" in words(page)


def test_the_survey_page_lists_its_pictures(run: RunFolder) -> None:
    page = opener("survey")(run=run.name)
    assert_sound(page)
    assert not page.error
    assert f"4 samples of val by the weights of step {STEP}" in words(page)
