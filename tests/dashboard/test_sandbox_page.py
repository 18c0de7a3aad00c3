"""The Sandbox page: one sample under edits, beside what it was."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from dashboard.components.sandbox.apply import new_run_command
from dashboard.components.sandbox.compute import recomputed
from dashboard.components.sandbox.edits import described_options
from tests.dashboard.compare_page import add_run
from tests.dashboard.page import assert_sound, opener, plots, words
from tests.dashboard.sample_run import make_loss, make_snapshot
from yolo_core.jobs.process import ProcessIdentity
from yolo_core.losses import YoloV2Loss
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.sandbox.changes import AFTER, BEFORE
from yolo_core.sandbox.edits import EditedObject, Edits

pytestmark = pytest.mark.slow

open_page = opener("sandbox")
STATE = "sandbox"
MOVED = Edits(objects=(EditedObject(0, 4, (20.0, 60.0, 21.0, 33.0)),))  # the other four deleted


def table(page: AppTest, first: str) -> pd.DataFrame:
    """The table with that first column."""
    return next(each.value for each in page.table if each.value.columns[0] == first)


def drawn(page: AppTest, name: str) -> dict:
    """The picture of that name."""
    found = plots(page).items()
    return next(figure for key, figure in found if key.endswith(f"sandbox picture {name}"))


@pytest.mark.usefixtures("checkpoints")
def test_without_runs_it_says_what_to_press() -> None:
    page = open_page()
    assert_sound(page)
    assert "press Start training" in words(page).replace("*", "")


def test_without_edits_both_sides_are_the_recorded_sample(checkpoints: Path) -> None:
    add_run(checkpoints, "made-up")
    page = open_page(run="made-up", sample="val/0", outcome="Without edits")
    assert_sound(page)
    assert "as it was recorded ✓" in words(page)
    assert "**0** of 5 objects and **0** of 108 slots are not what they were" in words(page)
    before, after = drawn(page, BEFORE), drawn(page, AFTER)
    assert "shapes" not in before["layout"]
    assert len(after["layout"]["shapes"]) == 5
    assert "edits" not in page.query_params or page.query_params["edits"] in ("", [""])


def test_edits_of_a_link_are_shown_and_add_up(checkpoints: Path) -> None:
    add_run(checkpoints, "made-up")
    page = open_page(run="made-up", sample="val/0", edits=MOVED.to_json(), outcome="Terms")
    assert_sound(page)
    assert "**5** of 5 objects" in words(page)
    terms = table(page, "term").replace(r"\\", "", regex=True)
    changes = [float(each) for each in terms["change"][:-1] if each != "–"]
    assert float(terms["change"].iloc[-1]) == pytest.approx(sum(changes), rel=2e-3)
    linked = open_page(run="made-up", sample="val/0", edits=MOVED.to_json(), outcome="Objects")
    objects = table(linked, "object")
    assert objects["changed"].str.contains("deleted").sum() == 4
    assert len(drawn(page, AFTER)["layout"]["shapes"]) == 1
    next(each for each in page.button if each.label == "Take all edits back").click().run()
    assert "**0** of 5 objects" in words(page)


def test_a_lambda_changes_the_total_and_no_slot(checkpoints: Path) -> None:
    add_run(checkpoints, "made-up")
    page = open_page(run="made-up", sample="val/0", outcome="Terms")
    field = next(each for each in page.number_input if "λ xy" in each.label)
    field.set_value(field.value * 3).run()
    assert_sound(page)
    assert "**0** of 5 objects and **0** of 108 slots" in words(page)
    assert '"lambdas":{"xy":' in str(page.query_params["edits"])
    terms = table(page, "term").replace(r"\\", "", regex=True)
    assert [row["term"] for _, row in terms.iterrows() if row["change"] != "–"] == ["xy", "total"]
    assert "accepts lambdas" not in words(page)
    assert "The run has ended" in words(page)


def test_anchors_larger_than_the_picture_are_warned_of(checkpoints: Path) -> None:
    add_run(checkpoints, "made-up")
    large = Edits(anchors=((16.0, 16.0), (200.0, 300.0), (40.0, 40.0)))
    page = open_page(run="made-up", sample="val/0", edits=large.to_json())
    assert_sound(page)
    assert "Anchors larger than the picture of 96 x 96 px (anchor 1: 200 x 300 px)" in words(page)


def test_an_option_that_cannot_be_is_said_and_nothing_is_changed(checkpoints: Path) -> None:
    add_run(checkpoints, "made-up")
    wrong = Edits(options={"warmup_batches": -1})
    page = open_page(run="made-up", sample="val/0", edits=wrong.to_json())
    assert_sound(page)
    assert "warmup_batches must be a whole number, 0 or more" in words(page)
    assert "**0** of 5 objects" in words(page)


def test_another_sample_keeps_all_but_the_objects(checkpoints: Path) -> None:
    add_run(checkpoints, "made-up")
    both = Edits(objects=MOVED.objects, lambdas={"xy": 9.0})
    page = open_page(run="made-up", sample="val/0", edits=both.to_json())
    page.selectbox(key="sample").select("val/1").run()
    assert_sound(page)
    assert page.session_state[STATE].edits == Edits(lambdas={"xy": 9.0})


def test_a_torn_link_is_said(checkpoints: Path) -> None:
    add_run(checkpoints, "made-up")
    page = open_page(run="made-up", sample="val/0", edits="{torn")
    assert_sound(page)
    assert "The changes in the link cannot be read" in words(page)


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ('{"objects":[[0,99,1,1,1,1]]}', "A class is a number from 0 to 9; received 99"),
        ('{"objects":[[0,1,1e300,1,1,1]]}', "within 9,600 pixels of the picture"),
        ('{"objects":[[0,1,NaN,1,1,1]]}', "within 9,600 pixels of the picture"),
        ('{"options":{"ignore_threshold":"x"}}', "ignore_threshold is such as 0.6; received 'x'"),
        ('{"options":{"foo":1}}', "has no option 'foo'"),
        ('{"lambdas":{"xy":-5}}', "The lambda of xy is a number from 0 on; received -5.0"),
        ('{"lambdas":{"foo":5}}', "There is no term 'foo'"),
        ('{"anchors":[[1,2]]}', "takes 3 anchors of two sizes above zero"),
    ],
)
def test_edits_of_a_link_that_cannot_be_are_said_and_left_out(
    checkpoints: Path, edits: str, said: str
) -> None:
    add_run(checkpoints, "made-up")
    page = open_page(run="made-up", sample="val/0", edits=edits)
    assert_sound(page)
    assert said in words(page)
    assert "**0** of 5 objects and **0** of 108 slots" in words(page)
    assert "edits" not in page.query_params


def test_edits_are_taken_back_one_by_one_or_all_at_once(checkpoints: Path) -> None:
    add_run(checkpoints, "made-up")
    page = open_page(run="made-up", sample="val/0")

    def button(name: str) -> Button:
        return next(each for each in page.button if each.label == name)

    def pull(value: float) -> None:
        next(each for each in page.number_input if "λ xy" in each.label).set_value(value).run()

    assert button("Take the last edit back").disabled
    assert button("Take all edits back").disabled
    pull(7.0)
    assert not button("Take all edits back").disabled
    pull(9.0)
    button("Take the last edit back").click().run()
    assert page.session_state[STATE].edits == Edits(lambdas={"xy": 7.0})
    button("Take all edits back").click().run()
    assert page.session_state[STATE].edits.is_empty
    # That was an edit like others.
    button("Take the last edit back").click().run()
    assert page.session_state[STATE].edits == Edits(lambdas={"xy": 7.0})
    button("Take the last edit back").click().run()
    assert button("Take the last edit back").disabled
    assert_sound(page)


def test_the_back_button_of_the_browser_takes_an_edit_back(checkpoints: Path) -> None:
    add_run(checkpoints, "made-up")
    page = open_page(run="made-up", sample="val/0")
    for value in (7.0, 9.0):
        next(each for each in page.number_input if "λ xy" in each.label).set_value(value).run()
    page.query_params["edits"] = Edits(lambdas={"xy": 7.0}).to_json()
    # Some seconds after the last edit.
    page.session_state["written edits"] = (page.session_state["written edits"][0], 0.0)
    page.run()
    assert page.session_state[STATE].edits == Edits(lambdas={"xy": 7.0})
    assert next(each for each in page.number_input if "λ xy" in each.label).value == 7.0
    assert len(page.session_state[STATE].past) == 1


@pytest.mark.parametrize("pane", ["Why", "Terms", "Objects", "Slots", "Without edits"])
def test_every_pane_opens_alone(checkpoints: Path, pane: str) -> None:
    add_run(checkpoints, "made-up")
    page = open_page(run="made-up", sample="val/0", edits=MOVED.to_json(), outcome=pane)
    assert_sound(page)
    assert not page.error
    panes = ("Why", "Terms", "Objects", "Slots", "Without edits")
    assert [tab.label for tab in page.tabs if tab.label in panes and tab.children][-1] == pane


@pytest.mark.parametrize("loss", ["mnist_yolo", "yolov3"])
def test_losses_without_anchors_or_with_several_heads(checkpoints: Path, loss: str) -> None:
    add_run(checkpoints, "made-up", loss)
    page = open_page(run="made-up", sample="val/1")
    assert_sound(page)
    if loss == "mnist_yolo":
        assert "This loss has no anchors" in words(page)


def test_a_loss_of_ones_own_is_not_loaded(checkpoints: Path) -> None:
    add_run(checkpoints, "own", own="/nowhere/mine.py:Mine")
    page = open_page(run="own")
    assert_sound(page)
    assert "never by the browser" in words(page)


def test_other_pictures_need_a_checkpoint(checkpoints: Path) -> None:
    add_run(checkpoints, "made-up")
    for source in ("any sample", "a file", "a drawing"):
        page = open_page(run="made-up", **{"from": source})
        assert_sound(page)
        assert "no checkpoint yet" in words(page)


def test_a_live_run_gets_the_lambdas_and_answers(checkpoints: Path) -> None:
    folder: RunFolder = add_run(checkpoints, "live")
    with RunStore.open(folder, writable=True) as store:
        store.set_status(state=RunState.RUNNING, process=ProcessIdentity.current())
        store.heartbeat()
    page = open_page(run="live", sample="val/0", edits=Edits(lambdas={"xy": 9.0}).to_json())
    button = next(each for each in page.button if each.label == "Set the lambdas xy to 9")
    assert not button.disabled
    button.click().run()
    assert_sound(page)
    with RunStore.open(folder, writable=True) as store:
        [command] = store.pending_commands()
        assert command.arguments == {"name": "xy", "value": 9.0, "by": "page"}
        assert "waiting for the next step" in words(page)
        store.answer(command.id, step=41)
    page.run()
    assert "took effect at step 41" in words(page)


def test_the_command_of_a_new_run_can_be_pasted(checkpoints: Path) -> None:
    folder = add_run(checkpoints, "made-up")
    edits = Edits(
        options={"ignore_threshold": 0.3, "box_unit": "image", "decoded": True},
        lambdas={"xy": 7.5},
    )
    assert new_run_command(folder, edits) == (
        f"python -m yolo_core train --config {folder.config} --option ignore_threshold=0.3 "
        "--option box_unit=image --option decoded=true --lambda xy=7.5"
    )


def test_options_are_explained_by_the_loss_itself() -> None:
    described = described_options(YoloV2Loss)
    assert described.keys() >= {"ignore_threshold", "iou_gradient", "warmup_batches"}
    assert "IoU" in described["ignore_threshold"]


def test_two_pictures_of_the_same_name_and_loss_are_not_taken_for_each_other() -> None:
    loss = make_loss("yolov2")
    view = make_snapshot(loss, 20).sample("val/2")  # no objects
    other = dataclasses.replace(view, image=255 - view.image, y_pred=view.y_pred + 1)
    first = recomputed(loss, view, Edits())
    second = recomputed(loss, other, Edits())
    np.testing.assert_array_equal(second.image, other.image)
    np.testing.assert_array_equal(second.y_pred, other.y_pred)
    assert recomputed(loss, view, Edits()) is first
