"""Which term stopped being a finite number first, and in which samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from yolo_core.training.detector import Detector

SHOWN_SAMPLES = 8


def describe_non_finite(
    detector: Detector, images: np.ndarray, y_true: np.ndarray, names: Sequence[str]
) -> str:
    """Computes a step again that was not finite, and says what went wrong in it first.

    Looks in the order of the computation: the terms, their weighted values, their gradients at
    the network's output, their gradients at its weights. Every variable stays as it was.

    Args:
        detector: With the weights that the step started from.
        images: (B, height, width, channels) float32, 0 to 1: the batch of the step.
        y_true: (B, N, 5 + C) float32.
        names: (B,) names of the samples.

    Returns:
        The middle of a sentence, such as "term wh first, in train/3, train/7".
    """
    before = [variable.numpy() for variable in detector.non_trainable_variables]
    with tf.GradientTape(persistent=True) as tape:
        y_pred = detector.network(images, training=True)
        tape.watch(y_pred)
        breakdown = detector.detection_loss.breakdown(y_true, y_pred)
        weighted = {
            name: breakdown.lambdas[name] * value for name, value in breakdown.terms.items()
        }
    for variable, value in zip(detector.non_trainable_variables, before, strict=True):
        variable.assign(value)

    at_output = not _all_finite(y_pred)
    prefix = "the network's own output, and with it " if at_output else ""
    maps = {name: value.numpy() for name, value in breakdown.maps.items()}
    with np.errstate(all="ignore"):
        shares = {name: maps[name] * breakdown.lambdas[name].numpy() for name in maps}
    for values, by_sample, words in (
        (breakdown.terms, maps, "term {}"),
        (weighted, shares, "term {} times its lambda"),
    ):
        wrong = [name for name, value in values.items() if not _all_finite(value)]
        if wrong:
            first, *others = wrong
            also = f" (then {', '.join(others)})" if others else ""
            samples = np.logical_or.reduce([_bad_rows(by_sample[name]) for name in wrong])
            where = _where(names, samples, shares[first])
            return f"{prefix}{words.format(first)} first{also}{where}"
    if not _all_finite(breakdown.total):
        largest = max(weighted, key=lambda name: float(weighted[name]))
        where = _where(names, np.zeros(len(names), bool), shares[largest])
        return f"the sum of the weighted terms, most of it term {largest}{where}"
    for name, value in weighted.items():
        gradient = tape.gradient(value, y_pred)
        if gradient is not None and not _norm_is_finite([gradient]):
            where = _where(names, _bad_rows(gradient.numpy()), shares[name])
            return f"the gradient of term {name} first{where}; the loss itself was finite"
    for name, value in weighted.items():
        gradients = tape.gradient(value, detector.trainable_variables)
        if not _norm_is_finite([each for each in gradients if each is not None]):
            where = _where(names, np.zeros(len(names), bool), shares[name])
            return f"the gradient of term {name} at the weights{where}; the loss itself was finite"
    return "the gradients, while the loss itself was finite"


def _where(names: Sequence[str], bad: np.ndarray, shares: np.ndarray) -> str:
    """The samples at fault; where none is alone at fault, the one with the largest share."""
    if not bad.any():
        with np.errstate(all="ignore"):
            sums = np.abs(shares.astype(np.float64)).sum(axis=1)
        return f", with the largest share in {names[int(sums.argmax())]}"
    found = [name for name, is_bad in zip(names, bad, strict=True) if is_bad]
    more = len(found) - SHOWN_SAMPLES
    return f", in {', '.join(found[:SHOWN_SAMPLES])}" + (f" and {more} more" if more > 0 else "")


def _bad_rows(values: np.ndarray) -> np.ndarray:
    """(B,) bool: samples with a value that is not finite."""
    return ~np.all(np.isfinite(values).reshape(len(values), -1), axis=1)


def _all_finite(value: Any) -> bool:
    return bool(tf.reduce_all(tf.math.is_finite(value)))


def _norm_is_finite(gradients: list[Any]) -> bool:
    """What the training step looks at: gradients may be finite, and their norm overflow."""
    return _all_finite(tf.linalg.global_norm(gradients))
