"""Who overlaps whom most, read part by part, is what one look at all numbers says."""

import keras
import numpy as np
import pytest

from yolo_core.boxes import pairwise_iou
from yolo_core.losses.labels import read_labels
from yolo_core.losses.prior_boxes import ROWS_AT_ONCE, find_overlaps


@pytest.mark.parametrize("priors", [7, 2 * 131, 3 * 128])  # one block, of 131 none, three
@pytest.mark.parametrize("rows", [0, 1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 3])
@pytest.mark.parametrize("unusable", [0.0, -1.0])
def test_the_first_of_equal_overlaps_is_the_best(rows: int, priors: int, unusable: float):
    random = np.random.default_rng(rows + priors)
    # Few different boxes: every overlap comes several times.
    kinds = random.choice([0.25, 0.5, 0.75], (6, 4)).astype(np.float32)
    boxes = kinds[random.integers(0, 6, (2, rows))]
    flags = random.integers(0, 2, (2, rows, 1)).astype(np.float32)
    labels = read_labels(np.concatenate([flags, boxes, np.ones_like(flags)], axis=-1))
    shown = kinds[random.integers(0, 6, priors)]

    found = find_overlaps(labels, labels.boxes, shown, unusable=unusable)

    overlap = keras.ops.convert_to_numpy(pairwise_iou(labels.boxes, shown[None]))
    overlap[keras.ops.convert_to_numpy(labels.usable) == 0] = unusable
    np.testing.assert_array_equal(found.every, overlap)
    np.testing.assert_array_equal(found.best, overlap.max(axis=1, initial=unusable))
    np.testing.assert_array_equal(found.reach, overlap.max(axis=2))
    np.testing.assert_array_equal(found.best_prior, overlap.argmax(axis=2))
    if rows:
        np.testing.assert_array_equal(found.best_object, overlap.argmax(axis=1))
    else:
        assert not np.asarray(found.best_object).any()
