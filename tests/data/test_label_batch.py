"""Label rows of a batch: trimmed to few sizes, never short of an object."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_core.assignment import ObjectStatus
from yolo_core.data.batches import sample_batch, training_batches
from yolo_core.data.digits.scenes import DigitScenes, load_digit_source
from yolo_core.data.label_batch import ROW_BUCKETS, label_batch, trim_label_rows
from yolo_core.data.sample import Sample
from yolo_core.losses import MnistYoloLoss


def sample(objects: int, name: str = "train/0") -> Sample:
    boxes = np.random.default_rng(objects).uniform(0.1, 0.9, (objects, 4)).astype(np.float32)
    return Sample(name, np.zeros((4, 4, 1), np.uint8), boxes, np.arange(objects) % 3)


@given(st.integers(0, 70), st.lists(st.tuples(st.integers(0, 1), st.integers(0, 69)), max_size=9))
def test_no_object_is_left_out_and_none_moves(count: int, places: list[tuple[int, int]]) -> None:
    y_true = np.zeros((2, count, 8), np.float32)
    for image, row in places:
        if row < count:
            y_true[image, row, :2] = 1, 0.5
    trimmed = trim_label_rows(y_true)
    rows = trimmed.shape[1]
    np.testing.assert_array_equal(trimmed, y_true[:, :rows])
    assert not y_true[:, rows:].any()
    assert rows in {count, *ROW_BUCKETS}


@pytest.mark.parametrize(
    ("count", "objects", "rows"),
    [
        *((5, 2, 5), (8, 0, 8), (9, 0, 8), (50, 8, 8), (50, 9, 16), (50, 33, 50)),
        *((40, 33, 40), (60, 50, 50), (60, 51, 60)),
    ],
)
def test_the_smallest_bucket_that_holds_them(count: int, objects: int, rows: int) -> None:
    y_true = label_batch([sample(objects), sample(0)], num_classes=3, max_objects=count)
    assert y_true.shape[1] == count
    assert trim_label_rows(y_true).shape[1] == rows


def test_a_flag_that_is_not_a_number_is_an_object() -> None:
    y_true = np.zeros((1, 20, 8), np.float32)
    y_true[0, 17, 0] = np.nan
    assert trim_label_rows(y_true).shape[1] == 20


@pytest.mark.parametrize(("objects", "rows"), [(5, 5), (6, 8), (17, 32), (51, 100)])
def test_more_objects_than_rows_get_more_rows_and_a_line_in_the_log(
    objects: int, rows: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "yolo_core.data"):
        y_true = label_batch([sample(2), sample(objects, "val/7")], num_classes=3, max_objects=5)
    assert y_true.shape == (2, rows, 8)
    assert y_true[..., 0].sum(axis=1).tolist() == [2, objects]
    assert [record.getMessage()[:12] for record in caplog.records] == ["Sample val/7"] * (rows > 5)


def test_the_training_stream_is_trimmed_and_the_loss_is_the_same() -> None:
    scenes = DigitScenes(load_digit_source("digits"), seed=0, image_size=64, max_objects=20)
    data = training_batches(scenes, batch_size=3, batches=4).as_numpy_iterator()
    loss, y_pred = MnistYoloLoss(num_classes=10), np.zeros((3, 4, 4, 30), np.float32)
    counts = []
    for batch, (_, y_true) in enumerate(data):
        whole = sample_batch(scenes, [f"train/{3 * batch + at}" for at in range(3)])[1]
        assert whole.shape[1] == 20
        counts.append(y_true.shape[1])
        np.testing.assert_array_equal(y_true, whole[:, : y_true.shape[1]])
        one, other = loss.breakdown(y_true, y_pred), loss.breakdown(whole, y_pred)
        assert float(one.total) == pytest.approx(float(other.total), rel=1e-6)
        status = np.asarray(one.assignment.object_status)
        assert (status != ObjectStatus.PADDING).sum() == whole[..., 0].sum()
    assert set(counts) <= {8, 16, 20}
    assert min(counts) < 20
