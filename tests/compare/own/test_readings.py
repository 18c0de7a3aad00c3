"""A published loss that reads x for y, forgets exp, ...: the mistake is called by its name."""

from __future__ import annotations

import itertools

import pytest

from yolo_core.compare.own.diagnosis import diagnose, term_gradients
from yolo_core.compare.own.gradients import differing
from yolo_core.compare.own.readings import AS_IT_IS, readings
from yolo_core.compare.raw_shape import network_output

pytestmark = pytest.mark.slow

NAMES = ("yolov2", "yolov1", "yolov3", "ssd", "mnist_yolo")
MISTAKES = {"yolov2": 13, "yolov3": 4, "ssd": 4}


def given(scene, name):
    loss = scene.loss(name)
    return loss, scene.y_true[None], network_output(loss, scene.slots(loss))


@pytest.mark.parametrize("name", NAMES)
def test_how_many_can_be_made(scene, name):
    loss, _, y_pred = given(scene, name)
    words = [each.words for each in readings(loss, y_pred.shape)]
    assert len(set(words)) == len(words) == MISTAKES.get(name, 5)


def test_no_two_of_them_are_the_same(scene):
    loss, y_true, y_pred = given(scene, "yolov2")
    terms = [
        term_gradients(loss, y_true, y_pred, each)[1]
        for each in (AS_IT_IS, *readings(loss, y_pred.shape))
    ]
    for mine, other in itertools.permutations(terms, 2):
        assert differing(sum(mine.values()), other).any()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("yolov2", "x and y exchanged in the boxes that predictions are compared with"),
        ("yolov1", "the raw numbers of x and y exchanged"),
        ("yolov2", "x and y exchanged in the target within the cell"),
        ("ssd", "width and height of the labels exchanged"),
    ],
)
def test_a_mistake_is_called_by_its_name(scene, name, words):
    loss, y_true, y_pred = given(scene, name)
    mistake = next(each for each in readings(loss, y_pred.shape) if each.words == words)
    _, terms = term_gradients(loss, y_true, y_pred, mistake)
    assert diagnose(loss, name, y_true, y_pred, 3 * sum(terms.values())) == (
        f"Your loss looks like {name} with {words}: that has your gradient everywhere, given these "
        "weights: all 3 x.",
    )


def test_the_loss_itself_has_none(scene):
    loss, y_true, y_pred = given(scene, "yolov2")
    _, terms = term_gradients(loss, y_true, y_pred)
    assert diagnose(loss, "yolov2", y_true, y_pred, sum(terms.values())) == ()


def test_options_that_do_not_go_together_are_not_tried(scene):
    loss, y_true, y_pred = given(scene, "mnist_yolo/cell_offsets")
    _, terms = term_gradients(loss, y_true, y_pred)
    assert diagnose(loss, "it", y_true, y_pred, terms["classification"]) == ()
