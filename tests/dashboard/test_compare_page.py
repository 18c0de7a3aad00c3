"""The Compare page in every state: one prediction, trained runs, a loss of one's own."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from tests.dashboard import sample_run
from tests.dashboard.compare_page import STEP, add_run, bar_labels, bars, number, open_page
from tests.dashboard.page import assert_sound, loaded_by, plain, plots, table_with, words
from tests.dashboard.sample_run import exchanging, make_loss, write_kind
from yolo_core.losses.families import family_of
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import (
    read_snapshot,
    snapshot_path,
    write_snapshot,
)
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.config import parse_config

pytestmark = pytest.mark.slow


@pytest.fixture
def run(checkpoints: Path) -> RunFolder:
    return add_run(checkpoints, "v2")


@pytest.mark.usefixtures("checkpoints")
def test_no_runs_says_what_to_press() -> None:
    page = open_page()
    assert_sound(page)
    assert "press **Start training**" in page.info[0].value


def test_a_run_without_pictures_says_so(checkpoints: Path) -> None:
    add_run(checkpoints, "empty", pinned_steps=(), steps=0)
    page = open_page()
    assert_sound(page)
    assert "wrote no snapshot" in page.info[0].value


def test_the_loss_that_trained_stands_first_and_as_it_was_recorded(run: RunFolder) -> None:
    losses = ["yolov2/notebook", "yolov2/formula"]
    page = open_page(losses=losses, sample="val/1", told="Formulas")
    assert_sound(page)
    assert not page.error
    assert bar_labels(page) == ["yolov2, as trained", "yolov2/notebook", "yolov2/formula"]
    view = read_snapshot(snapshot_path(run, "pinned", STEP)).sample("val/1")
    shown = bars(page)
    assert {term: values[0] for term, values in shown.items()} == pytest.approx(
        {term: view.lambdas[term] * value for term, value in view.terms.items()}
    )
    # What the notebook's loss itself says of these numbers.
    whole = make_loss("yolov2/notebook").breakdown(
        view.y_true[None], view.y_pred.reshape(1, 6, 6, -1)
    )
    lengths = {t: float(whole.lambdas[t]) * float(whole.terms[t]) for t in whole.terms}
    assert {term: values[1] for term, values in shown.items()} == pytest.approx(lengths, rel=1e-5)
    assert len(page.latex) == 3
    assert f"= {number(view.total)}" in page.latex[0].value.replace("{}&", "").replace("\n", "")


@pytest.mark.usefixtures("run")
def test_without_a_choice_a_difference_is_shown_and_stands_in_the_address() -> None:
    page = open_page()
    assert_sound(page)
    chosen = page.multiselect(key="losses").value
    # No variant of YOLOv2 gives a slot to another object or part here, so another family does.
    assert chosen == ["yolov2/notebook", "yolov3"]
    assert re.search(r"put [1-9]\d* of 108 slots into different parts", words(page))
    assert page.query_params["losses"] == chosen
    page.multiselect(key="losses").set_value([]).run()
    assert_sound(page)
    assert "Choose one to four **losses**" in page.info[0].value
    assert bar_labels(page) == ["yolov2, as trained"]


@pytest.mark.usefixtures("run")
def test_losses_that_do_not_exist_are_left_out_and_named() -> None:
    page = open_page(losses=["yolov9", "yolov2/formula"])
    assert_sound(page)
    assert "no such choice here: yolov9" in words(page)
    assert page.multiselect(key="losses").value == ["yolov2/formula"]


@pytest.mark.usefixtures("run")
def test_other_families_see_the_same_prediction_or_say_why_not() -> None:
    page = open_page(losses=["yolov3", "yolov1"], sample="val/0")
    assert_sound(page)
    assert bar_labels(page) == ["yolov2, as trained", "yolov3"]
    assert len(page.error) == 1
    assert "yolov1 cannot be shown on the prediction of yolov2" in words(page)
    assert "Every loss can be shown on the prediction of a yolov1 run." in words(page)


@pytest.mark.usefixtures("run")
def test_objects_and_slots_that_differ_are_listed_with_the_reasons() -> None:
    page = open_page(losses=["ssd"], sample="val/1", told="Objects")
    assert_sound(page)
    ledger = table_with(page, "loss", "trains")
    assert set(ledger["loss"]) == {"yolov2, as trained", "ssd"}
    pairs = zip(ledger[::2].to_dict("records"), ledger[1::2].to_dict("records"), strict=True)
    for one, other in pairs:
        assert one["object"] == other["object"]
        assert (one["status"], one["trains"]) != (other["status"], other["trains"])
    page = open_page(losses=["ssd"], sample="val/1", told="Slots")
    masks = table_with(page, "slot", "ssd")
    assert list(masks.columns) == ["slot", "yolov2, as trained", "ssd"]
    assert (masks["yolov2, as trained"] != masks["ssd"]).all()
    assert f"put {len(masks)} of 108 slots into different parts" in words(page)


@pytest.mark.usefixtures("run")
def test_variants_that_agree_say_so() -> None:
    losses = ["yolov2/notebook_stop_gradient"]
    page = open_page(losses=losses, sample="val/0", told="Objects")
    assert_sound(page)
    text = words(page)
    assert "None: all 5 objects have the same status and slots under every loss." in text
    assert "give 0 of 5 objects to different slots and put 0 of 108 slots" in text
    page.toggle(key="compare all objects").set_value(True).run()
    rows = table_with(page, "loss", "trains")
    assert len(rows) == 5  # what two losses do alike is one row
    assert set(rows["loss"]) == {r"yolov2, as trained, yolov2/notebook\_stop\_gradient"}


@pytest.mark.usefixtures("run")
def test_a_picture_without_objects() -> None:
    page = open_page(
        losses=["yolov2/formula"], sample="val/2", slips="confidence-by-iou", told="Slips"
    )
    assert_sound(page)
    assert not page.error
    assert "The picture holds no objects" in words(page)


@pytest.mark.usefixtures("run")
def test_a_slip_shows_the_picture_without_and_with_it() -> None:
    page = open_page(
        losses=["yolov2/formula"], sample="val/0", slips="no-object-unsquared", told="Slips"
    )
    assert_sound(page)
    assert page.toggle(key="slip no-object-unsquared").value
    assert bar_labels(page, 1) == ["yolov2, without it", "yolov2, with it"]
    assert "Where it shows: On every picture." in words(page)
    without, with_it = bars(page, 1)["no_object"]
    assert with_it < 0 < without  # the printed term rewards false confidence
    assert re.search(r"The loss goes from .* no_object from", words(page))
    # The number opens what is known of it, with the numbers of the golden files.
    assert "B-3" in [popover.proto.popover.label for popover in page.get("popover")]
    assert "the term of `yolov2_formula_typical` is -0.4900 in place of 0.2956" in words(page)
    page.toggle(key="slip no-object-unsquared").set_value(False).run()
    assert_sound(page)
    assert page.query_params["slips"] in ("", [""])
    assert not page.latex
    page.toggle(key="slip warmup-off-by-one").set_value(True).run()
    page.selectbox(key="base").set_value("yolov2/formula").run()
    assert "warmup-off-by-one" in page.query_params["slips"]
    assert bar_labels(page, 1) == ["yolov2/formula, without it", "yolov2/formula, with it"]
    text = words(page)
    assert "Other numbers than those of v2 above, because warmup" in text
    assert "batches is 1" in text


@pytest.mark.usefixtures("run")
def test_a_slip_that_does_not_show_here_says_where_it_does() -> None:
    page = open_page(losses=["yolov2/formula"], sample="val/0", slips="iou-gradient", told="Slips")
    assert_sound(page)
    assert "In the gradient alone: no number of the loss changes." in words(page)


def test_a_slip_that_moves_objects_shows_their_cells(checkpoints: Path) -> None:
    add_run(checkpoints, "mnist", "mnist_yolo")
    page = open_page(losses=["mnist_yolo/huber"], sample="val/0", slips="x-y-order", told="Slips")
    assert_sound(page)
    assert "objects get other slots" in words(page)
    assert len(plots(page)) == 10  # two pictures, two masks and the terms, twice


def test_this_runs_lambdas_can_be_used_for_its_variants(run: RunFolder) -> None:
    page = open_page(losses=["yolov2/notebook"], same_lambdas="true")
    assert_sound(page)
    assert not page.error
    view = read_snapshot(snapshot_path(run, "pinned", STEP)).sample("val/0")
    shown = bars(page)
    assert shown["xy"][1] == pytest.approx(view.lambdas["xy"] * view.terms["xy"], rel=1e-4)


@pytest.mark.usefixtures("run")
def test_bars_before_their_lambdas_and_as_shares() -> None:
    page = open_page(losses=["yolov2/notebook"], bars="share")
    assert_sound(page)
    for at in range(2):
        assert sum(abs(values[at]) for values in bars(page).values()) == pytest.approx(100)
    page.button_group(key="bars").set_value("unweighted").run()
    assert "Bars: the terms before their lambdas" in words(page)


def test_anchors_that_cannot_be_made_again_are_no_comparison(checkpoints: Path) -> None:
    folder = add_run(checkpoints, "changed")
    config = parse_config({"loss": {"name": "yolov2", "anchors": [[0.1, 0.1]] * 3}})
    folder.config.write_text(config.to_json(), encoding="utf-8")
    page = open_page(losses=["yolov2/formula"])
    assert_sound(page)
    assert "would be computed with other anchors" in page.error[0].value
    assert bar_labels(page) == ["yolov2, as trained"]


def test_a_damaged_snapshot_or_configuration_is_one_sentence(run: RunFolder) -> None:
    path = snapshot_path(run, "pinned", STEP)
    path.write_bytes(path.read_bytes()[:1000])
    page = open_page()
    assert_sound(page)
    assert not page.error
    assert "The one of step 0 is shown instead." in words(page)
    run.config.write_text("{", encoding="utf-8")
    page.run()
    assert_sound(page)
    assert "not valid JSON" in page.error[0].value


def test_two_runs_are_drawn_as_they_were_recorded(checkpoints: Path, run: RunFolder) -> None:
    mnist = add_run(checkpoints, "mnist", "mnist_yolo", pinned_steps=(0, 10, 30))
    page = open_page(compare="trained runs", runs=["v2", "mnist"], sample="val/1", step=str(STEP))
    assert_sound(page)
    assert not page.error
    assert bar_labels(page) == [f"v2: yolov2, step {STEP}", "mnist: mnist_yolo, step 10"]
    totals = [
        read_snapshot(snapshot_path(folder, "pinned", step)).sample("val/1").total
        for folder, step in ((run, STEP), (mnist, 10))
    ]
    assert all(number(total) in words(page) for total in totals)


@pytest.mark.usefixtures("run")
def test_the_latest_step_is_each_run_s_own_and_a_common_one_is_offered(checkpoints: Path) -> None:
    add_run(checkpoints, "mnist", "mnist_yolo", pinned_steps=(0, 10, 30))
    page = open_page(compare="trained runs", runs=["v2", "mnist"])
    assert_sound(page)
    assert bar_labels(page) == [f"v2: yolov2, step {STEP}", "mnist: mnist_yolo, step 30"]
    said = words(page)
    assert "Each is shown at its own last step." in said
    assert "The runs give" in said
    assert "have not been trained for equally many steps" in page.warning[0].value
    (offer,) = page.button
    assert offer.label == "Compare at step 0, the last that all have"
    offer.click().run()
    assert_sound(page)
    assert bar_labels(page) == ["v2: yolov2", "mnist: mnist_yolo"]
    assert "All are of step 0." in words(page)
    assert not page.warning


@pytest.mark.usefixtures("run")
def test_anchors_and_targets_that_can_hardly_be_meant_are_warned_of(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_run, "make_loss", lambda name: exchanging(make_loss(name)))
    wrong = add_run(checkpoints, "wrong", pinned_steps=(0, STEP))
    path = snapshot_path(wrong, "pinned", STEP)
    snapshot = read_snapshot(path)
    prior = snapshot.layout.prior * np.array([1, 1, 16, 16], np.float32)
    layout = dataclasses.replace(snapshot.layout, prior=prior)
    write_snapshot(path, dataclasses.replace(snapshot, layout=layout))
    page = open_page(compare="trained runs", runs=["v2", "wrong"], sample="val/0")
    assert_sound(page)
    anchors, cells, targets = (plain(each.value) for each in page.warning)
    assert anchors.startswith("wrong: yolov2: Anchors larger")
    assert "anchor 0: 205 x 256 px" in anchors
    assert cells.startswith("wrong: yolov2: This loss gives 3 of the 5 objects of val/0 to cells")
    assert targets.startswith("wrong: yolov2: This loss trains 5 of the 5 objects")


@pytest.mark.usefixtures("run")
def test_runs_with_other_slots_say_what_cannot_be_compared(checkpoints: Path) -> None:
    add_run(checkpoints, "v3", "yolov3")
    page = open_page(compare="trained runs", runs=["v2", "v3"], told="Slots")
    assert "The slots are not the same ones" in words(page)
    page = open_page(compare="trained runs", runs=["v2", "v3"], head="1", row="5", column="5")
    assert_sound(page)
    assert not page.error
    # The cell is chosen on the loss that has several heads, and shown at its place on the other.
    assert page.number_input(key="head").max == 1
    assert "What happens in head 1, cell (row 2, column 2)" in words(page)


@pytest.mark.usefixtures("run")
def test_runs_with_other_pictures_are_refused_in_a_sentence(checkpoints: Path) -> None:
    other = add_run(checkpoints, "other")
    path = snapshot_path(other, "pinned", STEP)
    snapshot = read_snapshot(path)
    snapshot.y_true[:, 0, 1] = 0.123
    write_snapshot(path, snapshot)
    page = open_page(compare="trained runs", runs=["v2", "other"])
    assert_sound(page)
    assert "only the same picture with the same labels" in page.error[0].value
    assert r"Leave out other\: yolov2, or choose" in page.error[0].value


def test_without_a_choice_runs_of_the_same_pictures_are_shown(checkpoints: Path) -> None:
    for name in ("yolov2", "mnist_yolo"):
        add_run(checkpoints, name, name)
    add_run(checkpoints, "empty", "yolov2/notebook", pinned_steps=(), steps=0)
    newest = add_run(checkpoints, "zz-other-data", "yolov3")
    config = parse_config({"loss": {"name": "yolov3"}, "data": {"seed": 7}})
    newest.config.write_text(config.to_json(), encoding="utf-8")
    page = open_page(compare="trained runs")
    assert_sound(page)
    assert not page.error
    assert sorted(page.multiselect(key="runs").value) == ["mnist_yolo", "yolov2"]


@pytest.mark.usefixtures("run")
def test_one_run_says_to_train_another() -> None:
    page = open_page(compare="trained runs")
    assert_sound(page)
    assert "There is only one run" in page.info[0].value


def test_a_newer_snapshot_of_a_live_run_is_offered(checkpoints: Path) -> None:
    folder = add_run(checkpoints, "live", state=RunState.RUNNING, steps=10, pinned_steps=(0, 10))
    with RunStore.open(folder, writable=True) as store:  # this process trains
        page = open_page(losses=["yolov2/formula"])
        assert_sound(page)
        assert "after 10 updates" in words(page)
        assert not page.button
        write_kind(store, make_loss("yolov2"), 12, "pinned")
        pinned = open_page(losses=["yolov2/formula"], step="10")
        assert not pinned.button  # this one stays where it is
        page.run()
        assert "after 12 updates" in words(page)


@pytest.mark.usefixtures("run")
def test_pictures_of_runs_need_no_tensorflow(checkpoints: Path) -> None:
    """Opening the page and looking at trained runs; only recomputing loads it."""
    add_run(checkpoints, "second")
    query = {"compare": "trained runs", "runs": ["v2", "second"], "told": "Formulas"}
    assert loaded_by("compare", checkpoints, shows="latex", **query) == ""


def test_every_slip_has_a_switch(checkpoints: Path) -> None:
    for name in ("yolov2", "mnist_yolo"):
        add_run(checkpoints, name, name)
        page = open_page(run=name, losses=[f"{name}/none"], told="Slips")
        keys = {toggle.key for toggle in page.toggle}
        assert {f"slip {slip.name}" for slip in family_of(name).slips} <= keys
