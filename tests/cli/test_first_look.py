"""A sample as a training would begin with it, in this process and by the one that answers."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

from yolo_core.assignment import ObjectStatus
from yolo_core.cli.first_look import first_look
from yolo_core.explain.report import explain
from yolo_core.losses.families import FAMILY_NAMES


@pytest.mark.slow
def test_the_objects_get_the_slots_that_the_settings_say() -> None:
    view = first_look(["--loss", "yolov2", "--anchors-per-head", "2"], 0)
    assert (view.name, view.loss_name) == ("val/0", "yolov2")
    assert view.layout.grids == ((6, 6, 2),)
    assert not view.y_pred.any()
    other = first_look(["--loss", "yolov2", "--anchors", "20,20", "40,40", "--seed", "7"], 1)
    assert other.name == "val/1"
    assert not np.array_equal(other.image, view.image)
    np.testing.assert_allclose(other.layout.prior[:2, 2:] * 96, [[20, 20], [40, 40]], rtol=1e-5)
    # A lambda of the form is in what the slots add.
    heavy = first_look(["--loss", "yolov2", "--anchors-per-head", "2", "--lambda", "xy=300"], 0)
    assert heavy.lambdas["xy"] == 300
    assert heavy.terms == pytest.approx(view.terms)


@pytest.mark.parametrize("loss", FAMILY_NAMES)
def test_every_object_is_accounted_for_under_every_loss(loss: str) -> None:
    view = first_look(["--loss", loss], 3)
    objects = explain(view).objects
    assert len(objects) == len(view.objects) > 0
    assert all(each.status is not ObjectStatus.PADDING for each in objects)
    masks = view.assignment
    parts = [masks.object_mask, masks.no_object_mask, masks.ignore_mask]
    assert (np.sum(parts, axis=0) == 1).all()


def test_settings_that_no_training_takes_are_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="no loss"):
        first_look(["--loss", "nosuch"], 0)
    with pytest.raises(ValueError, match="none that a training takes"):
        first_look(["--nosuch"], 0)
    capsys.readouterr()


@pytest.mark.slow
def test_the_process_answers_line_by_line_as_tensorflow_would() -> None:
    questions = [[["--loss", "yolov3"], 2], [["--loss", "nosuch"], 0], [["--loss", "ssd"], 0]]
    lines = "".join(json.dumps(each) + "\n" for each in questions)
    done = subprocess.run(
        [sys.executable, "-m", "yolo_core.cli.first_look"],
        input=lines.encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    answers = io.BytesIO(done.stdout)
    for arguments, number in questions:
        answer = pickle.load(answers)
        if arguments[1] == "nosuch":
            assert "nosuch" in answer
            continue
        here = first_look(arguments, number)
        assert answer.terms == pytest.approx(here.terms, rel=1e-4)
        np.testing.assert_array_equal(answer.assignment.object_mask, here.assignment.object_mask)
    assert answers.read() == b""
