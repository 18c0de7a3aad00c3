"""The functions that losses are made of, each with its slope. Plain float64 arrays.

An activation takes raw numbers and gives (value, derivative). An error takes (prediction, target)
and gives its derivatives by both: the gradient of a loss never needs the error itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]
Activation = Callable[[np.ndarray], Pair]
Error = Callable[[np.ndarray, np.ndarray], Pair]
# What a probability is kept from 0 and 1 by, in a derivative that divides by it.
TINY = 1e-12
GAMMAS = (2.0, 1.5, 1.0, 3.0, 0.5, 4.0, 5.0)


def sigmoid(raw: np.ndarray) -> Pair:
    """(0..1, slope)."""
    value = 1.0 / (1.0 + np.exp(-np.clip(raw, -500, 500)))
    return value, value * (1.0 - value)


def linear(raw: np.ndarray) -> Pair:
    """The number as it is."""
    return raw, np.ones_like(raw)


def exponential(raw: np.ndarray) -> Pair:
    """e to the power of the number."""
    value = np.exp(np.clip(raw, -60, 60))
    return value, value


def tanh(raw: np.ndarray) -> Pair:
    """-1..1."""
    value = np.tanh(raw)
    return value, 1.0 - value * value


def square_of_sigmoid(raw: np.ndarray) -> Pair:
    """A size whose square root the network gives."""
    value, slope = sigmoid(raw)
    return value * value, 2.0 * value * slope


def wide_sigmoid(raw: np.ndarray) -> Pair:
    """From -0.5 to 1.5: a centre that may lie half a cell outside."""
    value, slope = sigmoid(raw)
    return 2.0 * value - 0.5, 2.0 * slope


def wide_square(raw: np.ndarray) -> Pair:
    """From 0 to 4: a factor on an anchor."""
    value, slope = sigmoid(raw)
    return 4.0 * value * value, 8.0 * value * slope


def twice(one: Activation, other: Activation) -> Activation:
    """`other` of `one`."""

    def both(raw: np.ndarray) -> Pair:
        value, slope = one(raw)
        outer, outer_slope = other(value)
        return outer, outer_slope * slope

    return both


def square(predicted: np.ndarray, target: np.ndarray) -> Pair:
    """Squared error."""
    distance = 2.0 * (predicted - target)
    return distance, -distance


def absolute(predicted: np.ndarray, target: np.ndarray) -> Pair:
    """The distance."""
    sign = np.sign(predicted - target)
    return sign, -sign


def smooth(beta: float) -> Error:
    """The square up to beta, the distance beyond (smooth L1, or Huber with delta beta)."""

    def error(predicted: np.ndarray, target: np.ndarray) -> Pair:
        distance = np.clip((predicted - target) / beta, -1.0, 1.0)
        return distance, -distance

    return error


def log_cosh(predicted: np.ndarray, target: np.ndarray) -> Pair:
    """The logarithm of the hyperbolic cosine of the distance."""
    distance = np.tanh(predicted - target)
    return distance, -distance


def cross_entropy(predicted: np.ndarray, target: np.ndarray) -> Pair:
    """Binary cross-entropy of a probability."""
    inside = (predicted > 0) & (predicted < 1)
    p = np.clip(predicted, TINY, 1 - TINY)
    slope = np.where(inside, (p - target) / (p * (1 - p)), np.nan)
    return slope, np.log((1 - p) / p)


def log_only(predicted: np.ndarray, target: np.ndarray) -> Pair:
    """-target log p: cross-entropy without the part for what the target is not."""
    p = np.where(predicted > 0, np.maximum(predicted, TINY), np.nan)
    return -target / p, -np.log(p)


def added(part: float, *, only: bool = False) -> Error:
    """Cross-entropy with a number added inside its logarithms; `only` of what the target is."""

    def error(predicted: np.ndarray, target: np.ndarray) -> Pair:
        of_one, of_zero = np.maximum(predicted + part, TINY), np.maximum(1 - predicted + part, TINY)
        rest = 0.0 if only else 1.0
        slope = -target / of_one + rest * (1 - target) / of_zero
        return slope, -np.log(of_one) + rest * np.log(of_zero)

    return error


def focal(gamma: float) -> Error:
    """Binary cross-entropy times how far off the probability is, to the power of gamma."""

    def error(predicted: np.ndarray, target: np.ndarray) -> Pair:
        p = np.clip(predicted, TINY, 1 - TINY)
        of_one = (1 - p) ** (gamma - 1) * (gamma * np.log(p) - (1 - p) / p)
        of_zero = p ** (gamma - 1) * (-gamma * np.log(1 - p) + p / (1 - p))
        slope = target * of_one + (1 - target) * of_zero
        by_target = -((1 - p) ** gamma) * np.log(p) + p**gamma * np.log(1 - p)
        return slope, by_target

    return error


def focal_of_one(gamma: float) -> Error:
    """-target log p, times 1 - p to the power of gamma."""
    both = focal(gamma)

    def error(predicted: np.ndarray, target: np.ndarray) -> Pair:
        by_predicted, by_target = both(predicted, np.ones_like(predicted))
        return target * by_predicted, by_target

    return error


NUMBERS: dict[str, Activation] = {
    "a sigmoid": sigmoid,
    "no sigmoid": linear,
    "the sigmoid taken twice": twice(sigmoid, sigmoid),
    "a tanh in place of the sigmoid": tanh,
    "a sigmoid stretched to -0.5..1.5": wide_sigmoid,
    "an exp in place of the sigmoid": exponential,
}
"""Activations of a number between 0 and 1, by what stands in a sentence."""

ERRORS: dict[str, Error] = {
    "the square": square,
    "the absolute distance": absolute,
    "smooth L1": smooth(1.0),
    **{f"smooth L1 (beta {beta:.2g})": smooth(beta) for beta in (0.5, 0.1, 1 / 9, 0.25, 2.0)},
    "log-cosh": log_cosh,
    "binary cross-entropy": cross_entropy,
    **{f"focal loss (gamma {gamma:g})": focal(gamma) for gamma in GAMMAS},
}
"""Errors, by what stands in a sentence."""

_ADDED = (1e-3, 1e-2, 1e-4)
CONFIDENCE_ERRORS: dict[str, Error] = ERRORS | {
    f"binary cross-entropy with {part:g} added inside its logarithms": added(part)
    for part in _ADDED
}
"""Errors of confidences."""

ALIKE_UP_TO_1 = {"the square", "smooth L1", "smooth L1 (beta 2)"}
"""Errors that are the same, but for a factor, of distances up to 1."""

MIXING = ("the square", "binary cross-entropy")
"""Errors with which the gradient of a mixture of targets is the mixture of their gradients."""


Vjp = Callable[[np.ndarray], np.ndarray]
Shares = Callable[[np.ndarray], tuple[np.ndarray, Vjp]]


def by_number(activation: Activation) -> Shares:
    """An activation of each score by itself, as one of all scores of a slot."""

    def shares(raw: np.ndarray) -> tuple[np.ndarray, Vjp]:
        value, slope = activation(raw)
        return value, lambda gradient: gradient * slope

    return shares


def softmax(raw: np.ndarray) -> tuple[np.ndarray, Vjp]:
    """Shares that sum to 1, and what a gradient by them is by the scores."""
    value = np.exp(raw - raw.max(axis=-1, keepdims=True))
    value /= value.sum(axis=-1, keepdims=True)
    return value, lambda g: value * (g - (g * value).sum(axis=-1, keepdims=True))


def normalised(raw: np.ndarray) -> tuple[np.ndarray, Vjp]:
    """Each over their sum, as Keras's categorical cross-entropy does with probabilities."""
    total = raw.sum(axis=-1, keepdims=True)
    value = raw / total
    return value, lambda g: (g - (g * value).sum(axis=-1, keepdims=True)) / total


