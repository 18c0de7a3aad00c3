"""Forms of the term of the classes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.compare.own.forms.evidence import Evidence, Form
from yolo_core.compare.own.forms.functions import CLASS_ERRORS, SCORES

_SMOOTHING = (0.1, 0.05, 0.01)


def class_forms(
    evidence: Evidence, image: np.ndarray, slot: np.ndarray, wanted: np.ndarray
) -> Iterator[Form]:
    """Forms of the class scores of some slots; the gradients are (M, K), by the scores.

    Args:
        evidence: The batch.
        image: (M,) index of the picture.
        slot: (M,) index of the slot.
        wanted: (M, K) one-hot class; zeros where there is none and there is no background.
    """
    raw = evidence.raw[image, slot][:, evidence.class_channels]
    for words, target in _targets(evidence, wanted):
        for said, activation in SCORES.items():
            value, vjp = activation(raw)
            for error, function in CLASS_ERRORS.items():
                gradient = vjp(function(value, target)[0])
                yield Form({"activation": said, "error": error, "target": words}, gradient)


def _targets(evidence: Evidence, wanted: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield "", wanted
    count = wanted.shape[-1]
    if evidence.has_background:
        yield (
            "the background last and not first: every class one place too far",
            np.roll(wanted, -1, axis=-1),
        )
    yield "the class one place too far (off by one: the next class)", np.roll(wanted, 1, axis=-1)
    yield "the class one place too low (off by one: the class before)", np.roll(wanted, -1, axis=-1)
    yield "the classes in the reverse order", wanted[:, ::-1]
    for part in _SMOOTHING:
        yield f"label smoothing of {part:g}", wanted * (1 - part) + part / count
        yield (
            f"label smoothing of {part:g}, over all but the class",
            wanted * (1 - part) + (1 - wanted) * part / (count - 1),
        )
