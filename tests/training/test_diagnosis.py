"""Which term turned NaN first, and in which samples."""

import dataclasses

import numpy as np
import pytest
from keras import ops

from tests.training.tiny import assert_same_values, tiny_batches, tiny_detector, values_of
from yolo_core.training.diagnosis import describe_non_finite

NAMES = ["train/30", "train/31", "train/32"]


@pytest.fixture
def detector():
    return tiny_detector(dropout=0.0)


def describe(detector, images, y_true):
    before = values_of(detector)
    said = describe_non_finite(detector, images, y_true, NAMES)
    assert_same_values(values_of(detector), before)
    return said


@pytest.mark.slow
def test_one_sample_of_one_term(detector, monkeypatch):
    # No label does this to the losses here; one of somebody's own may divide by zero.
    original = detector.detection_loss.breakdown

    def divides_by_zero(*inputs):
        breakdown = original(*inputs)
        wh = breakdown.maps["wh"] / np.array([[1.0], [0.0], [1.0]], np.float32)
        return dataclasses.replace(
            breakdown,
            maps={**breakdown.maps, "wh": wh},
            terms={**breakdown.terms, "wh": ops.sum(wh)},
        )

    monkeypatch.setattr(detector.detection_loss, "breakdown", divides_by_zero)
    assert describe(detector, *tiny_batches(1)) == "term wh first, in train/31"


def test_a_picture_that_is_not_a_number_spoils_the_output(detector):
    images, y_true = tiny_batches(1)
    images[2] = np.nan
    # Batch statistics carry it to every sample.
    assert describe(detector, images, y_true) == (
        "the network's own output, and with it term xy first (then wh, objectness, no_object, "
        "classification), in train/30, train/31, train/32"
    )


def test_a_lambda_that_is_too_large(detector):
    images, y_true = tiny_batches(1)
    y_true[0, 0, 3:5] = 30.0
    detector.detection_loss.lambdas["wh"].assign(3e38)
    said = describe(detector, images, y_true)
    assert said.startswith("term wh times its lambda first, in train/30")


@pytest.mark.slow
def test_terms_that_only_together_are_too_large(detector):
    images, y_true = tiny_batches(1)
    loss, head = detector.detection_loss, detector.network.layers[-1].kernel
    head.assign(head.numpy() * 30)
    terms = loss.breakdown(y_true, detector.network(images, training=True)).terms
    for name in ("wh", "classification"):
        loss.lambdas[name].assign(2.5e38 / float(terms[name]))
    said = describe(detector, images, y_true)
    assert said.startswith("the sum of the weighted terms, most of it term ")
    assert ", with the largest share in train/3" in said


@pytest.mark.slow
def test_a_gradient_that_is_too_large_where_the_loss_is_not(detector):
    images, y_true = tiny_batches(1)
    detector.detection_loss.lambdas["wh"].assign(1e30)
    said = describe(detector, images, y_true)
    assert said.startswith("the gradient of term wh first, with the largest share in train/3")
    assert said.endswith("; the loss itself was finite")


@pytest.mark.slow
def test_a_gradient_that_overflows_on_its_way_to_the_weights(detector):
    images, y_true = tiny_batches(1)
    detector.detection_loss.lambdas["wh"].assign(1e18)
    # The same output from features a million times as large: so are the gradients of the head.
    gamma, head = detector.network.layers[2].gamma, detector.network.layers[-1].kernel
    gamma.assign(gamma.numpy() * 1e6)
    head.assign(head.numpy() * 1e-6)
    said = describe(detector, images, y_true)
    assert said.startswith("the gradient of term wh at the weights, with the largest share in")


@pytest.mark.slow
def test_many_samples_are_counted(detector):
    images, y_true = tiny_batches(4)
    names = [f"train/{at}" for at in range(12)]
    said = describe_non_finite(detector, np.full_like(images, np.nan), y_true, names)
    assert said.endswith("train/7 and 4 more")


@pytest.mark.slow
def test_where_nothing_can_be_found_it_says_no_more_than_it_knows(detector):
    images, y_true = tiny_batches(1)
    assert describe(detector, images, y_true) == "the gradients, while the loss itself was finite"
