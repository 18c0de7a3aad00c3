"""Which changes to a published loss give the gradient of somebody's own: the published slips tried.

A published loss is tried with each of its options changed, one after the other, and the change that
leaves the fewest differences is kept; then the next one on top of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from yolo_core.breakdown import LossBreakdown
from yolo_core.compare.gradients import differing
from yolo_core.compare.slip_table import SLIPS
from yolo_core.compare.term_factors import trained
from yolo_core.losses import DetectionLoss

MOST_CHANGES = 3
# Of the slots that differ, a change must explain that part to be one of several.
WORTH_KEEPING = 0.2
THRESHOLDS = (0.5, 0.6, 0.7, 1.0)


@dataclasses.dataclass(frozen=True)
class Change:
    """An option with another value, and what it is called."""

    option: str
    value: Any
    words: str


def diagnose(
    loss: DetectionLoss,
    against: str,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    your_gradient: np.ndarray,
) -> tuple[str, ...]:
    """Tries what the published loss would have to be for the two gradients to agree.

    Args:
        loss: The published loss.
        against: What it is called.
        y_true: (B, N, 5 + C) label rows.
        y_pred: Raw predictions as a network hands them over.
        your_gradient: (B, P, channels).

    Returns:
        One sentence, or none where the two agree already or no change explains all of it.
    """
    mine = trained(your_gradient)
    if not np.isfinite(mine).all() or not mine.any():
        return ()

    def wrong(other: DetectionLoss) -> np.ndarray:
        return differing(mine, term_gradients(other, y_true, y_pred)[1])

    best = wrong(loss)
    changes: list[Change] = []
    while best.any() and len(changes) < MOST_CHANGES:
        tried = [(wrong(other), change, other) for change, other in _neighbours(loss)]
        score, change, other = min(tried, key=lambda each: each[0].sum())
        if best.sum() - score.sum() < WORTH_KEEPING * best.sum():
            break
        best, loss = score, other
        changes = [each for each in changes if each.option != change.option] + [change]
    if not changes or best.any():
        # What explains a part only may as well explain it by chance.
        return ()
    words = " and ".join(change.words for change in changes)
    return (f"{against} with {words} has your gradient everywhere, up to weights of terms.",)


def term_gradients(
    loss: DetectionLoss, y_true: np.ndarray, y_pred: np.ndarray
) -> tuple[LossBreakdown, dict[str, np.ndarray]]:
    """A loss taken apart, and the gradient of each of its parts.

    Args:
        loss: The loss.
        y_true: (B, N, 5 + C) label rows.
        y_pred: Raw predictions as a network hands them over.

    Returns:
        The breakdown as numpy, and {term: (B, P, channels)} of lambda x term.
    """
    raw = tf.constant(y_pred)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(raw)
        breakdown = loss.breakdown(y_true, raw)
        weighted = {t: breakdown.lambdas[t] * value for t, value in breakdown.terms.items()}
    gradients = {}
    for term, value in weighted.items():
        gradient = tape.gradient(value, raw, unconnected_gradients="zero")
        gradients[term] = np.asarray(loss.slot_predictions(gradient))
    return breakdown.to_numpy(), gradients


def _neighbours(loss: DetectionLoss) -> Iterator[tuple[Change, DetectionLoss]]:
    """The loss with each of its options changed."""
    config = loss.get_config()
    for change in _changes(loss):
        yield change, type(loss).from_config({**config, change.option: change.value})


def _changes(loss: DetectionLoss) -> Iterator[Change]:
    for option, value in loss.options.items():
        if option == "decoded":
            continue
        others: list[Any] = []
        if isinstance(value, bool):
            others = [not value]
        elif option in loss.choices:
            others = list(loss.choices[option])
        elif option == "ignore_threshold":
            others = list(THRESHOLDS)
        elif option == "probability_clip":
            others = [None, 1e-7]
        for other in others:
            if other != value:
                yield Change(option, other, _words(option, other))


def _words(option: str, value: Any) -> str:
    """The name of the slip that this is, or of what it undoes, or the option itself."""
    if option == "ignore_threshold" and value == 1.0:
        return "no ignore rule at all"
    for slip in SLIPS:
        if slip.on == {option: value}:
            return f'the slip "{slip.title}" ({slip.number})'
        if slip.off == {option: value}:
            return f'the slip "{slip.title}" ({slip.number}) undone'
    return f"{option} = {value}"
