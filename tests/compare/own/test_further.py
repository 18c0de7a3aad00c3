"""What shows on saturated predictions and on a grid that is not square."""

from __future__ import annotations

import json

import numpy as np
import pytest

from yolo_core.__main__ import main
from yolo_core.compare.own.further import cut_off, extremes
from yolo_core.compare.own.term_factors import TermFactor

NAMES = ("x", "y", "w", "h", "objectness", "class 0", "class 1")
KNOWN = [TermFactor("no_object", 9, 9, 2.0)]


def sigmoid(raw):
    return 1 / (1 + np.exp(-raw))


@pytest.fixture(scope="module")
def confidence():
    """Saturated confidences of 200 slots, and what binary cross-entropy with 0 pulls on them."""
    slots = np.random.default_rng(0).normal(size=(1, 200, 7))
    extreme = extremes(NAMES, slots, np.full((1, 200), -1))[0]
    assert extreme.channels == (4,)
    np.testing.assert_array_equal(extreme.slots[..., 5:], slots[..., 5:].astype(np.float32))
    pull = np.zeros((1, 200, 7))
    pull[..., 4] = sigmoid(extreme.slots[..., 4].astype(float))
    return extreme, pull


def told(confidence, mine, factors=KNOWN):
    extreme, pull = confidence
    every = np.ones((1, 200), bool)
    return cut_off(extreme, mine, {"no_object": pull}, factors, every, {"no_object": pull}).told


def test_the_same_up_to_its_weight(confidence):
    assert told(confidence, 2 * confidence[1]) == ""


def test_a_clip_is_told_with_its_number(confidence):
    extreme, pull = confidence
    distance = sigmoid(-np.abs(extreme.slots[..., 4].astype(float)))
    mine = 2 * pull
    mine[..., 4] *= distance > 1e-5
    assert "within about 1e-05 of 0 or 1 yours trains nothing (a clip" in told(confidence, mine)


def test_a_number_in_the_logarithm_is_told(confidence):
    extreme, pull = confidence
    # log(1 - p + e): the pull is p (1 - p) / (1 - p + e).
    other = sigmoid(-extreme.slots[..., 4].astype(float))
    mine = 2 * pull
    mine[..., 4] *= other / (other + 1e-4)
    assert "about 0.0001 is added to a probability inside the" in told(confidence, mine)


def test_no_finite_number_is_told(confidence):
    extreme, pull = confidence
    mine = np.where(extreme.slots > 16.7, np.nan, 2 * pull)
    mine[..., :4] = mine[..., 5:] = 0
    assert "is no finite number in " in told(confidence, mine)


def test_of_a_term_that_differs_anyway_nothing_is_told(confidence):
    assert told(confidence, 0 * confidence[1], [TermFactor("no_object", 9, 2, None)]) == ""


def compared(loss, tmp_path, capsys):
    """What the command says of a loss, as JSON."""
    (tmp_path / "mine.py").write_text(loss)
    own = ("compare", f"{tmp_path}/mine.py:loss", "--against", "yolov2/notebook")
    assert main([*own, "--labels", "grid", "--json", "--checkpoints", str(tmp_path)]) == 0
    return json.loads(capsys.readouterr().out)


OWN = """
import numpy as np
import tensorflow as tf

ANCHORS = [0.57, 0.68, 1.87, 2.06, 3.34, 5.47]

def boxes_of(y_pred):
    rows, columns = y_pred.shape[1:3]
    number = np.arange(rows * columns)
    place = np.stack([number % rows, number // rows], axis=-1).reshape(rows, columns, 1, 2)
    anchors = np.reshape(ANCHORS, (-1, 2)).astype("float32")
    centre = tf.sigmoid(y_pred[..., :2]) + place.astype("float32")
    return tf.concat([centre, tf.exp(y_pred[..., 2:4]) * anchors], axis=-1)

def loss(y_true, y_pred):
    object = y_true[..., 4:5]
    error = (boxes_of(y_pred) - y_true[..., :4]) ** 2
    p = tf.reduce_sum(tf.nn.softmax(y_pred[..., 5:]) * y_true[..., 5:], axis=-1)
    surprise = -tf.math.log(tf.clip_by_value(p, 1e-7, 1 - 1e-7))
    count = tf.reduce_sum(object)
    box = tf.reduce_sum(object * error) / count / 2
    return box + tf.reduce_sum(object[..., 0] * surprise) / count
"""


@pytest.mark.slow
def test_a_clip_and_rows_taken_for_columns_beside_two_terms_that_are_left_out(tmp_path, capsys):
    found = compared(OWN, tmp_path, capsys)
    assert found["tried"] == ["saturated ones", "others on a grid of 6 rows and 8 columns"]
    clip, wide = found["diagnosis"]
    assert clip.startswith("On saturated predictions classification (class scores) is cut off")
    assert wide == (
        "On a grid of 6 rows and 8 columns: In x and y (the term xy) boxes are decoded with a "
        "mistake: rows taken for columns where cells are counted one after the other."
    )
    assert not found["same"]


ACTIVATED = """
import tensorflow as tf

def loss(y_true, y_pred):
    rows, columns = y_pred.shape[1:3]
    object = y_true[..., 4:5]
    target = tf.concat([y_true[..., :2] % 1, y_true[..., 2:4]], axis=-1)
    box = y_pred[..., :4] * tf.constant([1, 1, columns, rows], "float32")
    wanted = tf.reduce_sum(object * y_true[..., 5:] * tf.math.log(y_pred[..., 5:]))
    return (tf.reduce_sum(object * (box - target) ** 2) / 2 - wanted) / tf.reduce_sum(object)
"""


@pytest.mark.slow
def test_activated_predictions_are_found_out(tmp_path, capsys):
    found = compared(ACTIVATED, tmp_path, capsys)
    assert found["tried"][0].startswith("activated first (sigmoid, softmax), which fits yours")
    assert {each["term"]: each["factor"] for each in found["terms"]} == {
        "xy": pytest.approx(1, abs=1e-3),
        "wh": pytest.approx(1, abs=1e-3),
        "objectness": 0.0,
        "no_object": 0.0,
        "classification": pytest.approx(1, abs=1e-3),
    }
