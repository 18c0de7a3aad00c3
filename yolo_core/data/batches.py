"""Batches for training, made beside the training step, and batches of named samples."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from yolo_core.data.label_batch import label_batch, trim_label_rows
from yolo_core.data.sample import Sample
from yolo_core.data.source import SampleSource

if TYPE_CHECKING:
    import tensorflow as tf

READY_BATCHES = 4
"""Batches that are kept ready ahead of the training step."""


@dataclasses.dataclass(frozen=True)
class Share:
    """Which part of every batch is made here, where several devices share it.

    Attributes:
        first: The first of the parts.
        here: How many of them.
        parts: Into how many equal ones a batch is cut.
    """

    first: int = 0
    here: int = 1
    parts: int = 1


WHOLE = Share()


def training_batches(
    source: SampleSource,
    *,
    batch_size: int,
    first_batch: int = 0,
    batches: int | None = None,
    share: Share = WHOLE,
) -> tf.data.Dataset:
    """The training stream in batches, from any place in it.

    Batch j holds samples j * batch_size to (j + 1) * batch_size - 1 of the stream, whichever
    batch comes first here: a training that resumes gets the batches it would have got.

    Args:
        source: Where the samples come from.
        batch_size: B.
        first_batch: The batch to begin with, counted from 0.
        batches: How many to give; None gives batches for ever.
        share: The parts of each that are given, one after the other.

    Returns:
        A dataset of images (B, height, width, channels) float32, 0 to 1, and y_true
        (B, N, 5 + C) float32, always in the same order. N may change from batch to batch: more
        than eight rows are trimmed to what the batch needs, see `trim_label_rows`.

    Raises:
        ValueError: `batch_size` is less than 1, or another number is negative.
    """
    import tensorflow as tf  # 4 s to import: `sample_batch` is used without it.

    for name, value, low in (
        ("batch_size", batch_size, 1),
        ("first_batch", first_batch, 0),
        ("batches", 0 if batches is None else batches, 0),
    ):
        if value < low:
            raise ValueError(f"{name} must be at least {low}; received {value}.")

    if batch_size % share.parts:
        raise ValueError(f"{share.parts} devices share no batch of {batch_size} equally.")

    first = first_batch * share.here
    last = tf.int64.max if batches is None else first + batches * share.here
    size = batch_size // share.parts
    ready = _ReadAhead(source, batch_size, last, share)

    def load(part: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # Tensors already: `numpy_function` would copy the pictures while the step waits for them.
        images, y_true = tf.py_function(ready.take, [part], (tf.float32, tf.float32))
        images.set_shape((size, *source.image_shape))
        y_true.set_shape((size, None, 5 + len(source.class_names)))
        return images, y_true

    # Neither parallel nor prefetched by TensorFlow, which would add both unasked: its threads would
    # still be calling Python when the interpreter shuts down, and the process would never end.
    # `_ReadAhead` does that work.
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    return tf.data.Dataset.range(first, last).map(load).with_options(options)


class _ReadAhead:
    """Makes the next batches in threads of Python's while the training step computes.

    Args:
        source: Where the samples come from.
        batch_size: Samples a batch.
        end: No part from here on will be asked for.
        share: The parts of a batch that are made: part k is one of batch k // `share.here`.
    """

    def __init__(self, source: SampleSource, batch_size: int, end: int, share: Share) -> None:
        self._source = source
        self._batch_size = batch_size
        self._end = end
        self._share = share
        self._lock = threading.Lock()
        self._batches: dict[int, Future[tuple[tf.Tensor, tf.Tensor]]] = {}
        # Where all is done in Python, a second thread would mostly wait for its lock.
        self._pool = ThreadPoolExecutor(source.threads, thread_name_prefix="samples")

    def take(self, part: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The images and labels of a part, and a start on the ones after it."""
        asked = int(part)
        wanted = range(asked, min(asked + 1 + READY_BATCHES * self._share.here, self._end))
        with self._lock:
            # What an earlier pass over the same data has left behind goes.
            self._batches = {
                number: self._batches.get(number) or self._pool.submit(self._make, number)
                for number in wanted
            }
            current = self._batches[asked]
        return current.result()

    def _make(self, part: int) -> tuple[tf.Tensor, tf.Tensor]:
        import tensorflow as tf

        batch, at = divmod(part, self._share.here)
        size = self._batch_size // self._share.parts
        first = batch * self._batch_size + (self._share.first + at) * size
        images, y_true = stack_samples(
            self._source, [self._source.stream_sample(first + i) for i in range(size)]
        )
        # Here and not in TensorFlow, where the training step would wait for it.
        fractions = np.divide(images, np.float32(255), dtype=np.float32)
        with tf.device("CPU:0"):
            return tf.constant(fractions), tf.constant(trim_label_rows(y_true))


def sample_batch(source: SampleSource, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The named samples as one batch.

    Args:
        source: Where the samples come from.
        names: B sample names such as "val/3", at least one.

    Returns:
        Images (B, height, width, channels) uint8 and y_true (B, N, 5 + C) float32.

    Raises:
        ValueError: There is no such sample, or no name at all.
    """
    if not names:
        raise ValueError("A batch needs at least one sample name; received none.")
    return stack_samples(source, [source.sample(name) for name in names])


def stack_samples(source: SampleSource, samples: Sequence[Sample]) -> tuple[np.ndarray, np.ndarray]:
    """Samples of a source as one batch, see `sample_batch`."""
    images = np.stack([sample.image for sample in samples])
    y_true = label_batch(
        samples, num_classes=len(source.class_names), max_objects=source.max_objects
    )
    return images, y_true
