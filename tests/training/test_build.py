"""From a configuration to a detector: every published loss gets a network that fits it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from yolo_core.data.batches import sample_batch
from yolo_core.data.registry import open_source
from yolo_core.losses import FAMILY_NAMES, VARIANTS
from yolo_core.training.build import build_detector, build_loss, computing
from yolo_core.training.config import TrainingConfig, parse_config


def build(**fields):
    fields = {"data": {"image_size": 48}, "network": {"size": "small"}, **fields}
    config = parse_config(fields)
    scenes = open_source(config.data)
    loss = build_loss(config, scenes)
    return scenes, loss, build_detector(config, loss, scenes)


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 5])
def test_anchors_of_the_configuration_are_the_loss_s(count):
    _, loss, detector = build(loss={"anchors": [[0.5, 0.25], *[[0.1, 0.2]] * (count - 1)]})
    assert detector.network.output_shape == (None, 3, 3, count * 15)
    layout = loss.slots(detector.network.output_shape)
    assert layout.count == 9 * count
    np.testing.assert_allclose(layout.prior[0, 2:], [0.5, 0.25], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["medium", "large"])
def test_networks_have_100_000_to_300_000_weights(size):
    _, _, detector = build(network={"size": size}, data={})
    weights = sum(np.prod(variable.shape) for variable in detector.trainable_variables)
    assert 100_000 <= weights <= 300_000
    assert detector.network.output_shape == (None, 6, 6, 45)


@pytest.mark.parametrize(
    ("asked", "gpus", "replicas", "precision", "xla"),
    [
        ({}, 0, 1, "float32", False),
        ({}, 1, 1, "mixed_float16", True),
        ({}, 2, 2, "mixed_float16", False),
        ({}, 0, 2, "float32", False),
        ({"precision": "float32"}, 1, 1, "float32", True),
        ({"precision": "mixed_bfloat16", "xla": "off"}, 1, 1, "mixed_bfloat16", False),
        ({"precision": "mixed_float16", "xla": "on"}, 0, 1, "mixed_float16", True),
    ],
)
def test_how_a_step_is_computed_depends_on_what_there_is(asked, gpus, replicas, precision, xla):
    found = computing(TrainingConfig(**asked), gpus=gpus, replicas=replicas)
    assert found == (precision, xla)


def test_xla_on_several_devices_is_refused_by_name():
    with pytest.raises(ValueError, match="--xla on compiles the step of one device; here 2"):
        computing(TrainingConfig(xla="on"), gpus=2, replicas=2)


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "xla"), [("mixed_float16", "on"), ("mixed_bfloat16", "off")])
def test_mixed_precision_trains_with_the_loss_in_float32(precision, xla):
    before = keras.config.dtype_policy()
    try:
        fields = {"precision": precision, "xla": xla}
        scenes, loss, detector = build(training=fields)
        assert isinstance(detector.optimizer, keras.optimizers.LossScaleOptimizer) == (
            precision == "mixed_float16"
        )
        images, y_true = sample_batch(scenes, [f"train/{i}" for i in range(4)])
        images = images.astype(np.float32) / 255
        half = precision.removeprefix("mixed_")
        computed = {each.compute_dtype for each in detector.network.layers}
        assert computed == {half, "float32"}  # the head gives float32
        assert {each.dtype for each in detector.network.variables} <= {"float32", "uint32"}
        raw = tf.cast(detector.network(images), half)  # as a head of somebody's own would give it
        assert loss.breakdown(y_true, raw).total.dtype == tf.float32
        totals = []
        for _ in range(8):
            logs = detector.train_on_batch(images, y_true, return_dict=True)
            assert logs["finite"] == 1
            totals.append(logs["loss"])
        assert totals[-1] < totals[0]
    finally:
        keras.config.set_dtype_policy(before)


def test_on_a_cpu_there_is_no_xla_and_full_precision():
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there is a GPU")
    _, _, detector = build()
    assert detector.jit_compile is False
    assert keras.config.dtype_policy().name == "float32"
    assert not isinstance(detector.optimizer, keras.optimizers.LossScaleOptimizer)
