"""A loss of somebody's own as a function: its value and its gradient, by the framework that trains.

Nothing needs to be known of its formula. On TensorFlow, variables that the function counts with
stay as they were: being looked at is no step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from yolo_core.breakdown import OwnGradient
from yolo_core.layouts.arrays import as_numpy
from yolo_core.layouts.labels import to_keras_yolo2, to_keras_yolo3
from yolo_core.losses.base import DetectionLoss
from yolo_core.slots import SlotLayout

LABELS: dict[str, Callable[[np.ndarray, SlotLayout], Any]] = {
    "rows": lambda rows, _: rows,
    "keras_yolo3": to_keras_yolo3,
    "keras_yolo2": to_keras_yolo2,
}
"""What a function may take for labels, by name, made of label rows and the slots."""

Function = Callable[[Any, Any], Any]


@dataclasses.dataclass(frozen=True, eq=False)
class OwnFunction:
    """A loss of somebody's own.

    Attributes:
        function: (y_true, y_pred) to a number, or to numbers whose mean is the loss, as Keras has
            it; or a list of such functions, one an output of the network, whose sum it is.
        labels: What it takes for y_true: one of `LABELS`, or a function from (B, N, 5 + C) label
            rows to it. Of a list of functions, y_true is one an output.
        name: What the pages call it; None for its own name.
    """

    function: Function | Sequence[Function]
    labels: str | Callable[[np.ndarray], Any] = "rows"
    name: str | None = None

    def __post_init__(self) -> None:
        """Checks the names.

        Raises:
            ValueError: There are no such labels.
        """
        if isinstance(self.labels, str) and self.labels not in LABELS:
            raise ValueError(
                f"labels must be one of {', '.join(LABELS)}, or a function that makes them of "
                f"label rows; received {self.labels!r}."
            )

    @property
    def title(self) -> str:
        """What the pages call it."""
        if self.name:
            return self.name
        first = self.function if callable(self.function) else self.function[0]
        return str(getattr(first, "__name__", None) or type(first).__name__)

    def on(self, y_true: np.ndarray, outputs: Any, loss: DetectionLoss) -> OwnGradient:
        """Its value on predictions, and what it pulls at.

        Args:
            y_true: (B, N, 5 + C) label rows.
            outputs: Raw predictions as its network puts them out, one array or one a head.
            loss: The published loss that takes the same predictions.

        Raises:
            ValueError: It returns nothing that depends on the predictions, or no number.
        """
        several = isinstance(outputs, list | tuple)
        raw = [keras.ops.convert_to_tensor(each) for each in (outputs if several else [outputs])]
        shapes = [tuple(each.shape) for each in raw]
        if callable(self.labels):
            labels = self.labels(y_true)
        else:
            labels = LABELS[self.labels](y_true, loss.slots(shapes if several else shapes[0]))
        value, gradients = value_and_gradients(
            lambda labels, raw: self._value(labels, raw, several=several), labels, raw
        )
        slots = loss.slot_predictions(gradients if several else gradients[0])
        return OwnGradient(self.title, np.float32(value), as_numpy(slots))

    def _value(self, labels: Any, raw: Sequence[Any], *, several: bool) -> Any:
        if callable(self.function):
            return _mean(self.function(labels, raw if several else raw[0]))
        each = labels if isinstance(labels, list | tuple) else [labels] * len(raw)
        parts = zip(self.function, each, raw, strict=True)
        return sum(_mean(function(y_true, y_pred)) for function, y_true, y_pred in parts)


def value_and_gradients(
    function: Callable[[Any, Sequence[Any]], Any], labels: Any, outputs: Sequence[Any]
) -> tuple[float, list[Any]]:
    """A scalar of predictions and its gradient, by the framework that Keras runs on.

    Args:
        function: (labels, outputs) to a scalar tensor.
        labels: Arrays, nested in any way.
        outputs: Tensors of the framework.

    Raises:
        ValueError: The scalar does not depend on the outputs.
    """
    make = {"tensorflow": _on_tensorflow, "jax": _on_jax}
    value, gradients = make.get(keras.backend.backend(), _on_torch)(function, labels, list(outputs))
    if all(each is None for each in gradients):
        raise ValueError(
            "What the loss returns does not depend on the predictions, or only through something "
            "that has no gradient (argmax, floor, comparisons, numpy): it would train nothing."
        )
    return float(as_numpy(value)), [
        keras.ops.zeros_like(output) if each is None else each
        for each, output in zip(gradients, outputs, strict=True)
    ]


def _mean(value: Any) -> Any:
    return keras.ops.mean(keras.ops.cast(keras.ops.convert_to_tensor(value), "float32"))


def _on_tensorflow(function: Any, labels: Any, outputs: list[Any]) -> tuple[Any, list[Any]]:
    import tensorflow as tf

    def run(labels: Any, outputs: list[Any]) -> tuple[Any, list[Any]]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(outputs)
            value = function(labels, outputs)
        return value, tape.gradient(value, outputs)

    # Traced and not yet run, it says which variables it has.
    labels = tf.nest.map_structure(tf.convert_to_tensor, labels)
    traced = tf.function(run).get_concrete_function(labels, outputs)
    before = [(each, each.numpy()) for each in traced.graph.variables]
    try:
        return traced(*tf.nest.flatten((labels, outputs), expand_composites=True))
    finally:
        for variable, value in before:
            variable.assign(value)


def _on_jax(function: Any, labels: Any, outputs: list[Any]) -> tuple[Any, list[Any]]:
    import jax  # pyright: ignore[reportMissingImports]

    labels = keras.tree.map_structure(keras.ops.convert_to_tensor, labels)
    value, gradients = jax.value_and_grad(lambda outputs: function(labels, outputs))(outputs)
    return value, gradients  # zeros where nothing depends on anything


def _on_torch(function: Any, labels: Any, outputs: list[Any]) -> tuple[Any, list[Any]]:
    import torch  # pyright: ignore[reportMissingImports]

    outputs = [each.detach().requires_grad_(True) for each in outputs]
    labels = keras.tree.map_structure(keras.ops.convert_to_tensor, labels)
    with torch.enable_grad():
        value = function(labels, outputs)
    if not value.requires_grad:
        return value, [None] * len(outputs)
    return value, list(torch.autograd.grad(value, outputs, allow_unused=True))
