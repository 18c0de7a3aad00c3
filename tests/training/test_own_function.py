"""A function of somebody's own: its number and what it sends into every slot."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.training import own_function_values as made
from yolo_core.compare.own.diagnosis import term_gradients
from yolo_core.losses import YoloV2Loss
from yolo_core.training.own_function import OwnFunction

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_loss_of_ours_as_a_function_has_the_gradient_of_its_terms():
    loss = YoloV2Loss([[1.0, 2.0], [2.0, 1.0]], made.CLASSES, lambdas={"coord": 3.0})
    (raw,) = made.drawn((2, 3, 4, 2 * (5 + made.CLASSES)))
    whole, weighted = term_gradients(loss, made.labels(), raw)
    own = made.of_a_loss()
    assert own.name == "YoloV2Loss"
    np.testing.assert_allclose(own.total, whole.total, rtol=1e-6)
    np.testing.assert_allclose(own.gradient, sum(weighted.values()), rtol=1e-4, atol=1e-7)


def test_functions_of_outputs_pull_where_their_labels_have_an_object():
    """The gradient of the mean over two pictures of p² is p, in the slot of the object alone."""
    own = made.of_functions()
    heads = made.outputs()
    slots = np.asarray(made.published().slot_predictions(heads))
    trained = own.gradient.any(axis=-1)
    assert trained.sum(axis=-1).tolist() == [2, 1]
    np.testing.assert_allclose(own.gradient[trained], slots[trained], rtol=1e-6)
    np.testing.assert_allclose(own.total, np.square(slots[trained]).sum() / 2, rtol=1e-6)
    assert own.name == "mine"


def test_looking_at_it_is_no_step_for_what_it_counts_with():
    seen = tf.Variable(3.0, trainable=False)

    def counting(_, y_pred):
        return tf.reduce_sum(y_pred) * seen.assign_add(1.0)

    loss = YoloV2Loss([[1.0, 1.0]], made.CLASSES)
    (raw,) = made.drawn((2, 2, 2, 5 + made.CLASSES))
    own = OwnFunction(counting).on(made.labels(), raw, loss)
    assert (own.gradient == 4.0).all()
    assert float(seen.numpy()) == 3.0


def test_labels_made_by_a_function_of_the_script():
    def corners(rows):
        return rows[..., 1:3] - rows[..., 3:5] / 2

    def first_corner(y_true, y_pred):
        return tf.reduce_mean(y_true) * tf.reduce_sum(y_pred)

    loss = YoloV2Loss([[1.0, 1.0]], made.CLASSES)
    (raw,) = made.drawn((2, 2, 2, 5 + made.CLASSES))
    own = OwnFunction(first_corner, labels=corners).on(made.labels(), raw, loss)
    np.testing.assert_allclose(own.gradient, corners(made.labels()).mean(), rtol=1e-6)


class TestRefused:
    def test_what_does_not_depend_on_the_predictions(self):
        loss = YoloV2Loss([[1.0, 1.0]], made.CLASSES)
        (raw,) = made.drawn((2, 2, 2, 5 + made.CLASSES))
        own = OwnFunction(lambda y_true, _: tf.reduce_mean(y_true))
        with pytest.raises(ValueError, match="does not depend on the predictions"):
            own.on(made.labels(), raw, loss)

    def test_labels_of_an_unknown_name(self):
        with pytest.raises(ValueError, match="labels must be one of rows, keras_yolo3"):
            OwnFunction(lambda *_: 0, labels="coco")


@pytest.mark.slow
@pytest.mark.backend
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_every_backend_sends_the_same_into_the_slots(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    script = Path(__file__).with_name("own_function_values.py")
    path = tmp_path / "values.npz"
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, script, path], env=environment, check=True, timeout=500)
    with np.load(path) as found:
        for name, own in (("functions", made.of_functions()), ("loss", made.of_a_loss())):
            np.testing.assert_allclose(found[f"{name}.total"], own.total, rtol=1e-5)
            np.testing.assert_allclose(
                found[f"{name}.gradient"], own.gradient, rtol=1e-4, atol=1e-6
            )
