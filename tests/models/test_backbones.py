"""Backbones of keras.applications: their heads, what they expect, their weights."""

import keras
import numpy as np
import pytest

from yolo_core.losses.heads import Head
from yolo_core.models.backbones import NAME, AsBackboneExpects, load_backbone_weights
from yolo_core.models.networks import detector_network
from yolo_core.training.config import parse_config

HEADS = [Head(each, np.zeros(14)) for each in (32, 16, 8)]


def network(name, *, shape=(64, 96, 3), heads=HEADS, **options):
    return detector_network(shape, heads, size=name, slot_channels=7, **options)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "ResNet50", "VGG16"]
)
def test_heads_at_8_16_and_32_pixels_on_pictures_that_are_not_square(name):
    made = network(name)
    assert made.output_shape == (None, 2 * (2 * 3 + 4 * 6 + 8 * 12), 7)
    assert np.isfinite(made(np.ones((1, 64, 96, 3), np.float32))).all()


def test_each_gets_what_it_was_trained_on():
    grey = np.full((1, 32, 32, 1), 0.5, np.float32)
    np.testing.assert_allclose(AsBackboneExpects("MobileNetV2")(grey), 0, atol=1e-6)
    # Blue, green and red less their means over ImageNet, 103.939, 116.779 and 123.68.
    seen = np.asarray(AsBackboneExpects("ResNet50")(grey))[0, 0, 0]
    np.testing.assert_allclose(seen, 127.5 - np.array([103.939, 116.779, 123.68]), atol=1e-3)


@pytest.mark.slow
def test_weights_from_a_file_and_frozen(tmp_path):
    file = tmp_path / "mobile.weights.h5"
    shape = (64, 96, 3)
    given = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=shape, alpha=0.35
    )
    given.save_weights(file)
    made = network("MobileNetV2", heads=HEADS[:1], alpha=0.35, frozen=True)
    load_backbone_weights(made, "MobileNetV2", alpha=0.35, weights=str(file))
    body = made.get_layer(NAME)
    for one, other in zip(body.variables, given.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    assert body.trainable_variables == []
    assert made.trainable_variables != []
    before = [np.array(each) for each in body.variables]
    for name, alpha, other, layer in (
        ("other", 0.5, given, "block_1_project, with a kernel of 1 x 1 x 48 x 16"),
        ("half", 0.35, keras.Model(given.input, given.layers[20].output), "block_2_depthwise"),
    ):
        part = tmp_path / f"{name}.weights.h5"
        other.save_weights(part)
        wanted = network("MobileNetV2", heads=HEADS[:1], alpha=alpha)
        with pytest.raises(ValueError, match=f"first layer that it has not, .* is {layer}"):
            load_backbone_weights(wanted, "MobileNetV2", alpha=alpha, weights=str(part))
        assert all(np.isfinite(each).all() for each in wanted.get_weights())
    for one, other in zip(before, body.variables, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_a_weights_file_that_is_none(tmp_path):
    made = network("MobileNetV2", heads=HEADS[:1], alpha=0.35)
    for name in ("a.weights.h5", "a.h5", "a.txt"):
        (tmp_path / name).write_bytes(b"nothing")
        with pytest.raises(ValueError, match="does not hold the weights of MobileNetV2"):
            load_backbone_weights(made, "MobileNetV2", alpha=0.35, weights=str(tmp_path / name))


def test_pictures_that_do_not_fit():
    with pytest.raises(ValueError, match="sides are multiples of 32; these are 80 x 64 with 3"):
        network("MobileNetV2", shape=(64, 80, 3), heads=HEADS[1:])
    with pytest.raises(ValueError, match=r"or a name in keras\.applications; received 'huge'"):
        network("huge")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weights": "imagenet"}, "are of a backbone"),
        ({"size": "VGG16", "alpha": 0.5}, "alpha is of the MobileNets"),
        ({"size": "VGG16", "frozen": True}, "with none they are random"),
        ({"strides": [8, 8]}, "each head has another stride"),
        ({"size": "nosuch"}, "network.size"),
    ],
)
def test_what_does_not_go_together(fields, message):
    with pytest.raises(ValueError, match=message):
        parse_config({"network": fields})
