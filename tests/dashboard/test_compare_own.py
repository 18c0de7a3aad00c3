"""The Compare page's view of a loss of one's own, and the figures of the page."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from dashboard.components.compare.slips import slip_verdict
from dashboard.figures.bars import bars_figure, terms_bar
from tests.dashboard.compare_page import STEP, add_run, bar_labels, bars, open_page
from tests.dashboard.page import assert_sound, plots, table_with, words
from yolo_core.compare.differences import compare_views
from yolo_core.compare.own.gradients import compare_gradients
from yolo_core.compare.own.saved import write_comparison
from yolo_core.runs.snapshots import (
    SampleView,
    Snapshot,
    read_snapshot,
    snapshot_path,
    write_snapshot,
)

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("checkpoints")
def test_your_own_loss_says_what_to_type() -> None:
    page = open_page(compare="your own")
    assert_sound(page)
    assert "Nothing compared yet" in page.info[0].value
    assert page.code[0].value.startswith("python -m yolo_core compare FILE.py:function")


@pytest.fixture
def own(checkpoints: Path, snapshots: dict[str, Snapshot]) -> Path:
    """A comparison that differs on one slot of val/1 and by a weight on classification."""
    snapshot = snapshots["yolov2"]
    numbers = np.random.default_rng(0).normal(size=snapshot.y_pred.shape).astype(np.float32)
    channel = np.arange(numbers.shape[-1])
    terms = {
        "xy": np.where(channel < 5, numbers, 0),
        "classification": np.where(channel >= 5, numbers, 0),
    }
    yours = terms["xy"] + 3 * terms["classification"]
    yours[1, 50, 0] *= -1
    found = compare_gradients(
        yours="mine.py:my_loss",
        against="yolov2",
        snapshot=snapshot,
        your_gradient=yours,
        term_gradients=terms,
        your_total=1.5,
        published_total=2.5,
        diagnosis=['Your loss looks like yolov2 with the slip "Missing square" (B-3).'],
        cites=["B-3"],
        tried=["random, seed 0", "saturated ones", "others on a grid of 6 rows and 8 columns"],
    )
    return write_comparison(checkpoints, found)


@pytest.mark.usefixtures("own")
def test_your_own_loss_is_shown_slot_by_slot() -> None:
    page = open_page(compare="your own", picture="val/1", channel="x")
    assert_sound(page)
    assert not page.error
    text = words(page)
    assert "mine.py:my_loss beside yolov2" in text.replace("**", "")
    assert 'with the slip "Missing square" (B-3).' in text
    assert "the loss falls without end as empty slots grow confident" in " ".join(text.split())
    assert "Tried: random, seed 0; saturated ones; others on a grid of 6 rows and 8" in text
    assert "The 1 slots that differ" in text
    assert "1 of 108 slots of this picture differ, outlined in pink" in text
    row = table_with(page, "picture", "slot").iloc[0]
    assert (row["picture"], row["slot"]) == ("val/1", r"cell \(row 2, column 4\), anchor 2")
    assert row[r"channels\: yours, published"].startswith("x")
    maps = list(plots(page).values())
    assert len(maps) == 2
    assert maps[0]["layout"]["coloraxis"]["cmax"] == maps[1]["layout"]["coloraxis"]["cmax"]
    weights = dict(table_with(page, "term", "weight")[["term", "weight"]].itertuples(index=False))
    assert weights == {"xy": "× 1", "classification": "× 3"}


def test_a_damaged_comparison_is_one_sentence(own: Path) -> None:
    own.write_bytes(own.read_bytes()[:2000])
    page = open_page(compare="your own")
    assert_sound(page)
    assert len(page.error) == 1


def test_a_bar_is_as_long_as_its_loss_and_negative_terms_go_left() -> None:
    bar = terms_bar(
        "one",
        {"xy": 2.0, "no_object": -0.5, "wh": float("nan")},
        {"xy": 3.0, "no_object": 2.0, "wh": 1.0},
    )
    figure = bars_figure([bar], unit="λ × term", revision="one")
    lengths = {trace.name: trace.x[0] for trace in figure.data if trace.type == "bar"}
    assert lengths == {"xy": 6.0, "no_object": -1.0, "wh": 0.0}
    text = next(trace for trace in figure.data if trace.type == "scatter")
    assert list(text.x) == [6.0]
    assert "not a finite number" in text.text[0]


def test_equal_losses_have_no_verdict(anchored: SampleView) -> None:
    comparison = compare_views({"one": anchored, "other": anchored})
    assert slip_verdict(comparison) is None


def test_a_verdict_has_as_many_digits_as_show_the_difference(anchored: SampleView) -> None:
    total = 0.6961123
    one, other = (dataclasses.replace(anchored, total=each) for each in (total, total + 1.2e-6))
    verdict = slip_verdict(compare_views({"one": one, "other": other}))
    assert verdict == "The loss goes from 0.696112 to 0.696114."
    other = dataclasses.replace(anchored, total=1.5)
    verdict = slip_verdict(compare_views({"one": one, "other": other}))
    assert verdict == "The loss goes from 0.6961 to 1.5."


@pytest.mark.parametrize("family", ["yolov2", "mnist_yolo"])
def test_a_run_of_ones_own_loss_is_read_as_the_family_whose_channels_it_has(
    checkpoints: Path, family: str
) -> None:
    """The file is never loaded: there is none."""
    add_run(checkpoints, "own", family, own="/nowhere/mine.py:MyLoss")
    page = open_page(losses=[family], sample="val/0")
    assert_sound(page)
    assert not page.error
    assert bar_labels(page) == ["mine.py:MyLoss, as trained", family]
    for own, published in bars(page).values():
        assert own == pytest.approx(published, rel=1e-4)
    assert f"is read as {family} reads it" in words(page)


def test_a_loss_that_reads_other_boxes_is_no_comparison(checkpoints: Path) -> None:
    folder = add_run(checkpoints, "own", own="/nowhere/mine.py:MyLoss")
    path = snapshot_path(folder, "pinned", STEP)
    snapshot = read_snapshot(path)
    snapshot.breakdown.predictions["boxes"][:] += 0.1
    write_snapshot(path, snapshot)
    page = open_page(losses=["yolov2/formula"])
    assert_sound(page)
    assert "which reads other boxes out of it than yolov2 does" in page.error[0].value
    assert bar_labels(page) == ["mine.py:MyLoss, as trained"]
