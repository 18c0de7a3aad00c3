"""The Inspect page of a run that trains a loss of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.dashboard.page import assert_sound, opener, words
from tests.dashboard.sample_run import BATCH_STEPS, LAST_STEP
from yolo_core.breakdown import OwnGradient
from yolo_core.runs.snapshots import read_snapshot, write_snapshot
from yolo_core.views import Snapshot

open_page = opener("inspect")


def put_own(folder: Path, kind: str, step: int, name: str = "my *loss*") -> Snapshot:
    """Makes a snapshot one of a loss of its own: twice the published xy, and width up."""
    path = folder / "snapshots" / f"{kind}-{step:08d}.npz"
    snapshot = read_snapshot(path)
    whole, shape = snapshot.breakdown, snapshot.y_pred.shape
    rng = np.random.default_rng(0)
    for term in whole.terms:
        whole.gradients[term] = np.zeros(shape, np.float32)
    whole.gradients["xy"][:, ::5, :2] = rng.normal(size=whole.gradients["xy"][:, ::5, :2].shape)
    whole.gradients["wh"][:, ::5, 2:4] = 1
    own = 2 * np.mean(whole.lambdas["xy"]) * whole.gradients["xy"]
    own[..., 2] = -10
    total = np.full(shape[0], 12.5, np.float32) if kind == "pinned" else np.float32(12.5)
    kept = OwnGradient(name, total, own.astype(np.float32))
    snapshot = dataclasses.replace(snapshot, breakdown=dataclasses.replace(whole, own=kept))
    write_snapshot(path, snapshot)
    return snapshot


def test_it_is_marked_as_such(add_finished: Callable[[str], Path]) -> None:
    put_own(add_finished("yolov2-1"), "pinned", LAST_STEP)
    page = open_page(sample="val/0")
    assert_sound(page)
    (told,) = (each.value for each in page.info if "trains" in each.value)
    # Its name comes from a file: no markdown in it.
    assert "This run trains **my \\*loss\\***, a loss of its own: **12.5** on this picture" in told
    assert "are those of yolov2, the published loss beside it" in told


def test_the_card_says_where_it_pushes(add_finished: Callable[[str], Path]) -> None:
    put_own(add_finished("yolov2-1"), "pinned", LAST_STEP, name="mine")
    page = open_page(sample="val/0", card="Terms")
    assert "mine pushes width up" in words(page)
    (pulls,) = (each.value for each in page.table if "mine" in each.value)
    assert pulls.set_index("channel").loc["w", "mine"] == "-10 ↑"


def test_the_terms_that_are_in_it_are_found(add_finished: Callable[[str], Path]) -> None:
    put_own(add_finished("yolov2-1"), "pinned", LAST_STEP)
    page = open_page(sample="val/0", card="Terms")
    (factors,) = (each.value for each in page.table if "weight" in each.value)
    by_term = factors.set_index("term")
    assert by_term.loc["xy", "weight"] == "× 2"
    assert by_term.loc["wh", "weight"] == "–"


def test_its_gradient_is_a_map(add_finished: Callable[[str], Path]) -> None:
    put_own(add_finished("yolov2-1"), "pinned", LAST_STEP, name="mine")
    page = open_page(sample="val/0", term="gradient of mine")
    assert_sound(page)
    assert page.selectbox(key="term").value == "gradient of mine"
    assert "How strongly the loss that trains pulls at each slot" in words(page)


def test_a_batch_is_held_against_its_own_record(add_finished: Callable[[str], Path]) -> None:
    """The row of the step is of the loss that trains, and no sum of the published one's maps."""
    step = BATCH_STEPS[-1]
    put_own(add_finished("yolov2-1"), "batch", step)
    page = open_page(kind="batch", step=str(step), sample="train/162")
    assert_sound(page)
    assert any("**12.5** on the batch" in each.value for each in page.info)
    assert "over the 4 pictures of the batch" in page.success[0].value


@pytest.mark.parametrize("total", [np.nan, np.inf])
def test_a_loss_that_is_no_number_is_shown(
    add_finished: Callable[[str], Path], total: float
) -> None:
    folder = add_finished("yolov2-1")
    snapshot = put_own(folder, "pinned", LAST_STEP)
    own = snapshot.breakdown.own
    assert own is not None
    own.total[:] = total
    own.gradient[:] = np.nan
    write_snapshot(folder / "snapshots" / f"pinned-{LAST_STEP:08d}.npz", snapshot)
    page = open_page(sample="val/0", card="Terms")
    assert_sound(page)
    assert "pushes no number" in words(page)
