"""Which changes to a published loss give the gradient of somebody's own: known mistakes tried.

A published loss is tried with each published slip taken on or back and with other thresholds, one
after the other, and the change that leaves the fewest differences is kept; then the next one on top
of it. What is no option of it is told term by term (`forms/account.py`).
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from yolo_core.breakdown import LossBreakdown
from yolo_core.compare.own.forms.ignoring import OR_FAR_OFF
from yolo_core.compare.own.forms.told import Account, Remark
from yolo_core.compare.own.gradients import differing
from yolo_core.compare.own.term_factors import (
    TOLERANCE,
    relative_difference,
    term_factors,
    trained,
)
from yolo_core.losses import DetectionLoss, changed

MOST_CHANGES = 3
# Of the slots that differ, a change must explain that part to be one of several.
WORTH_KEEPING = 0.2
_THRESHOLD = "ignore_threshold"
THRESHOLDS = (0.5, 0.6, 0.7, 1.0)


@dataclasses.dataclass(frozen=True)
class Change:
    """An option with another value, what that is called, and the number of the slip that it is."""

    option: str
    value: Any
    words: str
    number: str = ""


def diagnose(
    loss: DetectionLoss,
    against: str,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    your_gradient: np.ndarray,
    published: Mapping[str, np.ndarray],
) -> Account:
    """Tries what the published loss would have to be for the two gradients to agree.

    Args:
        loss: The published loss.
        against: What it is called.
        y_true: (B, N, 5 + C) label rows.
        y_pred: Raw predictions as a network hands them over.
        your_gradient: (B, P, channels).
        published: {term: (B, P, channels)} of the published loss, as `term_gradients` has it.

    Returns:
        One remark where changes explain all of it, and the terms that they leave as they are.
        Empty where none do, or the two agree.
    """
    mine = np.asarray(your_gradient)
    if not np.isfinite(mine).all() or not mine.any():
        return Account()

    def wrong(other: DetectionLoss) -> np.ndarray:
        return differing(mine, term_gradients(other, y_true, y_pred)[1])

    best = differing(mine, published)
    changes: list[Change] = []
    while best.any() and len(changes) < MOST_CHANGES:
        tried = [(wrong(other), change, other) for change, other in _neighbours(loss)]
        if not tried:
            break
        score, change, other = min(tried, key=lambda each: each[0].sum())
        if best.sum() - score.sum() < WORTH_KEEPING * best.sum():
            break
        best, loss = score, other
        changes = [each for each in changes if each.option != change.option] + [change]
    # What explains a part of the slots only may as well explain it by chance.
    if best.any() or not changes:
        return Account()
    words, values = [], {}
    for change in changes:
        fit = _as_good(change, loss, wrong) if change.option == _THRESHOLD else []
        if len(fit) > 1 and change.value != 1.0:
            words.append(f"{_THRESHOLD} = {change.value:g} (or any from {{low:g}} to {{high:g}})")
            values = {"low": fit[0], "high": fit[-1]}
        else:
            words.append(change.words)
    changed_to = term_gradients(loss, y_true, y_pred)[1]
    factors, _ = term_factors(*trained(mine, changed_to))
    used = [each for each in factors if each.entries and each.factor is not None]
    weighted = [each for each in used if each.kind == "weighted"]
    told = ", ".join(f"{each.term} {each.factor:.4g} x" for each in weighted)
    if weighted and len({f"{each.factor:.4g}" for each in used}) == 1:
        told = f"all {used[0].factor:.4g} x"
    told = f", given these weights: {told}" if told else ""
    alike = [
        each.term
        for each in factors
        if each.kind == "same"
        and (relative_difference(changed_to[each.term], published[each.term]) <= TOLERANCE).all()
    ]
    remark = Remark(
        f"Your loss looks like {{against}} with {' and '.join(words)}: that has your gradient "
        "everywhere{weights}.",
        {**values, "against": against, "weights": told},
        cites=tuple(change.number for change in changes if change.number),
    )
    return Account((remark,), frozenset(alike))


def _as_good(
    change: Change, loss: DetectionLoss, wrong: Callable[[DetectionLoss], np.ndarray]
) -> list[float]:
    """All thresholds that do as well: no box may lie between two of them."""
    return [
        each
        for each in (round(0.05 * step, 2) for step in range(4, 20))
        if each == change.value or not wrong(changed(loss, {_THRESHOLD: each})).any()
    ]


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
        gradient = tape.gradient(value, raw, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        gradients[term] = np.asarray(loss.slot_predictions(gradient))
    return breakdown.to_numpy(), gradients


def _neighbours(loss: DetectionLoss) -> Iterator[tuple[Change, DetectionLoss]]:
    """The loss with each of its options changed."""
    for change in _changes(loss):
        with contextlib.suppress(ValueError):  # options that do not go together
            yield change, changed(loss, {change.option: change.value})


def _changes(loss: DetectionLoss) -> Iterator[Change]:
    """Every slip that the loss has not, taken on, and every one that it has, taken back."""
    for slip in loss.known_slips:
        if slip.option and slip.name not in loss.slips:
            yield Change(slip.option, slip.on, slip.with_words, slip.number)
        elif slip.option:
            yield Change(slip.option, slip.off, slip.without_words, slip.number)
    now = loss.options.get(_THRESHOLD)
    for threshold in THRESHOLDS if now is not None else ():
        if threshold != now:
            words = f"ignore_threshold = {threshold}"
            if threshold == 1.0:
                words = f"no ignore rule at all ({OR_FAR_OFF})"
            yield Change(_THRESHOLD, threshold, words)
