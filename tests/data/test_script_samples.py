"""Samples that a script hands over as arrays: what is drawn, what a network gets, what is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from yolo_core.data.batches import sample_batch
from yolo_core.data.config import DataConfig
from yolo_core.data.registry import open_source
from yolo_core.data.script_samples import (
    drawable,
    from_arrays,
    kept_of,
    read_samples,
    write_samples,
)
from yolo_core.training.given import given_source

LABELS = np.zeros((2, 3, 7), np.float32)
LABELS[0, :2] = [[1, 0.5, 0.5, 0.2, 0.3, 0, 1], [1, 0.1, 0.2, 0.3, 0.4, 1, 0]]


def images(*shape: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    return np.random.default_rng(0).uniform(low, high, shape).astype(np.float32)


@pytest.mark.parametrize(
    ("values", "span"),
    [
        (images(2, 4, 6, 1), (0, 1)),
        (images(2, 4, 6, 3, low=-1), (-1, 1)),
        (images(2, 4, 6, 3, high=255), (0, 255)),
        ((images(2, 4, 6, 3) * 255).astype(np.uint8), (0, 255)),
        ((images(2, 4, 6, 3) * 255).astype(np.int32), (0, 255)),
    ],
)
def test_the_network_gets_exactly_what_was_handed_over(values, span):
    source = from_arrays(values, LABELS)
    assert source.span == span
    pictures, y_true = sample_batch(source, ["val/0", "val/1"])
    np.testing.assert_array_equal(source.network_inputs(pictures, ("val/0", "val/1")), values)
    np.testing.assert_array_equal(y_true, LABELS)
    # A picture of something else gets the same range, to the nearest of 256 steps.
    other = source.network_inputs(pictures)
    np.testing.assert_allclose(other, values, atol=(span[1] - span[0]) / 255)


def test_normalised_pictures_are_drawn_from_their_darkest_to_their_brightest():
    pictures, span = drawable(np.array([-2.0, 0.5, 3.0], np.float32).reshape(1, 1, 3, 1))
    assert span == (-2, 3)
    assert pictures.ravel().tolist() == [0, 128, 255]


def test_channels_first_are_drawn_and_handed_on_as_they_are():
    values = images(2, 3, 4, 6)
    source = from_arrays(values, LABELS)
    assert source.image_shape == (4, 6, 3)
    pictures, _ = sample_batch(source, ["val/1"])
    np.testing.assert_array_equal(source.network_inputs(pictures, ["val/1"])[0], values[1])
    assert source.network_inputs(pictures).shape == (1, 3, 4, 6)


def test_other_channels_are_drawn_by_the_first_ones_and_only_known_samples_looked_at():
    values = images(2, 4, 6, 5)
    source = from_arrays(values, LABELS)
    pictures, _ = sample_batch(source, ["val/0"])
    assert pictures.shape == (1, 4, 6, 3)
    np.testing.assert_array_equal(source.network_inputs(pictures, ["val/0"])[0], values[0])
    with pytest.raises(ValueError, match="only its own samples can be looked at"):
        source.network_inputs(pictures)


@given(arrays(np.float32, (1, 2, 3, 1), elements=st.floats(-1e6, 1e6, width=32)))
def test_a_file_gives_back_what_was_written(tmp_path_factory, values):
    source = from_arrays(values, LABELS[:1], ["left", "right"])
    path = tmp_path_factory.mktemp("kept") / "samples.npz"
    write_samples(path, source)
    back = read_samples(path)
    assert (back.names, back.class_names, back.span) == (
        source.names,
        ("left", "right"),
        source.span,
    )
    pictures, y_true = sample_batch(back, ["val/0"])
    np.testing.assert_array_equal(back.network_inputs(pictures, ["val/0"]), values)
    np.testing.assert_array_equal(y_true, LABELS[:1])


def test_of_a_source_the_first_samples_and_the_pinned_ones_are_kept():
    digits = open_source(DataConfig(image_size=32))
    kept = kept_of(digits, ("val/100", "train/3"))
    assert kept.names == (*(f"val/{at}" for at in range(64)), "val/100", "train/3")
    np.testing.assert_array_equal(kept.sample("train/3").image, digits.sample("train/3").image)
    inputs = kept.network_inputs(kept.sample("val/1").image[None], ["val/1"])
    np.testing.assert_allclose(inputs[0] * 255, digits.sample("val/1").image, rtol=1e-6)


def test_a_file_that_is_none_is_a_sentence(tmp_path):
    path = tmp_path / "samples.npz"
    with pytest.raises(ValueError, match="gave no samples"):
        read_samples(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="holds no samples of a run"):
        read_samples(path)
    np.savez_compressed(path, meta=np.zeros(100_000, np.uint8))
    with pytest.raises(ValueError, match=r"holds no samples of a run \(it is compressed\)"):
        read_samples(path)


def test_what_scripts_give():
    values = images(2, 4, 6, 1)
    as_pairs = given_source([(values[0], LABELS[0]), (values[1], LABELS[1][:1])])
    as_batch = given_source((values, LABELS), ["left", "right"])
    for source in (as_pairs, as_batch):
        assert source.splits == {"val": 2}
        assert source.sample("val/0").classes.tolist() == [1, 0]
    assert as_pairs.class_names == ("0", "1")
    assert given_source(as_batch) is as_batch
    assert given_source(None) is None


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (7, "samples must be arrays"),
        ([], "samples must be arrays"),
        (images(2, 4, 6, 1), r"received a ndarray. To look at its first batch"),
        ((images(2, 4, 6, 1), LABELS[:1]), r"2 images need labels of shape \(2, objects, 5 \+ cl"),
        ((images(2, 4, 6, 1), LABELS[:, 0]), r"received \(2, 7\)"),
        ([(images(4, 6, 1), LABELS[0]), (images(4, 5, 1), LABELS[0])], "images of one shape"),
    ],
)
def test_what_is_no_sample_is_a_sentence(samples, sentence):
    with pytest.raises(ValueError, match=sentence):
        given_source(samples)
