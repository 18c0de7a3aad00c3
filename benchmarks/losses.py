"""Cost of a loss and its gradient at the published shapes, against the least there is to do.

The least, the floor: read the predictions and write a gradient of their size (half the sum of
squares does just that). The floor and the loss go through the same `tf.function`, so the overhead
of the call is in both, and they take turns, so a busy machine slows both. "total" returns the total
and its gradient; "terms" every term as well, of the same pass.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from benchmarks.timing import interleaved
from yolo_core.losses import DetectionLoss, published
from yolo_core.losses.ssd.priors import SSD300


@dataclasses.dataclass(frozen=True)
class Case:
    """A loss at a shape.

    Attributes:
        loss: For `published`, with its C and anchors.
        shape: Of the predictions.
        rows: Label rows an image, each with an object.
    """

    loss: DetectionLoss
    shape: tuple[int, ...]
    rows: int

    @property
    def name(self) -> str:
        return f"{self.loss.name} {'x'.join(map(str, self.shape))}, {self.rows} rows"

    def labels(self) -> np.ndarray:
        """(B, rows, 5 + C) float32."""
        random = np.random.default_rng(0)
        size = (self.shape[0], self.rows)
        one_hot = np.eye(self.loss.num_classes)[random.integers(0, self.loss.num_classes, size)]
        centre = random.uniform(0.02, 0.98, (*size, 2))
        extent = random.uniform(0.05, 0.4, (*size, 2))
        parts = [np.ones((*size, 1)), centre, extent, one_hot]
        return np.concatenate(parts, axis=-1).astype(np.float32)


def cases() -> list[Case]:
    """The published shapes; digits as the digit scenes train them."""
    cells = np.asarray([[0.8, 0.9], [1.9, 2.2], [2.9, 3.5], [4.0, 4.8]])  # of 13 x 13
    digits = published("mnist_yolo", num_classes=10)
    v1 = published("yolov1", num_classes=20)
    v2 = published("yolov2", anchors=cells, num_classes=20)
    v3 = published("yolov3", anchors=cells[:3] / 13, num_classes=20)
    ssd = published("ssd", anchors=SSD300, num_classes=20)
    retina = published("retinanet", anchors=SSD300.boxes(), num_classes=20)
    v5 = published("yolov5", anchors=cells[:3] / 13, num_classes=20)
    return [
        Case(digits, (32, 6, 6, 3 * 15), 8),
        Case(v1, (16, 7, 7, 2 * 5 + 20), 8),
        Case(v2, (16, 13, 13, 4 * 25), 8),
        Case(v2, (16, 13, 13, 4 * 25), 50),
        Case(v3, (16, 13, 13, 3 * 25), 8),
        Case(v3, (16, 13, 13, 3 * 25), 50),
        Case(v5, (16, 13, 13, 3 * 25), 8),
        Case(v5, (16, 13, 13, 3 * 25), 50),
        Case(ssd, (8, 8732, 25), 8),
        Case(ssd, (8, 8732, 25), 50),
        Case(retina, (8, 8732, 24), 8),
        Case(retina, (8, 8732, 24), 50),
    ]


def with_gradient(outputs: Callable[[tf.Tensor], list], *, xla: bool) -> Callable:
    """A compiled call that returns all of `outputs`, and the gradient of the first of them."""

    @tf.function(jit_compile=xla)
    def call(predictions: tf.Tensor) -> tuple[list, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(predictions)
            values = outputs(predictions)
        return values, tape.gradient(values[0], predictions)

    return call


def measure(case: Case, rounds: int) -> dict[tuple[str, bool], float]:
    """Median milliseconds of "floor", "total" and "terms", by that and whether under XLA."""
    labels = tf.constant(case.labels())
    random = np.random.default_rng(1)
    predictions = tf.constant(random.normal(size=case.shape).astype(np.float32))

    def terms(values: tf.Tensor) -> list:
        breakdown = case.loss.breakdown(labels, values)
        return [breakdown.total, *breakdown.terms.values()]

    outputs: dict[str, Callable] = {
        "floor": lambda values: [0.5 * tf.reduce_sum(values**2)],
        "total": lambda values: [case.loss(labels, values)],
        "terms": terms,
    }
    calls = {
        (name, xla): with_gradient(each, xla=xla)
        for name, each in outputs.items()
        for xla in (False, True)
    }
    # Reading the total back waits for a GPU to be done.
    seconds = interleaved(
        {key: lambda call=call: call(predictions)[0][0].numpy() for key, call in calls.items()},
        rounds=rounds,
    )
    return {key: 1000 * float(np.median(times)) for key, times in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    arguments = parser.parse_args()
    print("Loss and gradient: median ms of calls that take turns, and the multiple of the floor.")
    columns = [(name, xla) for xla in (False, True) for name in ("floor", "total", "terms")]
    heads = [f"{name}{', XLA' if xla else ''}" for name, xla in columns]
    print(f"{'':36}" + "".join(f"{head:>17}" for head in heads))
    for case in cases():
        if arguments.only not in case.name:
            continue
        median = measure(case, arguments.rounds)
        cells = [
            f"{median[name, xla]:.2f}"
            + (f" ({median[name, xla] / median['floor', xla]:.1f}x)" if name != "floor" else "")
            for name, xla in columns
        ]
        print(f"{case.name:36}" + "".join(f"{cell:>17}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
