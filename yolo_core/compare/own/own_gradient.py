"""The gradient of somebody's own Keras loss, and of a published one, on the same predictions.

Runs the code of whoever named the file on the command line; nothing else calls this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from yolo_core.compare.own.diagnosis import diagnose, term_gradients
from yolo_core.compare.own.forms.account import tell
from yolo_core.compare.own.forms.evidence import Evidence
from yolo_core.compare.own.gradients import GradientComparison, compare_gradients, differing
from yolo_core.compare.own.term_factors import term_factors, trained
from yolo_core.losses import DetectionLoss
from yolo_core.models.decode import nms_keep
from yolo_core.training.own_loss import blamed_on, names_around, short_name, split_name
from yolo_core.views import Snapshot

LABELS = ("rows", "grid")


def compare_own(
    function: Callable[[Any, Any], Any],
    name: str,
    loss: DetectionLoss,
    against: str,
    *,
    samples: Sequence[str],
    images: np.ndarray,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    class_names: Sequence[str],
    labels: str = "rows",
) -> GradientComparison:
    """Holds the gradient of a plain Keras loss against that of a published one.

    Args:
        function: (y_true, y_pred) -> a scalar, or numbers whose mean is the loss, as Keras has it.
        name: "FILE.py:NAME" that it was loaded from.
        loss: The published loss.
        against: What the published loss is called.
        samples: (B,) names of the pictures.
        images: (B, height, width, channels) uint8.
        y_true: (B, N, 5 + C) label rows.
        y_pred: Raw predictions as a network hands them to the published loss.
        class_names: (C,) names.
        labels: What your function takes. "rows": `y_true` and `y_pred` as they are. "grid": those
            of the Keras notebook's `custom_loss` (`notebook.py`).

    Raises:
        ValueError: The function fails (the line of its file is named), or returns nothing that
            depends on the predictions.
    """
    breakdown, terms = term_gradients(loss, y_true, y_pred)
    layout = loss.slots(y_pred.shape)
    raw = np.asarray(loss.slot_predictions(y_pred))
    seen = breakdown.predictions
    snapshot = Snapshot(
        step=0,
        kind="batch",
        samples=tuple(samples),
        class_names=tuple(class_names),
        loss_name=against,
        channels=loss.channel_names,
        layout=layout,
        breakdown=breakdown,
        images=images,
        y_true=y_true,
        y_pred=raw,
        keep=nms_keep(seen["boxes"], seen["objectness"], seen["class_probabilities"]),
        ignore_rule=loss.ignore_rule,
    )
    own_true, own_pred = y_true, y_pred
    if labels == "grid":
        # The names that the notebook's function reads from around it.
        around = names_around(name)
        own_true, constants = loss.grid_labels(y_true, y_pred.shape, around)
        own_pred = y_pred.reshape(own_true.shape)
        around.update(constants)
    total, gradient = own_gradient(function, name, own_true, own_pred, labels=labels)
    your_gradient = np.asarray(loss.slot_predictions(gradient.reshape(y_pred.shape)))
    return compare_gradients(
        yours=short_name(name),
        against=against,
        snapshot=snapshot,
        your_gradient=your_gradient,
        term_gradients=terms,
        your_total=total,
        published_total=float(breakdown.total),
        diagnosis=_diagnosis(loss, against, snapshot, y_pred, your_gradient, terms),
    )


def _diagnosis(
    loss: DetectionLoss,
    against: str,
    snapshot: Snapshot,
    y_pred: np.ndarray,
    your_gradient: np.ndarray,
    terms: dict[str, np.ndarray],
) -> tuple[str, ...]:
    """What is otherwise: known slips where they explain all of it, else term by term."""
    if not np.isfinite(your_gradient).all() or not your_gradient.any():
        return ()
    if not differing(your_gradient, terms).any():
        return ()
    known = diagnose(loss, against, np.asarray(snapshot.y_true), y_pred, your_gradient)
    if known:
        return known
    mine, of_terms = trained(your_gradient, terms)
    evidence = Evidence(
        snapshot,
        mine,
        of_terms,
        np.asarray(snapshot.breakdown.assignment.matched_object),
        tuple(loss.options.get("variances", (1.0, 1.0))),
    )
    weighed = [term.term for term in term_factors(mine, of_terms)[0] if term.factor is not None]
    return tell(evidence, loss.ignore_rule, weighed).sentences


def own_gradient(
    function: Callable[[Any, Any], Any],
    name: str,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    *,
    labels: str,
) -> tuple[float, np.ndarray]:
    """The mean of what a function returns, and its gradient by `y_pred`.

    Raises:
        ValueError: As `compare_own`.
    """
    path = Path(split_name(name)[0]).absolute()
    raw = tf.constant(y_pred)
    other = "--labels grid" if labels == "rows" else "--labels rows"
    failed = (
        f"{short_name(name)} failed on y_true of shape {y_true.shape} and y_pred of shape "
        f"{y_pred.shape} ({other} gives it others)"
    )
    with tf.GradientTape() as tape:
        tape.watch(raw)
        with blamed_on(path, failed):
            value = function(tf.constant(y_true), raw)
        try:
            mean = tf.reduce_mean(tf.cast(tf.convert_to_tensor(value), tf.float32))
        except (TypeError, ValueError, tf.errors.OpError):
            raise ValueError(
                f"{short_name(name)} must return a number, or one number a picture; it returned "
                f"{type(value).__name__}."
            ) from None
    gradient = tape.gradient(mean, raw)
    if gradient is None:
        raise ValueError(
            f"What {short_name(name)} returns does not depend on y_pred, or only through something "
            "that has no gradient (argmax, floor, comparisons, numpy): it would train nothing."
        )
    return float(mean), tf.convert_to_tensor(gradient).numpy()
