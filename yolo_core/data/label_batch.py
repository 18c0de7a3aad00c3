"""The label rows of a batch: few enough to be quick, enough for every object."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from yolo_core.data.sample import Sample, label_rows

logger = logging.getLogger("yolo_core.data")

ROW_BUCKETS = (8, 16, 32, 50)
"""Numbers of rows that batches are trimmed to: XLA compiles a step again for each new number."""


def label_batch(samples: Sequence[Sample], *, num_classes: int, max_objects: int) -> np.ndarray:
    """The objects of samples as labels, every one of them.

    A data set says how many objects a sample has at most. Where one has more, the batch gets more
    rows, and the log names the sample.

    Args:
        samples: B samples, at least one.
        num_classes: C.
        max_objects: N, the number of rows, if no sample has more objects.

    Returns:
        (B, N, 5 + C) float32 rows as `label_rows` makes them.
    """
    rows = max_objects
    for sample in samples:
        if len(sample.boxes) > max_objects:
            rows = max(rows, _bucket(len(sample.boxes)))
            logger.warning(
                "Sample %s has %d objects, and the data set says %d at most: its batch gets %d "
                "label rows.",
                *(sample.name, len(sample.boxes), max_objects, rows),
            )
    return np.stack(
        [
            label_rows(sample.boxes, sample.classes, num_classes=num_classes, max_objects=rows)
            for sample in samples
        ]
    )


def trim_label_rows(y_true: np.ndarray) -> np.ndarray:
    """Leaves out padding at the end of the rows, down to one of a few numbers of rows.

    Args:
        y_true: (B, N, 5 + C), rows [object, x_center, y_center, width, height, one-hot class].

    Returns:
        The first rows, as many as the smallest of `ROW_BUCKETS` that no object lies beyond; all
        N where there are no more than that. An object never changes its row.
    """
    # A flag that is not a number is an object, too: the ledger says what is wrong with it.
    used = np.flatnonzero((y_true[..., 0] != 0).any(axis=0))
    last = int(used[-1]) + 1 if used.size else 0
    if last > ROW_BUCKETS[-1]:
        return y_true
    return y_true[:, : _bucket(last)]


def _bucket(objects: int) -> int:
    """The smallest bucket for so many objects; beyond the largest a multiple of it."""
    largest = ROW_BUCKETS[-1]
    beyond = -(-objects // largest) * largest
    return next((rows for rows in ROW_BUCKETS if rows >= objects), beyond)