def after(one: Shares, other: Shares) -> Shares:
    """`other` of `one`."""

    def both(raw: np.ndarray) -> tuple[np.ndarray, Vjp]:
        inner, inner_vjp = one(raw)
        outer, outer_vjp = other(inner)
        return outer, lambda gradient: inner_vjp(outer_vjp(gradient))

    return both


_sigmoids = by_number(sigmoid)
SCORES: dict[str, Shares] = {
    "a softmax": softmax,
    "sigmoids": _sigmoids,
    "sigmoids over their sum": after(_sigmoids, normalised),
    "no activation": by_number(linear),
    "the softmax taken twice": after(softmax, softmax),
    "the sigmoid taken twice": after(_sigmoids, _sigmoids),
    "a softmax of sigmoids": after(_sigmoids, softmax),
    "a sigmoid of the softmax": after(softmax, _sigmoids),
}
"""Activations of class scores, by what stands in a sentence."""

CLASS_ERRORS: dict[str, Error] = {
    "cross-entropy": log_only,
    **{
        f"cross-entropy with {part:g} added inside its logarithm": added(part, only=True)
        for part in _ADDED
    },
    "the square": square,
    "binary cross-entropy": cross_entropy,
    "the absolute distance": absolute,
    **{f"focal loss (gamma {gamma:g})": focal(gamma) for gamma in GAMMAS},
    **{
        f"focal cross-entropy (gamma {gamma:g}), of the class alone": focal_of_one(gamma)
        for gamma in GAMMAS
    },
}
"""Errors of class probabilities, by what stands in a sentence."""
