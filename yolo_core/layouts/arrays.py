"""Arrays of any framework: what NumPy can read, and which functions rearrange the rest."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np


def as_numpy(value: Any) -> np.ndarray:
    """What NumPy, TensorFlow, JAX or PyTorch holds, as a NumPy array of the same numbers.

    Args:
        value: An array or a list of numbers. A PyTorch tensor may need a gradient, lie on another
            device, or hold bfloat16 (which becomes float32, exactly).

    Raises:
        ValueError: NumPy cannot read it.
    """
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu()
            if str(value.dtype) == "torch.bfloat16":
                value = value.float()
        return np.asarray(value)
    except Exception as error:
        raise ValueError(
            f"A {type(value).__name__} is nothing that NumPy can read; expected an array of "
            "NumPy, TensorFlow, JAX or PyTorch."
        ) from error


def rearranging(value: Any) -> tuple[Any, Any]:
    """A value, and the module whose reshape, transpose, take, concatenate and split it takes.

    A tensor of the framework that Keras runs on stays one, so that gradients flow through; of any
    other the NumPy array is rearranged.
    """
    keras = sys.modules.get("keras")
    if keras is not None and (keras.ops.is_tensor(value) or keras.backend.is_keras_tensor(value)):
        return value, keras.ops
    return as_numpy(value), np


def reordered(xp: Any, values: Any, order: Sequence[int], *, axis: int) -> Any:
    """Values along one axis in another order: the k-th is the one that was at `order[k]`."""
    if tuple(order) == tuple(range(len(order))):
        return values
    return xp.take(values, list(order), axis=axis)


def inverse(order: Sequence[int]) -> tuple[int, ...]:
    """The order that undoes another one."""
    return tuple(np.argsort(order).tolist())
