"""Cost of a loss and its gradient against the least there is to do.

The least: read the predictions, write a gradient of their size (half the sum of squares does just
that). Both sides run through the same `tf.function`, so its call overhead is in both.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from benchmarks.timing import interleaved
from yolo_core.losses import DetectionLoss, published

# name: (batch, rows, columns, slots a cell, classes, label rows)
SHAPES = {
    "digits 32x6x6x3x15, 5 rows": (32, 6, 6, 3, 10, 5),
    "v2 16x13x13x4x25, 8 rows": (16, 13, 13, 4, 20, 8),
    "v2 16x13x13x4x25, 50 rows": (16, 13, 13, 4, 20, 50),
}
LOSSES = ("mnist_yolo", "yolov2")


def labels(batch: int, rows: int, classes: int) -> np.ndarray:
    """(batch, rows, 5 + classes) with objects in every row."""
    random = np.random.default_rng(0)
    values = np.zeros((batch, rows, 5 + classes), np.float32)
    values[..., 0] = 1
    values[..., 1:3] = random.uniform(0.02, 0.98, (batch, rows, 2))
    values[..., 3:5] = random.uniform(0.05, 0.4, (batch, rows, 2))
    image, row = np.indices((batch, rows))
    values[image, row, 5 + random.integers(0, classes, (batch, rows))] = 1
    return values


def make_loss(name: str, slots: int, classes: int) -> DetectionLoss:
    anchors = np.linspace(0.8, 4.0, slots)[:, None] * np.asarray([[1.0, 1.2]])
    return published(name, anchors=anchors if name == "yolov2" else None, num_classes=classes)


def with_gradient(total: Callable[[tf.Tensor], tf.Tensor], *, xla: bool) -> Callable:
    @tf.function(jit_compile=xla)
    def call(predictions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(predictions)
            value = total(predictions)
        return value, tape.gradient(value, predictions)

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    print("loss + gradient, median ms of interleaved calls; the multiple is against the floor")
    print(f"{'shape':30}{'xla':>5}{'floor':>9}" + "".join(f"{name:>22}" for name in LOSSES))
    for shape, (batch, height, width, slots, classes, rows) in SHAPES.items():
        truth = tf.constant(labels(batch, rows, classes))
        size = (batch, height, width, slots * (5 + classes))
        predictions = tf.constant(np.random.default_rng(1).normal(size=size).astype(np.float32))
        totals: dict[str, Callable] = {"floor": lambda values: 0.5 * tf.reduce_sum(values**2)}
        for name in LOSSES:
            loss = make_loss(name, slots, classes)
            totals[name] = lambda values, loss=loss, truth=truth: loss(truth, values)
        for xla in (False, True):
            compiled = {name: with_gradient(total, xla=xla) for name, total in totals.items()}
            seconds = interleaved(
                {
                    name: lambda call=call, predictions=predictions: call(predictions)[0].numpy()
                    for name, call in compiled.items()
                },
                rounds=rounds,
            )
            median = {name: 1000 * float(np.median(times)) for name, times in seconds.items()}
            cells = "".join(
                f"{median[name]:>13.3f} ({median[name] / median['floor']:4.1f}x)" for name in LOSSES
            )
            print(f"{shape:30}{'yes' if xla else 'no':>5}{median['floor']:>9.3f}{cells}")


if __name__ == "__main__":
    main()
