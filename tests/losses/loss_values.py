"""The losses of the law table on this process's Keras backend: `python loss_values.py OUT.npz`.

A backend is chosen when Keras is imported, so every backend needs a process of its own.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tests.losses.loss_table import CASES, LossCase, label, random_scene
from yolo_core.losses import DetectionLoss

ASSIGNMENT = ("object_mask", "no_object_mask", "ignore_mask", "object_status", "object_slot")


def loss_values(case: LossCase) -> dict[str, np.ndarray]:
    """Total, terms, assignment and gradient of one loss, by scene and name."""
    values: dict[str, np.ndarray] = {}
    loss = case.loss()
    take_apart = _taken_apart_by_jax(loss) if keras.backend.backend() == "jax" else _taken_apart
    for scene, (y_true, scale) in _scenes().items():
        y_pred = case.predictions(len(y_true), scale=scale)
        if isinstance(loss.switches.get("probability_clip"), float) or loss.switches.get(
            "angle_of_quotient"
        ):
            # Published, and so kept: 1 - p of a probability beside 1, which has few digits left,
            # and the last one of them is up to the backend's sigmoid; and the angle of w / h of
            # a box without height, whose gradient is no number on any backend.
            y_pred = np.clip(y_pred, -5, 5)
        tree, gradient = take_apart(loss, y_true, y_pred)
        values[f"{scene}/total"] = np.asarray(tree["total"])
        values[f"{scene}/gradient"] = np.asarray(gradient)
        for term, value in tree["terms"].items():
            values[f"{scene}/term {term}"] = np.asarray(value)
            values[f"{scene}/map {term}"] = np.asarray(tree["maps"][term])
        for name in ASSIGNMENT:
            values[f"{scene}/{name}"] = np.asarray(tree["assignment"][name])
    return values


def _scenes() -> dict[str, tuple[np.ndarray, float]]:
    """Labels, and the scale of the predictions that go with them."""
    odd = random_scene(4)
    odd[-1, :4] = [
        label(0.4, 0.6, 0.3, 0.2, 1),
        label(0.4, 0.6, 0.3, 0.2, 2),  # wants the slot of the one above
        label(1.0, 1.0, 0.5, 0.0),
        label(np.nan, 0.5, 0.2, 0.2),
    ]
    return {
        "typical": (random_scene(3), 1.0),
        "odd labels, large logits": (odd, 30.0),
        "no objects": (np.zeros_like(odd), 1.0),
        "no label rows": (odd[:, :0], 1.0),
        "no images": (odd[:0], 1.0),
    }


def _taken_apart(loss: DetectionLoss, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[dict, Any]:
    """The breakdown, and the gradient of the total by the predictions as this backend takes it."""
    tree = loss.breakdown(y_true, y_pred).to_numpy().to_tree()
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            inputs = tf.constant(y_pred)
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                total = loss(y_true, inputs)
            return tree, tape.gradient(total, inputs)
        case "torch":
            inputs = keras.ops.convert_to_tensor(y_pred).requires_grad_()
            loss(y_true, inputs).backward()
            return tree, inputs.grad.cpu()
        case other:
            raise ValueError(f"No gradient on the {other} backend.")


def _taken_apart_by_jax(loss: DetectionLoss) -> Callable[..., tuple[dict, Any]]:
    """The same, compiled once a shape as a training is: op by op it takes twice as long."""
    import jax

    @jax.jit
    @functools.partial(jax.grad, has_aux=True)
    def compiled(y_pred: jax.Array, y_true: jax.Array) -> tuple[jax.Array, dict]:
        tree = loss.breakdown(y_true, y_pred).to_tree()
        return tree["total"], tree

    return lambda _, y_true, y_pred: compiled(y_pred, y_true)[::-1]


if __name__ == "__main__":
    arrays = {
        f"{case.id}/{name}": value
        for case in CASES
        for name, value in loss_values(case.values[0]).items()
    }
    np.savez(sys.argv[1], imported_tensorflow="tensorflow" in sys.modules, **arrays)
