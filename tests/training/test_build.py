"""From a configuration to a detector: every published loss gets a network that fits it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from yolo_core.data.batches import sample_batch
from yolo_core.data.registry import open_source
from yolo_core.losses import FAMILY_NAMES, VARIANTS
from yolo_core.training.build import build_detector, build_loss
from yolo_core.training.config import parse_config


def build(**fields):
    fields = {"data": {"image_size": 48}, "network": {"size": "small"}, **fields}
    config = parse_config(fields)
    scenes = open_source(config.data)
    loss = build_loss(config, scenes)
    return scenes, loss, build_detector(config, loss, scenes)


@pytest.mark.parametrize("name", [*FAMILY_NAMES, *VARIANTS])
def test_every_published_loss_has_heads_that_fit_it(name):
    config = parse_config({"loss": {"name": name}, "data": {"image_size": 48}})
    scenes = open_source(config.data)
    loss = build_loss(config, scenes)
    _, y_true = sample_batch(scenes, ["train/0", "train/1"])
    raw = np.zeros((2, *loss.output_shape((48, 48))), np.float32)
    breakdown = loss.breakdown(y_true, raw)
    assert np.isfinite(breakdown.total)
    slots = loss.slots(raw.shape).count
    assert loss.slot_predictions(raw).shape == (2, slots, len(loss.channel_names))
    assert all(value.shape == (2, slots) for value in breakdown.maps.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_every_family_has_a_network_that_it_can_train(name):
    scenes, loss, detector = build(loss={"name": name})
    assert detector.network.output_shape == (None, *loss.output_shape((48, 48)))
    images, y_true = sample_batch(scenes, ["train/0", "train/1"])
    with tf.GradientTape() as tape:
        total = loss(y_true, detector(images.astype(np.float32) / 255, training=True))
    norm = float(tf.linalg.global_norm(tape.gradient(total, detector.trainable_variables)))
    assert 0 < norm < np.inf


@pytest.mark.slow
def test_the_seed_decides_the_weights():
    first, again, other = (build(seed=seed)[2].get_weights() for seed in (1, 1, 2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_anchors_of_the_configuration_are_the_loss_s(count):
    _, loss, detector = build(loss={"anchors": [[0.5, 0.25], *[[0.1, 0.2]] * (count - 1)]})
    assert detector.network.output_shape == (None, 3, 3, count * 15)
    layout = loss.slots(detector.network.output_shape)
    assert layout.count == 9 * count
    np.testing.assert_allclose(layout.prior[0, 2:], [0.5, 0.25], rtol=1e-6)


@pytest.mark.parametrize("size", ["medium", "large"])
def test_networks_have_100_000_to_300_000_weights(size):
    _, _, detector = build(network={"size": size}, data={})
    weights = sum(np.prod(variable.shape) for variable in detector.trainable_variables)
    assert 100_000 <= weights <= 300_000
    assert detector.network.output_shape == (None, 6, 6, 45)


def test_on_a_cpu_there_is_no_xla_and_full_precision():
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there is a GPU")
    _, _, detector = build()
    assert detector.jit_compile is False
    assert keras.config.dtype_policy().name == "float32"
    assert not isinstance(detector.optimizer, keras.optimizers.LossScaleOptimizer)
