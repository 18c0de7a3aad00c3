"""What each term pulls on the last shared layer, against gradients that are taken one by one."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from yolo_core.losses import YoloV2Loss
from yolo_core.training.detector import Detector
from yolo_core.training.pulls import last_shared_kernel, pull_columns


def small_network(heads: int = 1) -> keras.Model:
    """first -> last -> one or two heads of 2x2 cells; one anchor and two classes."""
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="first")(image)
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="tanh", name="last")(x)
    ends = [keras.layers.Conv2D(7, 1, name=f"head{i}")(x) for i in range(heads)]
    return keras.Model(image, ends[0] if heads == 1 else keras.layers.Concatenate(axis=1)(ends))


@pytest.mark.parametrize("heads", [1, 2])
def test_the_shared_layer_is_the_one_before_the_heads(heads):
    assert last_shared_kernel(small_network(heads)).path == "last/kernel"


def test_where_paths_part_early_it_is_the_one_before_that():
    image = keras.Input((8, 8, 3))
    shared = keras.layers.Conv2D(4, 3, name="shared")(image)
    fine = keras.layers.Conv2D(4, 3, name="fine")(shared)
    coarse = keras.layers.Conv2D(4, 3, name="coarse")(shared)
    ends = [keras.layers.Conv2D(7, 1)(each) for each in (fine, coarse)]
    network = keras.Model(image, keras.layers.Concatenate(axis=1)(ends))
    assert last_shared_kernel(network).path == "shared/kernel"


def test_a_frozen_layer_is_not_pulled():
    network = small_network()
    network.get_layer("last").trainable = False
    assert last_shared_kernel(network).path == "first/kernel"
    network.get_layer("first").trainable = False
    assert last_shared_kernel(network) is None


def test_a_network_that_does_not_say_how_its_layers_hang_together():
    class Own(keras.Model):
        def call(self, x):
            return x

    assert last_shared_kernel(Own()) is None


def test_columns_are_a_length_a_term_and_a_cosine_a_pair():
    assert pull_columns(["a", "b", "c"]) == [
        *("pull/a", "pull/b", "pull/c", "cosine/a/b", "cosine/a/c", "cosine/b/c"),
        "update/weight",
    ]
    assert pull_columns([]) == []


@pytest.mark.slow
def test_they_are_the_gradients_of_lambda_times_term():
    loss = YoloV2Loss([(0.4, 0.4)], 2, lambdas={"no_object": 7.0})
    detector = Detector(small_network(), loss)
    detector.compile(optimizer=keras.optimizers.SGD(0.0))
    rng = np.random.default_rng(0)
    images = rng.random((2, 8, 8, 3), np.float32)
    y_true = np.array(
        [[[1, 0.3, 0.3, 0.4, 0.4, 1, 0]], [[1, 0.7, 0.6, 0.3, 0.5, 0, 1]]], np.float32
    )
    detector.wants_pulls = True
    seen = {}

    class Keep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            del batch
            seen.update(logs)

    data = tf.data.Dataset.from_tensors((images, y_true))
    detector.fit(data, epochs=1, verbose=0, callbacks=[Keep()])

    assert detector.last_batch is None
    kernel = detector.network.get_layer("last").kernel
    with tf.GradientTape(persistent=True) as tape:
        found = loss.breakdown(y_true, detector.network(images, training=True))
    alone = {
        name: found.lambdas[name].numpy() * tape.gradient(term, kernel).numpy().ravel()
        for name, term in found.terms.items()
    }
    assert len(alone) >= 4
    for name, gradient in alone.items():
        assert seen[f"pull/{name}"] == pytest.approx(np.linalg.norm(gradient), rel=1e-4)
    a, b = alone["xy"], alone["no_object"]
    cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    assert seen["cosine/xy/no_object"] == pytest.approx(cosine, abs=1e-4)

    # The step that follows moves the kernel by rate x gradient, in parts of its own length.
    before = kernel.numpy()
    detector.optimizer.learning_rate = 0.01
    detector.fit(data, epochs=1, verbose=0, callbacks=[Keep()])
    step = 0.01 * np.linalg.norm(np.sum(list(alone.values()), axis=0))
    assert seen["update/weight"] == pytest.approx(step / np.linalg.norm(before), rel=1e-3)
    assert np.linalg.norm(kernel.numpy() - before) == pytest.approx(step, rel=1e-3)
