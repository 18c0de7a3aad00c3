"""Darknet's activations, by the names that a `.cfg` has (`src/activations.h`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
from keras import ops

from yolo_core.boxes import Tensor

_registered = keras.saving.register_keras_serializable(package="yolo_core.darknet")


@_registered
def leaky(x: Tensor) -> Tensor:
    """A slope of 0.1 below 0."""
    return ops.where(x > 0, x, 0.1 * x)


@_registered
def selu(x: Tensor) -> Tensor:
    """With its two numbers rounded to four digits."""
    return 1.0507 * ops.where(x >= 0, x, 1.6732 * ops.expm1(ops.minimum(x, 0)))


@_registered
def relie(x: Tensor) -> Tensor:
    """A slope of 0.01 below 0."""
    return ops.where(x > 0, x, 0.01 * x)


@_registered
def ramp(x: Tensor) -> Tensor:
    """relu and a tenth of x."""
    return ops.relu(x) + 0.1 * x


@_registered
def loggy(x: Tensor) -> Tensor:
    """The logistic function from -1 to 1."""
    return 2 * ops.sigmoid(x) - 1


@_registered
def plse(x: Tensor) -> Tensor:
    """A slope of 1/8 from -4 to 4, of 0.01 outside."""
    return ops.where(x < -4, 0.01 * (x + 4), ops.where(x > 4, 0.01 * (x - 4) + 1, 0.125 * x + 0.5))


@_registered
def stair(x: Tensor) -> Tensor:
    """Flat from even numbers on, a slope of 1 from odd ones on."""
    whole = ops.floor(x)
    half = ops.floor(x / 2)
    return ops.where(ops.equal(whole, 2 * half), half, x - whole + half)


@_registered
def hardtan(x: Tensor) -> Tensor:
    """x cut to -1 to 1."""
    return ops.clip(x, -1.0, 1.0)


@_registered
def lhtan(x: Tensor) -> Tensor:
    """x from 0 to 1, a slope of 0.001 outside."""
    return ops.where(x < 0, 0.001 * x, ops.where(x > 1, 0.001 * (x - 1) + 1, x))


FUNCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "leaky": leaky,
    "logistic": keras.activations.sigmoid,
    "relu": keras.activations.relu,
    "tanh": keras.activations.tanh,
    "elu": keras.activations.elu,
    "selu": selu,
    "relie": relie,
    "ramp": ramp,
    "loggy": loggy,
    "plse": plse,
    "stair": stair,
    "hardtan": hardtan,
    "lhtan": lhtan,
    "mish": keras.activations.mish,
    "swish": keras.activations.silu,
}
"""All but "linear"."""
