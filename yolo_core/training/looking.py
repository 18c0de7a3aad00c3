"""A loss taken apart on predictions, and a network looked at in inference mode: on any backend."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from yolo_core.breakdown import LossBreakdown
from yolo_core.layouts.arrays import as_numpy
from yolo_core.losses.base import DetectionLoss
from yolo_core.slots import SlotLayout

Compiled = Callable[..., tuple[Any, dict[str, Any]]]


class Dissector:
    """Takes a loss apart, with the gradient of each of its terms if they are asked for.

    Compiled where the backend compiles, once for each shape of the predictions. It reads lambdas
    and step of the loss as they are at the call.

    Args:
        loss: The loss.
    """

    def __init__(self, loss: DetectionLoss) -> None:
        self.loss = loss
        self._compiled: dict[Any, Compiled] = {}
        self._measure = ""

    def __call__(
        self, y_true: Any, y_pred: Any, *, gradients: bool = False
    ) -> tuple[np.ndarray, LossBreakdown]:
        """The loss of a batch.

        Args:
            y_true: (B, N, 5 + C) label rows.
            y_pred: Predictions as the loss takes them, arrays or tensors of Keras's backend.
            gradients: Whether the breakdown holds the gradients of its terms.

        Returns:
            Raw slot predictions (B, P, channels) float32, and the breakdown as numpy.

        Raises:
            ValueError: A shape does not fit the loss.
        """
        outputs = list(y_pred) if isinstance(y_pred, list | tuple) else [y_pred]
        outputs = [keras.ops.convert_to_tensor(each) for each in outputs]
        y_true = keras.ops.convert_to_tensor(y_true, "float32")
        shapes = tuple(tuple(each.shape[1:]) for each in outputs)
        key = (
            gradients,
            shapes,
            y_true.shape[-1],
            keras.backend.standardize_dtype(outputs[0].dtype),
        )
        if key not in self._compiled:
            make = {"tensorflow": _on_tensorflow, "jax": _on_jax}
            self._compiled[key] = make.get(keras.backend.backend(), _on_torch)(
                self._taken_apart, self.loss, outputs, y_true, gradients
            )
        slots, tree = self._compiled[key](y_true, outputs)
        tree = _numbers(tree)
        for group in ("terms", "maps", "lambdas", "gradients"):
            # JAX gives dictionaries back in the order of the alphabet.
            order = [name for name in self.loss.term_names if name in tree[group]]
            tree[group] = {name: tree[group][name] for name in order}
        return as_numpy(slots), LossBreakdown.from_tree(tree, candidate_measure=self._measure)

    def _taken_apart(self, y_true: Any, outputs: list[Any]) -> LossBreakdown:
        breakdown = self.loss.breakdown(y_true, _as_one(outputs))
        self._measure = breakdown.assignment.candidate_measure
        return breakdown


class Looker:
    """A network with a loss, looked at in inference mode.

    Args:
        network: From images to what the loss takes as predictions.
        loss: The loss.
    """

    def __init__(self, network: Any, loss: DetectionLoss) -> None:
        self.network = network
        self.detection_loss = loss
        self.dissect = Dissector(loss)
        self._forward: Callable[[Any], Any] | None = None
        self._layouts: dict[tuple[int, ...], SlotLayout] = {}

    @property
    def variables(self) -> list[Any]:
        """Lambdas and step of the loss, then those of the network: what a checkpoint keeps."""
        loss = self.detection_loss
        return [*loss.lambdas.values(), loss.step, *self.network.variables]

    def inspect(
        self, images: np.ndarray, y_true: np.ndarray, *, gradients: bool = False
    ) -> tuple[np.ndarray, LossBreakdown]:
        """Predictions and loss in inference mode, by the loss that trains.

        Args:
            images: (B, height, width, channels) float32, as the network takes them.
            y_true: (B, N, 5 + C) float32.
            gradients: Whether the breakdown holds the gradients of its terms.

        Returns:
            Raw predictions (B, P, channels) float32, and the breakdown of the batch as numpy.
        """
        return self.dissect(y_true, self.predict(images), gradients=gradients)

    def predict(self, images: np.ndarray) -> Any:
        """What the network puts out, tensors of Keras's backend."""
        if self._forward is None:
            make = {"tensorflow": _forward_on_tensorflow, "jax": _forward_on_jax}
            self._forward = make.get(keras.backend.backend(), _forward_on_torch)(self.network)
        return self._forward(images)

    def layout(self, image_shape: Sequence[int]) -> SlotLayout:
        """Where the slots of a picture of that height, width and number of channels sit."""
        key = tuple(image_shape)
        if key not in self._layouts:
            shape = getattr(self.network, "output_shape", None)
            known = keras.tree.flatten(shape)
            if shape is None or known.count(None) > (1 if isinstance(shape, tuple) else len(shape)):
                shape = self.network.compute_output_shape((1, *key))
            self._layouts[key] = self.detection_loss.slots(shape)
        return self._layouts[key]


