"""Forms of the term of the classes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from yolo_core.compare.own.forms.evidence import Evidence, Form
from yolo_core.compare.own.forms.fitting import share_of
from yolo_core.compare.own.forms.functions import (
    CLASS_ERRORS,
    MIXING,
    SCORES,
    log_only,
    softmax,
)

_SMOOTHING = (0.1, 0.05, 0.01)
SAME_SHARPNESS = 5e-3


def class_forms(
    evidence: Evidence,
    image: np.ndarray,
    slot: np.ndarray,
    wanted: np.ndarray,
    numbers: np.ndarray | None = None,
) -> Iterator[Form]:
    """Forms of the class scores of some slots; the gradients are (M, K), by the scores.

    Args:
        evidence: The batch.
        image: (M,) index of the picture.
        slot: (M,) index of the slot.
        wanted: (M, K) one-hot class; zeros where there is none and there is no background.
        numbers: (M, K), the gradient: with it labels are smoothed by what it tells.
    """
    raw = evidence.raw[image, slot][:, evidence.class_channels]
    for words, target in _targets(evidence, wanted):
        for said, activation in SCORES.items():
            value, vjp = activation(raw)
            for error, function in CLASS_ERRORS.items():
                gradient = vjp(function(value, target)[0])
                yield Form({"activation": said, "error": error, "target": words}, gradient)
    if numbers is None or not wanted.any(axis=-1).all():
        return
    sharp = _sharpness(raw, wanted, numbers)
    if sharp is not None:
        value, vjp = softmax(sharp * raw)
        words = f"a softmax of the scores times {sharp:g} (a temperature of {1 / sharp:.3g})"
        told = {"activation": words, "error": "cross-entropy", "target": ""}
        yield Form(told, vjp(log_only(value, wanted)[0]))
    even = np.full_like(wanted, 1 / wanted.shape[-1])
    for (said, activation), error in itertools.product(SCORES.items(), (*MIXING, "cross-entropy")):
        value, vjp = activation(raw)
        hard, soft = (vjp(CLASS_ERRORS[error](value, target)[0]) for target in (wanted, even))
        part = share_of(numbers, hard, soft)
        if part is not None:
            words = f"label smoothing of {part:g}"
            told = {"activation": said, "error": error, "target": words}
            yield Form(told, (1 - part) * hard + part * soft)


def _sharpness(raw: np.ndarray, wanted: np.ndarray, numbers: np.ndarray) -> float | None:
    """What scores were multiplied by before a softmax, in three digits; None where by nothing.

    The cross-entropy pulls on the classes that are not wanted as their shares are: two of them are
    e to the power of their distance apart.
    """
    off = wanted == 0
    if (off.sum(axis=-1) < 2).any() or not (numbers[off] > 0).all():
        return None
    size = np.log(np.where(off, numbers, 1.0))
    count = off.sum(axis=-1, keepdims=True)
    apart = [
        np.where(off, each - (each * off).sum(axis=-1, keepdims=True) / count, 0.0)
        for each in (raw, size)
    ]
    found = float(f"{(apart[0] * apart[1]).sum() / np.square(apart[0]).sum():.3g}")
    return found if found > 0 and abs(found - 1) > SAME_SHARPNESS else None


def _targets(evidence: Evidence, wanted: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield "", wanted
    count = wanted.shape[-1]
    first = evidence.background_is_first
    if evidence.has_background and not first:
        yield (
            "the background last and not first: every class one place too far",
            np.roll(wanted, -1, axis=-1),
        )
    yield "the class one place too far (off by one: the next class)", np.roll(wanted, 1, axis=-1)
    if first is not False:
        words = "the class one place too low (off by one: the class before)"
        yield words, np.roll(wanted, -1, axis=-1)
    yield "the classes in the reverse order", wanted[:, ::-1]
    if not evidence.has_background:
        first = np.zeros_like(wanted)
        first[:, 0] = 1.0
        yield "class 0, whatever the object is", first
        nobody = ~wanted.any(axis=-1, keepdims=True)
        if nobody.any():
            yield "class 0 where there is no object", np.where(nobody, first, wanted)
    for part in _SMOOTHING:
        yield f"label smoothing of {part:g}", wanted * (1 - part) + part / count
        yield (
            f"label smoothing of {part:g}, over all but the class",
            wanted * (1 - part) + (1 - wanted) * part / (count - 1),
        )
