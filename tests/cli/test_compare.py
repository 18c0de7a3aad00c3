"""`python -m yolo_core compare`: a loss in the Keras notebook's style, right and with mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.training.runs_by_command import SMALL, command, train
from yolo_core.compare.own.saved import list_comparisons, read_comparison

pytestmark = pytest.mark.slow

NOTEBOOK = Path(__file__).parents[1] / "notebook_style_loss.py"
OWN = Path(__file__).parents[1] / "own_losses.py"


def notebook(folder: Path, name: str, *changes: tuple[str, str]) -> str:
    """A copy of the notebook's loss with something else in it."""
    text = NOTEBOOK.read_text()
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    file = folder / f"{name}.py"
    file.write_text(text)
    return f"{file}:custom_loss"


def compare(own: str, *arguments: str, checkpoints: Path, against="yolov2/notebook") -> dict:
    if "--sample" not in arguments:
        arguments = (*arguments, "--sample", "val/0")
    done = command(
        "compare", own, "--against", against, "--json", *arguments, checkpoints=checkpoints
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(own: str, *arguments: str, checkpoints: Path) -> str:
    done = command("compare", own, *arguments, checkpoints=checkpoints)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_the_notebook_s_loss_rewritten_is_the_published_one(tmp_path):
    own = notebook(tmp_path, "right")
    found = compare(own, "--labels", "grid", checkpoints=tmp_path)
    assert found["findings"] == ["The two gradients are the same everywhere."]
    assert found["your_total"] == pytest.approx(found["published_total"], rel=1e-5)
    assert found["slots"] == []
    # And so for several pictures at once, whose counts are pooled.
    several = [part for index in range(3) for part in ("--sample", f"val/{index}")]
    found = compare(own, "--labels", "grid", *several, "--seed", "5", checkpoints=tmp_path)
    assert found["same"]
    assert found["samples"] == ["val/0", "val/1", "val/2"]


def test_twice_as_much(tmp_path):
    own = notebook(tmp_path, "double", ("    return loss\n", "    return 2 * loss\n"))
    found = compare(own, "--labels", "grid", checkpoints=tmp_path)
    assert found["factor"] == pytest.approx(2, rel=1e-4)
    assert found["findings"] == [
        "Yours is 2 x the published one everywhere: the same loss with another weight."
    ]


def test_an_inverted_ignore_mask(tmp_path):
    own = notebook(tmp_path, "inverted", ("best < 0.6", "best > 0.6"))
    found = compare(own, "--labels", "grid", checkpoints=tmp_path)
    assert found["findings"][0].startswith(
        "The ignore rule is the wrong way round: your loss trains"
    )
    masks = read_comparison(list_comparisons(tmp_path)[0]).views[0].assignment
    assert {each["slot"] for each in found["slots"]} == set(np.flatnonzero(~masks.object_mask))
    ignored = [each for each in found["slots"] if each["part"] == "ignored"]
    assert {each["slot"] for each in ignored} == set(np.flatnonzero(masks.ignore_mask))
    for each in ignored:
        assert each["sentence"] == "your loss trains it, and the published one leaves it alone"
        assert re.match(r"ignored: its box overlaps object \d .* IoU 0\.[6-9]", each["reason"])
        (channel,) = each["channels"]
        assert channel["name"] == "objectness"
        assert channel["published"] == 0
    # What is right stays out of it.
    assert {each["term"]: each["factor"] for each in found["terms"]} == {
        "xy": pytest.approx(1, rel=1e-3),
        "wh": pytest.approx(1, rel=1e-3),
        "objectness": pytest.approx((len(masks.object_mask) - len(ignored)) / 15, rel=1e-2),
        "no_object": None,
        "classification": pytest.approx(1, rel=1e-3),
    }


def test_a_missing_square_is_called_by_its_name(tmp_path):
    own = notebook(
        tmp_path,
        "square",
        (
            "tf.square(wanted - confidence)",
            "tf.where(has_object > 0, tf.square(wanted - confidence), 0 - confidence)",
        ),
    )
    found = compare(own, "--labels", "grid", checkpoints=tmp_path)
    assert found["diagnosis"] == [
        'Your loss looks like yolov2/notebook with the slip "Missing square" (B-3): that has your '
        "gradient everywhere."
    ]
    masks = read_comparison(list_comparisons(tmp_path)[0]).views[0].assignment
    assert {each["slot"] for each in found["slots"]} == set(np.flatnonzero(masks.no_object_mask))
    assert {each["sentence"] for each in found["slots"]} == {"your loss pushes the other way"}


def test_x_and_y_swapped(tmp_path):
    own = notebook(tmp_path, "swapped", ("[column, row]", "[row, column]"))
    found = compare(own, "--labels", "grid", checkpoints=tmp_path)
    view = read_comparison(list_comparisons(tmp_path)[0]).views[0]
    objects = set(np.flatnonzero(view.assignment.object_mask))
    layout = view.layout
    off_diagonal = {slot for slot in objects if layout.row[slot] != layout.column[slot]}
    named = {each["slot"] for each in found["slots"] if each["part"] == "object"}
    assert off_diagonal <= named <= objects
    for each in found["slots"]:
        if each["slot"] in off_diagonal:
            channels = [channel["name"] for channel in each["channels"]]
            assert {"x", "y"} <= set(channels)
            assert not any(name.startswith("class ") for name in channels)
    assert found["findings"][-1] == "The same: wh, classification."
    assert found["diagnosis"][0] == (
        "Boxes are decoded with a mistake: the row added to x and the column to y."
    )


def test_square_roots_forgotten(tmp_path):
    own = notebook(tmp_path, "no_root")
    found = compare(own, "--labels", "grid", checkpoints=tmp_path, against="yolov2/formula")
    assert found["diagnosis"] == [
        "Your loss looks like yolov2/formula with no square roots of the sizes: that has your "
        "gradient everywhere, given these weights: xy 0.5 x, wh 0.5 x, objectness 0.5 x, no_object "
        "0.5 x."
    ]
    channels = {channel["name"] for each in found["slots"] for channel in each["channels"]}
    assert channels == {"w", "h"}
    assert {each["part"] for each in found["slots"]} == {"object"}


def test_two_mistakes_at_once(tmp_path):
    own = notebook(
        tmp_path,
        "two",
        ("best < 0.6", "best < 1.1"),
        ("wanted = iou * has", "wanted = tf.stop_gradient(iou) * has"),
    )
    found = compare(own, "--labels", "grid", checkpoints=tmp_path)
    (sentence,) = found["diagnosis"]
    assert "no ignore rule at all" in sentence
    assert 'the slip "Gradient through the IoU target" (D-6) undone' in sentence


def test_as_a_person_reads_it(tmp_path):
    own = notebook(tmp_path, "inverted", ("best < 0.6", "best > 0.6"))
    sample = ("--sample", "val/0")
    arguments = ("--against", "yolov2/notebook", "--labels", "grid", "--top", "2", *sample)
    done = command("compare", own, *arguments, checkpoints=tmp_path)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("inverted.py:custom_loss against yolov2/notebook on val/")
    assert lines[3].startswith("Other slots are trained as empty: the ignore rule is the wrong way")
    place = next(
        line for line in lines if re.match(r"val/\d, cell \(row \d, column \d\), anchor", line)
    )
    assert place.endswith(": your loss trains it, and the published one leaves it alone.")
    assert re.search(r"^    objectness +yours +[0-9.e-]+   published +0$", done.stdout, re.M)
    assert lines[-3].endswith("more slots.")
    assert lines[-2].startswith("Set in your file to fit: GRID_H = 6; GRID_W = 6; BOX = 3; ")
    assert lines[-1].startswith("The Compare page shows it: ")


def test_a_loss_class_and_rows_of_labels(tmp_path):
    found = compare(f"{OWN}:FocalLoss", checkpoints=tmp_path, against="yolov2")
    assert {each["term"]: each["factor"] for each in found["terms"]}["no_object"] is None
    assert {each["part"] for each in found["slots"]} == {"no object"}
    found = compare(f"{OWN}:mean_square", checkpoints=tmp_path, against="ssd")
    assert found["findings"][0].startswith("Your loss trains ")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "def f(y_true, y_pred):\n    return y_pred.nothing\n",
            "line 2: mine.py:f failed on y_true",
        ),
        (
            "def f(y_true, y_pred):\n    return None\n",
            "must return a number, numbers, or a tuple with the total first",
        ),
        (
            "import tensorflow as tf\ndef f(y_true, y_pred):\n    return tf.reduce_sum(y_true)\n",
            "does not depend on y_pred, or only through something that has no gradient",
        ),
        (
            "def f(y_true, y_pred):\n    return y_pred[..., :1] * y_pred[..., 0]\n",
            "Incompatible shapes: [7,6,6,1] vs. [7,6,6]. (One has 4 axes and the other 3: a mask",
        ),
        ("f = 3\n", "mine.py:f is a int; expected a function of (y_true, y_pred)"),
        ("class f:\n    pass\n", "f has none of the methods call, forward, loss"),
        ("def g(y_true, y_pred):\n    return 0\n", "has no 'f'; it defines g."),
    ],
)
def test_a_file_that_does_not_do(tmp_path, text, sentence):
    (tmp_path / "mine.py").write_text(text)
    own = f"{tmp_path}/mine.py:f"
    assert sentence in refused(own, "--against", "yolov2", checkpoints=tmp_path)


