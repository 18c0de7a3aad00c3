"""The why card: which slot and object it is about, and what would change it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.dashboard.page import assert_sound, opener, words
from tests.dashboard.sample_run import LAST_STEP, make_loss, make_run
from yolo_core.runs.snapshots import read_snapshot, write_snapshot

open_page = opener("inspect")
WHY = "**Anchor {} of cell (row {}, column {})**"


def query(page: AppTest, name: str) -> str | None:
    value = page.query_params.get(name)
    return value[0] if isinstance(value, list) else value


def test_it_starts_at_the_object_s_own_slot(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(sample="val/1")
    assert_sound(page)
    text = words(page)
    assert WHY.format(1, 2, 2) in text
    assert "**Object**: it is trained for object 1 (class 7)" in text
    assert "**Who gets object 1 (class 7)**" in text
    assert (query(page, "anchor"), query(page, "object")) == ("1", "1")


def test_a_link_brings_slot_and_object_back(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(sample="val/1", row="2", column="2", anchor="0", object="0")
    text = words(page)
    assert WHY.format(0, 2, 2) in text
    assert "**Who gets object 0 (class 3)**" in text
    (candidates,) = (each.value for each in page.table if "candidate" in each.value)
    assert "but object 1" in candidates["decision"].iloc[0]


@pytest.mark.parametrize("wrong", [{"anchor": "7"}, {"anchor": "x"}, {"object": "9"}])
def test_what_is_not_there_leads_to_what_is(
    add_finished: Callable[[str], Path], wrong: dict[str, str]
) -> None:
    add_finished("yolov2-1")
    page = open_page(sample="val/1", row="2", column="2", **wrong)
    assert_sound(page)
    assert WHY.format(1, 2, 2) in words(page)
    assert "**Who gets object 1 (class 7)**" in words(page)


def test_another_slot_of_the_cell(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(sample="val/1")
    page.button_group(key="anchor").set_value("2").run()
    assert_sound(page)
    assert WHY.format(2, 2, 2) in words(page)
    # Another cell begins with its own slot again.
    page.number_input(key="row").set_value(1)
    page.number_input(key="column").set_value(4).run()
    assert "of cell (row 1, column 4)**" in words(page)
    assert "trained for object 4 (class 9)" in words(page)


def test_an_object_selects_its_slot(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(sample="val/1")
    page.button_group(key="object").set_value(4).run()
    assert_sound(page)
    assert "of cell (row 1, column 4)**" in words(page)
    assert "**Who gets object 4 (class 9)**" in words(page)
    # One that lost its slot shows the slot that it lost, and stays what the card is about.
    page.button_group(key="object").set_value(0).run()
    assert WHY.format(1, 2, 2) in words(page)
    assert "**Who gets object 0 (class 3)**" in words(page)
    assert query(page, "object") == "0"
    # One outside the picture has none: the cell nearest to it is shown.
    page.button_group(key="object").set_value(2).run()
    assert_sound(page)
    assert "Its centre (115.2, 48.0 px) lies outside the picture" in words(page)
    assert "of cell (row 3, column 5)**" in words(page)
    # Another slot is about its own object again.
    page.number_input(key="row").set_value(2)
    page.number_input(key="column").set_value(2).run()
    assert "**Who gets object 1 (class 7)**" in words(page)


def test_without_gradients_on_record_it_says_so(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(card="Terms")
    assert "This snapshot holds no gradients" in words(page)


def test_with_gradients_it_says_what_they_push(add_finished: Callable[[str], Path]) -> None:
    path = add_finished("yolov2-1") / "snapshots" / f"pinned-{LAST_STEP:08d}.npz"
    snapshot = read_snapshot(path)
    for term in snapshot.breakdown.terms:
        gradient = np.zeros(snapshot.y_pred.shape, np.float32)
        gradient[..., 2] = -1.0
        snapshot.breakdown.gradients[term] = gradient
    write_snapshot(path, snapshot)
    page = open_page(card="Terms")
    assert_sound(page)
    assert "Together the terms push width up: the gradient of this picture's own loss." in words(
        page
    )


def test_classes_that_a_cell_shares_are_said_to_be_shared(checkpoints: Path) -> None:
    folder = make_run(
        checkpoints, "cells", loss_name="mnist_yolo", pinned_steps=(0,), batch_steps=(), steps=0
    )
    path = folder.snapshots / "pinned-00000000.npz"
    snapshot = read_snapshot(path)
    classes = snapshot.y_pred[..., 5:].reshape(4, 36, 3, 10)
    classes[:] = classes[:, :, :1]  # as YOLOv1 has them
    zeros = np.zeros(snapshot.y_pred.shape, np.float32)
    snapshot.breakdown.gradients.update(dict.fromkeys(snapshot.breakdown.terms, zeros))
    write_snapshot(path, snapshot)
    page = open_page(card="Terms")
    assert_sound(page)
    assert "Its cell has one set of classes" in words(page)


@pytest.mark.slow
def test_what_would_change_it_is_there_when_asked_for(checkpoints: Path) -> None:
    """By the loss of the run's configuration, here the data's own anchors in the snapshot too."""
    from yolo_core.data.registry import open_source
    from yolo_core.training.build import build_loss
    from yolo_core.training.config import read_config

    folder = make_run(
        checkpoints, "mnist-1", loss_name="mnist_yolo", pinned_steps=(0,), batch_steps=(), steps=0
    )
    config = read_config(folder.config)
    assert build_loss(config, open_source(config.data)).get_config() == (
        make_loss("mnist_yolo").get_config()
    )
    page = open_page(sample="val/0")
    assert "- fall in cell" not in words(page)
    page = open_page(sample="val/0", card="What if")
    assert_sound(page)
    assert not page.error
    assert "Object 0 (class 4) would" in words(page)
    assert "- fall in cell (row 2, column 4), predictor" in words(page)
    assert "if its centre moved 0.64 px right" in words(page)


@pytest.mark.slow
def test_a_loss_that_decides_otherwise_here_is_not_asked(
    add_finished: Callable[[str], Path],
) -> None:
    folder = add_finished("yolov2-1")  # its anchors are not the data's own
    page = open_page(whatif="true")
    assert_sound(page)
    assert "does not give this picture the slots that are on record" in page.error[0].value
    fields = json.loads((folder / "config.json").read_text())
    fields["loss"]["name"] = "/nowhere/own.py:Own"
    (folder / "config.json").write_text(json.dumps(fields))
    page = open_page(whatif="true")
    assert_sound(page)
    assert "only the training process" in page.error[0].value
