"""Cost of a loss and its gradient at the published shapes, against the least there is to do.

The least, the floor: read the predictions and write a gradient of their size (half the sum of
squares does just that). The floor and the loss are compiled alike, so the overhead of the call is
in both, and they take turns, so a busy machine slows both. "total" returns the total and its
gradient; "terms" every term as well, of the same pass.

Keras's backend computes, on a GPU where it finds one: `KERAS_BACKEND=jax` under `jax.jit`,
`KERAS_BACKEND=torch` as PyTorch runs it, and TensorFlow with its graphs and with XLA.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from benchmarks.timing import interleaved
from yolo_core.layouts.arrays import as_numpy
from yolo_core.losses import DetectionLoss, published
from yolo_core.losses.ssd.priors import SSD300
from yolo_core.training.frameworks import device_names


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


WAYS = {"tensorflow": ("graph", "XLA"), "jax": ("jit",), "torch": ("eager",)}
"""{backend: how it computes a call}"""


Call = Callable[[Any, Any], tuple[list, Any]]


def with_gradient(outputs: Callable[[Any, Any], list], way: str) -> Call:
    """A call of labels and predictions: all `outputs`, and the gradient of the first of them."""
    if way == "jit":
        import jax  # pyright: ignore[reportMissingImports]

        def first(predictions: Any, labels: Any) -> tuple[Any, list]:
            values = outputs(labels, predictions)
            return values[0], values

        both = jax.jit(jax.value_and_grad(first, has_aux=True))

        def on_jax(labels: Any, predictions: Any) -> tuple[list, Any]:
            (_, values), gradient = both(predictions, labels)
            return values, gradient

        return on_jax
    if way == "eager":
        import torch  # pyright: ignore[reportMissingImports]

        def on_torch(labels: Any, predictions: Any) -> tuple[list, Any]:
            watched = predictions.detach().requires_grad_()
            values = outputs(labels, watched)
            return values, torch.autograd.grad(values[0], watched)[0]

        return on_torch
    import tensorflow as tf

    @tf.function(jit_compile=way == "XLA")
    def on_tensorflow(labels: Any, predictions: Any) -> tuple[list, Any]:
        with tf.GradientTape() as tape:
            tape.watch(predictions)
            values = outputs(labels, predictions)
        return values, tape.gradient(values[0], predictions)

    return on_tensorflow


def measure(case: Case, rounds: int) -> dict[tuple[str, str], float]:
    """Median milliseconds of "floor", "total" and "terms", by that and how it is computed."""
    labels = ops.convert_to_tensor(case.labels())
    random = np.random.default_rng(1)
    predictions = ops.convert_to_tensor(random.normal(size=case.shape).astype(np.float32))

    def terms(labels: Any, values: Any) -> list:
        breakdown = case.loss.breakdown(labels, values)
        return [breakdown.total, *breakdown.terms.values()]

    outputs: dict[str, Callable] = {
        "floor": lambda _, values: [0.5 * ops.sum(ops.square(values))],
        "total": lambda labels, values: [case.loss(labels, values)],
        "terms": terms,
    }
    calls = {
        (name, way): with_gradient(each, way)
        for name, each in outputs.items()
        for way in WAYS[keras.backend.backend()]
    }
    # Reading the total back waits for a GPU to be done.
    seconds = interleaved(
        {
            key: lambda call=call: as_numpy(call(labels, predictions)[0][0])
            for key, call in calls.items()
        },
        rounds=rounds,
    )
    return {key: 1000 * float(np.median(times)) for key, times in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    arguments = parser.parse_args()
    backend = keras.backend.backend()
    print(
        f"Loss and gradient with {backend} on {', '.join(device_names())}: median ms of calls that "
        "take turns, and the multiple of the floor."
    )
    columns = [(name, way) for way in WAYS[backend] for name in ("floor", "total", "terms")]
    heads = [", ".join(column) for column in columns]
    print(f"{'':36}" + "".join(f"{head:>17}" for head in heads))
    for case in cases():
        if arguments.only not in case.name:
            continue
        median = measure(case, arguments.rounds)
        cells = [
            f"{median[name, way]:.2f}"
            + (f" ({median[name, way] / median['floor', way]:.1f}x)" if name != "floor" else "")
            for name, way in columns
        ]
        print(f"{case.name:36}" + "".join(f"{cell:>17}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