def _as_one(outputs: list[Any]) -> Any:
    return outputs[0] if len(outputs) == 1 else outputs


def _numbers(tree: Any) -> Any:
    return {
        name: _numbers(each) if isinstance(each, dict) else as_numpy(each)
        for name, each in tree.items()
    }


def _with(
    breakdown: LossBreakdown, loss: DetectionLoss, gradients: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    # They lie on the slots as the predictions do: it is the same rearrangement.
    on_slots = {
        name: loss.slot_predictions(_as_one(list(each))) for name, each in gradients.items()
    }
    return dataclasses.replace(breakdown, gradients=on_slots).to_tree()


def _on_tensorflow(
    taken_apart: Any, loss: DetectionLoss, outputs: list[Any], y_true: Any, gradients: bool
) -> Compiled:
    import tensorflow as tf

    def run(y_true: Any, outputs: list[Any]) -> tuple[Any, dict[str, Any]]:
        # From the predictions on: nothing is asked about the weights.
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(outputs)
            breakdown = taken_apart(y_true, outputs)
        zero = tf.UnconnectedGradients.ZERO
        found = {
            name: tape.gradient(term, outputs, unconnected_gradients=zero)
            for name, term in (breakdown.terms.items() if gradients else ())
        }
        return loss.slot_predictions(_as_one(outputs)), _with(breakdown, loss, found)

    signature = [
        tf.TensorSpec((None, None, y_true.shape[-1]), tf.float32),
        [tf.TensorSpec((None, *each.shape[1:]), each.dtype) for each in outputs],
    ]
    # Nothing in a loss branches on a tensor, and looking for that takes seconds.
    return tf.function(run, input_signature=signature, autograph=False)


def _on_jax(
    taken_apart: Any, loss: DetectionLoss, outputs: list[Any], y_true: Any, gradients: bool
) -> Compiled:
    import jax  # pyright: ignore[reportMissingImports]

    del outputs, y_true
    state = [*loss.lambdas.values(), loss.step]

    def run(values: list[Any], y_true: Any, outputs: list[Any]) -> tuple[Any, dict[str, Any]]:
        # Arguments: in a trace their variables would be frozen.
        with keras.StatelessScope(state_mapping=list(zip(state, values, strict=True))):
            breakdown = taken_apart(y_true, outputs)
            found = (
                jax.jacrev(lambda outputs: taken_apart(y_true, outputs).terms)(outputs)
                if gradients
                else {}
            )
            return loss.slot_predictions(_as_one(outputs)), _with(breakdown, loss, found)

    compiled = jax.jit(run)
    return lambda y_true, outputs: compiled([each.value for each in state], y_true, outputs)


def _on_torch(
    taken_apart: Any, loss: DetectionLoss, outputs: list[Any], y_true: Any, gradients: bool
) -> Compiled:
    import torch  # pyright: ignore[reportMissingImports]

    del outputs, y_true

    def run(y_true: Any, outputs: list[Any]) -> tuple[Any, dict[str, Any]]:
        outputs = [each.detach().requires_grad_(gradients) for each in outputs]
        with torch.set_grad_enabled(gradients):
            breakdown = taken_apart(y_true, outputs)
        found = {
            name: torch.autograd.grad(
                term, outputs, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            if term.requires_grad
            else [torch.zeros_like(each) for each in outputs]
            for name, term in (breakdown.terms.items() if gradients else ())
        }
        with torch.no_grad():
            return loss.slot_predictions(_as_one(outputs)), _with(breakdown, loss, found)

    return run


def _forward_on_tensorflow(network: Any) -> Callable[[Any], Any]:
    import tensorflow as tf

    compiled: dict[tuple[int, ...], Any] = {}

    def run(images: Any) -> Any:
        shape = tuple(images.shape[1:])
        if shape not in compiled:
            compiled[shape] = tf.function(
                lambda images: network(images, training=False),
                input_signature=[tf.TensorSpec((None, *shape), images.dtype)],
                autograph=False,
            )
        return compiled[shape](images)

    return run


def _forward_on_jax(network: Any) -> Callable[[Any], Any]:
    import jax  # pyright: ignore[reportMissingImports]

    compiled = jax.jit(
        lambda one, other, images: network.stateless_call(one, other, images, training=False)[0]
    )
    return lambda images: compiled(
        [each.value for each in network.trainable_variables],
        [each.value for each in network.non_trainable_variables],
        images,
    )


def _forward_on_torch(network: Any) -> Callable[[Any], Any]:
    import torch  # pyright: ignore[reportMissingImports]

    def run(images: Any) -> Any:
        with torch.no_grad():
            return network(images, training=False)

    return run