def test_wrong_words(tmp_path):
    own = notebook(tmp_path, "right")
    for arguments, sentence in (
        ((), "--against says which published loss yours is held against"),
        (("--against", "yolov9"), "There is no loss 'yolov9'"),
        (("--against", "yolov2", "--sample", "val"), "A sample is named"),
        (("--against", "yolov2", "--run", "none"), "There is no run 'none'"),
        (("--against", "yolov2", "--run", "a", "--data", "digits"), "give --run or --data"),
        (("--against", own), "--against takes a published loss"),
        (("--against", "ssd", "--labels", "grid"), "they go with --against yolov2"),
        # The notebook's function on rows: told what else there is.
        (("--against", "yolov2"), "--labels says what else it can be given"),
    ):
        assert sentence in refused(own, *arguments, checkpoints=tmp_path)
    assert "named FILE.py:NAME" in refused("custom_loss", checkpoints=tmp_path)
    assert list_comparisons(tmp_path) == []


@pytest.mark.slow
def test_on_what_a_run_predicted(tmp_path):
    steps = ("--steps", "4", "--checkpoint-every", "4", "--evaluate-every", "4")
    loss = ("--loss", "yolov2/notebook")
    train("--run", "short", *SMALL, *loss, *steps, checkpoints=tmp_path)
    own = notebook(tmp_path, "right")
    arguments = ("--run", "short", "--sample", "val/3", "--labels", "grid")
    done = command("compare", own, *arguments, "--json", checkpoints=tmp_path)
    found = json.loads(done.stdout)
    assert found["same"]
    assert found["against"] == "yolov2/notebook"
    assert found["samples"] == ["val/3"]
    assert found["predictions"] == "of run short at step 4"
    other = refused(own, *arguments, "--against", "mnist_yolo", checkpoints=tmp_path)
    assert "Run 'short' was trained with yolov2/notebook, whose slots have the channels" in other
    assert "no snapshot of 'val/99'" in refused(
        own, "--run", "short", "--sample", "val/99", checkpoints=tmp_path
    )


def test_classes_methods_tuples_and_names_of_the_file(tmp_path):
    text = """
import tensorflow as tf

S, C = 7, 20

class Loss:
    def __init__(self, num_classes, weight):
        self.classes, self.weight = num_classes, weight

    def total(self, y_true, y_pred):
        assert y_true.shape[1:] == (S, S, 5 + self.classes) and self.classes == C
        confidence = y_pred[..., 4]
        return self.weight * tf.reduce_sum(confidence ** 2), {"parts": 1}
"""
    (tmp_path / "theirs.py").write_text(text)
    own = f"{tmp_path}/theirs.py:Loss.total"
    given = ("--labels", "cells", "--activated", "--with", "weight=2.0")
    found = compare(own, *given, checkpoints=tmp_path, against="yolov1")
    assert found["set_names"] == {"C": "10", "S": "6"}
    # The confidence of the first box of every cell alone, squared: 2 x against a lambda of 0.5.
    assert {each["name"] for slot in found["slots"] for each in slot["channels"]} >= {"objectness"}
    missing = refused(own, "--against", "yolov1", checkpoints=tmp_path)
    assert "Loss needs weight: give --with weight=VALUE." in missing
