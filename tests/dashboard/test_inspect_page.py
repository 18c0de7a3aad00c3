"""The Inspect page in every state that a run can be in."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import cache
from dashboard.components.shared.cell_picker import cell_clicked
from tests.dashboard import sample_run
from tests.dashboard.page import assert_sound, loaded_by, opener, plain, plots, table_with, words
from tests.dashboard.sample_run import LAST_STEP, exchanging, make_loss, make_run, write_kind
from yolo_core.models.decode import overlaps
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.views import Snapshot

# The picture, the masks, and the strip of time; with the pane of curves a strip and three more.
PLOTS, CURVES = 3, 4
PANES = ("Why", "Terms", "Values", "Objects", "Curves", "Beside")


open_page = opener("inspect")


def ledger_of(page: AppTest) -> pd.DataFrame:
    return table_with(page, "trains")


@pytest.mark.usefixtures("checkpoints")
def test_no_runs_says_what_to_press() -> None:
    page = open_page()
    assert_sound(page)
    assert "press **Start training**" in page.info[0].value


def test_a_starting_run_says_that_pictures_will_come(checkpoints: Path) -> None:
    folder = RunFolder(checkpoints / "new")
    folder.path.mkdir()
    folder.config.write_text("{}")
    with RunStore.create(folder, ["total"]):  # this process is the training process
        page = open_page()
    assert_sound(page)
    assert "first pictures come with step 0" in page.info[0].value


def test_a_run_that_ended_before_its_first_snapshot_says_why(checkpoints: Path) -> None:
    make_run(
        checkpoints,
        "bad",
        state=RunState.FAILED,
        message="The disk is full.",
        steps=0,
        pinned_steps=(),
        batch_steps=(),
    )
    page = open_page()
    assert_sound(page)
    assert "wrote no snapshot" in words(page)
    assert "The disk is full." in words(page)


@pytest.mark.slow
def test_a_finished_run_shows_its_latest_snapshot(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(card="Objects")
    assert_sound(page)
    assert not page.error
    text = words(page)
    assert (
        f"a pinned sample: the network in inference mode, a batch of this one picture, after "
        f"{LAST_STEP} updates" in text
    )
    assert "recorded by the training process" in page.success[0].value
    assert "✓" in page.success[0].value
    assert "108 slots = 5 object + 98 no object + 5 ignored ✓" in text
    assert len(plots(page)) == PLOTS
    ledger = ledger_of(page)
    assert ledger["status"].tolist() == ["matched"] * 5
    # Every figure and table with a sentence on what would be wrong with it.
    told = sum(words(open_page(card=pane)).count("Wrong:") for pane in PANES)
    assert told >= 12


def test_anchors_larger_than_the_picture_are_warned_of(
    add_finished: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_finished("yolov2-1")
    assert not open_page().warning
    st.cache_resource.clear()
    read = cache.read_snapshot

    def with_large_anchors(path: Path) -> Snapshot:
        snapshot = read(path)
        prior = snapshot.layout.prior * np.array([1, 1, 16, 16], np.float32)
        layout = dataclasses.replace(snapshot.layout, prior=prior)
        return dataclasses.replace(snapshot, layout=layout)

    monkeypatch.setattr(cache, "read_snapshot", with_large_anchors)
    (warning,) = open_page().warning
    assert "anchor 0: 205 x 256 px" in plain(warning.value)


@pytest.mark.slow
def test_a_loss_that_exchanges_x_and_y_is_said_and_its_boxes_are_held_against_the_labels(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_run, "make_loss", lambda name: exchanging(make_loss(name)))
    make_run(checkpoints, "wrong", pinned_steps=(20,), batch_steps=())
    page = open_page(run="wrong", sample="val/0", row="2", column="3", card="Objects")
    assert_sound(page)
    cells, warning = page.warning
    assert "gives 3 of the 5 objects of val/0 to cells that do not hold" in plain(cells.value)
    assert (
        "trains 5 of the 5 objects of val/0 towards other boxes than their labels, as if x and y "
        "of the labels were exchanged: object 0 (class 4) towards (33.6, 63.4 px)"
    ) in plain(warning.value)
    (file,) = checkpoints.rglob("pinned-*.npz")
    view = read_snapshot(file).sample("val/0")
    ledger = ledger_of(page)
    # In cells of the diagonal it makes no difference.
    assert ledger["status"].str.removeprefix("matched").tolist() == [
        *(" elsewhere", " elsewhere", "", " elsewhere", "")
    ]
    own = []
    for index, row in zip(view.objects.tolist(), ledger.to_dict("records"), strict=True):
        slot = int(view.assignment.object_slot[index, 0])
        label = overlaps(view.predictions["boxes"][[slot]], view.y_true[[index], 1:5])[0, 0]
        assert row["IoU now"] == f"{label:.2f}"
        own.append(f"{view.targets['overlap'][slot, index]:.2f}")
        assert f"{own[-1]} by this loss's own account" in row["why"]
        assert "This loss trains it towards another box than its label" in row["why"]
    assert own != ledger["IoU now"].tolist(), "the loss's own numbers are others"
    page = open_page(run="wrong", sample="val/0", row="2", column="3")
    cells = table_with(page, "best IoU")
    here = view.layout.cell_slots(0, 2, 3)
    best = overlaps(view.predictions["boxes"][here], view.y_true[view.objects, 1:5]).max(axis=1)
    assert [text[:4] for text in cells.loc["best IoU"]] == [
        f"{iou:.2f}" if iou else "–" for iou in best
    ]


def test_choices_come_from_the_address_and_stay_in_it(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(run="yolov2-1", sample="val/1", step="0", row="2", column="2")
    assert_sound(page)
    assert "**val/1**, a pinned sample" in words(page)
    assert "before the first update" in words(page)
    assert "The 3 slots of cell (row 2, column 2)" in words(page)
    shown = {name: page.query_params[name] for name in ("sample", "step", "row", "column", "kind")}
    assert {
        name: value[0] if isinstance(value, list) else value for name, value in shown.items()
    } == {
        "sample": "val/1",
        "step": "0",
        "row": "2",
        "column": "2",
        "kind": "pinned",
    }


def test_without_a_choice_the_cell_of_the_first_object_is_shown(
    add_finished: Callable[[str], Path],
) -> None:
    add_finished("yolov2-1")
    page = open_page(sample="val/1")
    # Object 0 lost its slot; object 1 has it, in cell (2, 2).
    assert "The 3 slots of cell (row 2, column 2)" in words(page)


def test_a_step_or_cell_that_is_not_there_leads_to_the_nearest(
    add_finished: Callable[[str], Path],
) -> None:
    add_finished("yolov2-1")
    page = open_page(step="13", row="77", column="x", sample="nonsense", kind="other")
    assert_sound(page)
    assert "There is no snapshot of step 13 here" in words(page)
    assert "after 10 updates" in words(page)
    assert "The 3 slots of cell (row 5, column 3)" in words(page)


def test_typing_another_cell_changes_the_card(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(sample="val/1", step="40")
    before = table_with(page, "trained for")
    page.number_input(key="row").set_value(1)
    page.number_input(key="column").set_value(4).run()
    assert_sound(page)
    assert "The 3 slots of cell (row 1, column 4)" in words(page)
    after = table_with(page, "trained for")
    assert not before.equals(after)
    assert "4\\: 9" in after.loc["trained for"].tolist()  # with markdown's backslash


def test_a_click_selects_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, object] = {}
    monkeypatch.setattr(st, "session_state", state)
    cell_clicked([1, 4, 2])
    assert {**state, "head": 1, "row": 4, "column": 2} == state
    assert "anchor" not in state
    cell_clicked([0, 5, 3, 2])  # of a tile, which knows the anchor
    chosen = {"head": 0, "row": 5, "column": 3, "anchor": "2", "cell of the anchor": (0, 5, 3)}
    assert {**state, **chosen} == state


def test_changing_the_picture_does_not_lose_its_place_on_the_page(
    add_finished: Callable[[str], Path],
) -> None:
    """The same element ids over steps: the browser keeps zoom and does not jump."""
    add_finished("yolov2-1")
    page = open_page(step="0")
    before = plots(page)
    page.select_slider(key="step").set_value("40").run()
    after = plots(page)
    assert list(before) == list(after)
    for name in before:
        assert before[name] != after[name]
        assert before[name]["layout"]["uirevision"] == after[name]["layout"]["uirevision"]


def test_layers_and_score_change_the_picture(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(step="40")
    assert "5 predictions score 0.30 or more" in words(page)
    page.slider(key="score").set_value(1.0).run()
    assert_sound(page)
    assert re.search(r"no prediction scores 1\.00 or more \(the best scores 0\.\d\d\)", words(page))
    page.button_group(key="layers").set_value(["grid"]).run()
    picture = next(iter(plots(page).values()))
    shown = {t["name"] for t in picture["data"] if "name" in t and t.get("showlegend", True)}
    assert shown == {"grid"}


@pytest.mark.slow
def test_a_loss_without_priors_says_so(checkpoints: Path) -> None:
    make_run(
        checkpoints, "mnist-1", loss_name="mnist_yolo", pinned_steps=(LAST_STEP,), batch_steps=()
    )
    assert "shared" in ledger_of(open_page(sample="val/1", card="Objects"))["status"].tolist()
    page = open_page(sample="val/1", step="40")
    assert_sound(page)
    assert "this loss has no anchor boxes" in words(page)
    assert table_with(page, "trained for").columns.tolist() == [
        "▸ predictor 0",
        "predictor 1",
        "predictor 2",
    ]


@pytest.mark.slow
def test_a_loss_with_two_heads_asks_for_the_head(checkpoints: Path) -> None:
    make_run(checkpoints, "v3", loss_name="yolov3", pinned_steps=(0,), batch_steps=(), steps=0)
    page = open_page(head="1", row="2", column="5")
    assert_sound(page)
    assert not page.error
    # The second head has 3 x 3 cells.
    assert "The 3 slots of head 1, cell (row 2, column 2)" in words(page)
    assert page.number_input(key="column").max == 2
    page.number_input(key="head").set_value(0).run()
    assert page.number_input(key="column").max == 5
    masks = list(plots(page).values())[1]
    assert [e["type"] for e in masks["data"]].count("heatmap") == 3
    # The tabs above the picture: the same place on the other head.
    page.number_input(key="column").set_value(5).run()
    tabs = page.button_group(key="head tab")
    assert [option.content for option in tabs.proto.options] == ["6×6: 4", "3×3: 1"]
    tabs.set_value(1).run()
    assert "The 3 slots of head 1, cell (row 1, column 2)" in words(page)


def test_a_picture_without_objects(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(sample="val/2", card="Objects")
    assert_sound(page)
    assert "This picture holds no objects" in words(page)
    assert "108 slots = 0 object + 108 no object + 0 ignored ✓" in words(page)


def test_a_training_batch_sums_to_the_row_of_its_step(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(kind="batch", step="40", sample="train/162", card="Terms")
    assert_sound(page)
    text = words(page)
    assert "part of the training batch of step 40: in training mode" in text
    assert "over the 4 pictures of the batch" in page.success[0].value
    assert "This picture's share of the batch's loss" in text
    # Another step holds other pictures: the page stays at the same place in the batch.
    page.select_slider(key="step").set_value("1").run()
    assert_sound(page)
    assert page.selectbox(key="sample").value == "train/6"


@pytest.mark.slow
def test_a_running_run_is_followed(checkpoints: Path) -> None:
    folder = make_run(
        checkpoints, "live", state=RunState.RUNNING, steps=10, pinned_steps=(0, 10), batch_steps=()
    )
    loss = make_loss("yolov2")
    with RunStore.open(folder, writable=True) as store:  # this process trains
        page = open_page()
        assert_sound(page)
        assert "Step 10 is its latest snapshot; the next one comes up by itself" in words(page)
        pinned = open_page(step="0")
        write_kind(store, loss, 12, "pinned")
        page.run()
        assert "after 12 updates" in words(page)
        pinned.run()
        assert "before the first update" in words(pinned)
        assert "its latest snapshot is of step 12. This page stays at step 0" in words(pinned)


def test_a_failed_run_shows_what_it_has_and_what_went_wrong(checkpoints: Path) -> None:
    message = "Step 11: the loss is NaN, first in the term wh."
    make_run(
        checkpoints,
        "bad",
        state=RunState.FAILED,
        message=message,
        steps=10,
        pinned_steps=(0, 10),
        batch_steps=(),
    )
    page = open_page()
    assert_sound(page)
    assert message in words(page)
    assert len(plots(page)) == PLOTS


def test_maps_that_are_not_the_recorded_loss_are_told_loudly(
    add_finished: Callable[[str], Path],
) -> None:
    folder = RunFolder(add_finished("wrong"))
    with RunStore.open(folder, writable=True) as store:
        record = store.snapshots("pinned", "val/0")[-1]
        fields = (record.step, "pinned", "val/0", record.file)
        store.record_snapshot(
            *fields, record.total * 1.001, terms=record.terms, lambdas=record.lambdas
        )
    page = open_page(sample="val/0")
    assert_sound(page)
    assert not page.success
    assert "Do not trust this picture" in page.error[0].value


def cut_in_half(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def overwrite(path: Path) -> None:
    path.write_text("hello")


DAMAGES = [cut_in_half, overwrite, Path.unlink]


@pytest.mark.parametrize("damaged", DAMAGES)
def test_a_damaged_snapshot_is_one_sentence_and_the_nearest_step_is_shown(
    add_finished: Callable[[str], Path], damaged: Callable[[Path], None]
) -> None:
    snapshots = add_finished("yolov2-1") / "snapshots"
    damaged(path := snapshots / "pinned-00000040.npz")
    page = open_page()
    assert not page.error
    (said,) = (plain(each.value) for each in page.warning)
    assert path.name in said
    assert said.endswith("The one of step 10 is shown instead.")
    assert len(plots(page)) == PLOTS
    for each in snapshots.glob("pinned-*"):
        damaged(each)
    page = open_page()
    assert "Nor can any of the other 2 snapshots of this sample be read." in page.error[0].value


@pytest.mark.parametrize("damaged", DAMAGES)
def test_a_damaged_database_is_one_sentence(
    add_finished: Callable[[str], Path], damaged: Callable[[Path], None]
) -> None:
    path = add_finished("yolov2-1") / "run.db"
    damaged(path)
    page = open_page()
    assert_sound(page)
    assert len(page.error) == 1
    assert not plots(page)


@pytest.mark.slow
def test_the_page_needs_no_tensorflow(add_finished: Callable[[str], Path]) -> None:
    checkpoints = add_finished("yolov2-1").parent
    assert loaded_by("inspect", checkpoints, shows="success") == ""
