"""The gradients of a snapshot's terms: of every loss, and of the step that trains."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.losses.loss_table import DEFAULTS, random_scene
from tests.training.tiny import tiny_batches, tiny_detector
from yolo_core.training.detector import Detector

pytestmark = pytest.mark.slow


def slot_gradient(loss, y_true, y_pred):
    """(B, P, channels): the gradient of the total, straight from a tape."""
    y_pred = tf.constant(y_pred)
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        total = loss(y_true, y_pred)
    return loss.slot_predictions(tape.gradient(total, y_pred)).numpy()


def weighted_sum(breakdown):
    return sum(breakdown.lambdas[name] * each for name, each in breakdown.gradients.items())


def identity(shape):
    """A network that hands on what it gets: its pictures are the predictions."""
    given = keras.Input(shape)
    return keras.Model(given, keras.layers.Activation("linear")(given))


@pytest.mark.parametrize("case", DEFAULTS)
def test_weighted_gradients_of_terms_are_the_gradient_of_the_total(case):
    loss = case.loss(lambdas={"classification": 0.5})
    loss.set_lambda("box" if "box" in loss.term_names else "xy", 3.0)
    y_true, y_pred = random_scene(4), case.predictions(3, seed=4)
    _, breakdown = Detector(identity(y_pred.shape[1:]), loss).inspect(
        y_pred, y_true, gradients=True
    )
    assert set(breakdown.gradients) == set(loss.term_names)
    expected = slot_gradient(loss, y_true, y_pred)
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(weighted_sum(breakdown), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", DEFAULTS)
def test_a_term_touches_the_channels_that_it_is_named_after(case):
    loss = case.loss()
    y_true, y_pred = random_scene(4), case.predictions(3, seed=4)
    detector = Detector(identity(y_pred.shape[1:]), loss)
    gradients = detector.inspect(y_pred, y_true, gradients=True)[1].gradients
    names = np.asarray(loss.channel_names)

    def touched(term):
        return {*names[np.abs(gradients[term]).max(axis=(0, 1)) > 0].tolist()}

    classes = {name for name in names.tolist() if name.startswith("class ")}
    # One term has the whole box where it is trained by its overlap, or by one weight.
    if "box" in loss.term_names:
        assert touched("box") == {"x", "y", "w", "h"}
    else:
        assert touched("xy") == {"x", "y"}
        assert touched("wh") == {"w", "h"}
    # SSD's background is a class of its own.
    assert touched("classification") - {"background"} == classes
    if "objectness" in names:
        assert "objectness" in touched("no_object")
    else:  # the background is a class of its own, or what no class says
        assert touched("no_object") in ({"background", *classes}, classes)


def test_classes_that_a_cell_shares_have_one_gradient_on_all_its_slots():
    case = next(each.values[0] for each in DEFAULTS if each.values[0].name == "yolov1")
    y_true, y_pred = random_scene(4), case.predictions(3, seed=4)
    detector = Detector(identity(y_pred.shape[1:]), case.loss())
    gradients = detector.inspect(y_pred, y_true, gradients=True)[1].gradients
    classes = gradients["classification"][..., 5:].reshape(3, -1, 2, 3)
    np.testing.assert_array_equal(classes[:, :, 0], classes[:, :, 1])


def test_the_gradients_of_a_step_s_batch_are_those_that_it_trained_with():
    detector = tiny_detector()
    images, y_true = tiny_batches(1)
    detector.wants_breakdown = True
    detector.fit(images, y_true, batch_size=3, shuffle=False, verbose=0)
    batch = detector.last_batch
    raw = batch["y_pred"].reshape(3, 2, 2, 14)
    expected = slot_gradient(detector.detection_loss, y_true, raw)
    np.testing.assert_allclose(weighted_sum(batch["breakdown"]), expected, rtol=1e-4, atol=1e-7)


def test_nobody_pays_for_gradients_that_nobody_asked_for():
    detector = tiny_detector()
    images, y_true = tiny_batches(1)
    assert detector.inspect(images, y_true)[1].gradients == {}
