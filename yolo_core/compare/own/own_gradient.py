"""The gradient of somebody's own Keras loss, and of a published one, on the same predictions.

Runs the code of whoever named the file on the command line; nothing else calls this.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from yolo_core.breakdown import LossBreakdown
from yolo_core.compare.own.calling import (
    hint,
    is_pytorch,
    listed,
    mean,
    one_number,
    pytorch_gradient,
)
from yolo_core.compare.own.forms.account import tell
from yolo_core.compare.own.forms.evidence import Evidence
from yolo_core.compare.own.forms.told import Account
from yolo_core.compare.own.handing import labels_for, predictions_for, set_around
from yolo_core.compare.own.term_factors import term_factors, trained
from yolo_core.losses import DetectionLoss
from yolo_core.models.decode import nms_keep
from yolo_core.slots import SlotLayout
from yolo_core.training.own_loss import blamed_on, names_around, short_name, split_name
from yolo_core.views import Snapshot


@dataclasses.dataclass(frozen=True)
class Handing:
    """How a function is called (`handing.py`).

    Attributes:
        labels: One of `handing.LABELS`.
        activated: Predictions are activated before; None where that is to be found out.
        channels_first: Grids have their channels before rows and columns.
    """

    labels: str = "rows"
    activated: bool | None = None
    channels_first: bool = False


def breakdown_snapshot(
    loss: DetectionLoss,
    against: str,
    breakdown: LossBreakdown,
    *,
    samples: Sequence[str],
    images: np.ndarray,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    class_names: Sequence[str],
) -> Snapshot:
    """What the published loss made of the batch; arguments as in `comparing.compare_own`."""
    seen = breakdown.predictions
    return Snapshot(
        step=0,
        kind="batch",
        samples=tuple(samples),
        class_names=tuple(class_names),
        loss_name=against,
        channels=loss.channel_names,
        layout=loss.slots(y_pred.shape),
        breakdown=breakdown,
        images=images,
        y_true=y_true,
        y_pred=np.asarray(loss.slot_predictions(y_pred)),
        keep=nms_keep(seen["boxes"], seen["objectness"], seen["class_probabilities"]),
        ignore_rule=loss.ignore_rule,
    )


def account(
    loss: DetectionLoss,
    snapshot: Snapshot,
    your_gradient: np.ndarray,
    terms: dict[str, np.ndarray],
) -> Account:
    """What your gradient says otherwise than the published one, term by term (`forms/account.py`).

    Args:
        loss: The published loss.
        snapshot: Its breakdown of the batch.
        your_gradient: (B, P, channels).
        terms: {term: (B, P, channels)} of lambda x term of the published loss.
    """
    mine, of_terms = trained(your_gradient, terms)
    evidence = Evidence(
        snapshot,
        mine,
        of_terms,
        np.asarray(snapshot.breakdown.assignment.matched_object),
        tuple(loss.options.get("variances", (1.0, 1.0))),
    )
    factors, _ = term_factors(mine, of_terms)
    weighed = [term.term for term in factors if term.kind not in ("other", "partly")]
    return tell(evidence, loss.ignore_rule, weighed)


def own_gradient(
    function: Callable[[Any, Any], Any],
    name: str,
    loss: DetectionLoss,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    handing: Handing = Handing(),
    *,
    image_shape: Sequence[int],
) -> tuple[float, np.ndarray, dict[str, str]]:
    """What a function returns, its gradient, and the names of its file that were set.

    Args:
        function: (y_true, y_pred) -> a scalar, or numbers whose mean is the loss, as Keras has it.
        name: "FILE.py:NAME" that it was loaded from.
        loss: The published loss.
        y_true: (B, N, 5 + C) label rows.
        y_pred: Raw predictions as a network hands them to the published loss.
        handing: What the function takes of them.
        image_shape: (height, width, channels) of the pictures.

    Returns:
        Its total, (B, P, channels) by the raw slots, and {name: what it was set to}.

    Raises:
        ValueError: The function fails (the line of its file is named), or returns nothing that
            depends on the predictions.
    """
    path = Path(split_name(name)[0]).absolute()
    layout, around = loss.slots(y_pred.shape), names_around(name)
    told = set_around(around, layout, y_true, image_shape)
    given, constants = labels_for(handing.labels, loss, layout, y_true, around)
    around.update(constants)
    handed = predictions_for(
        handing.labels,
        loss,
        y_true,
        activated=bool(handing.activated),
        channels_first=handing.channels_first,
    )
    raw = tf.constant(y_pred)
    mean_of_all, by_predicted = None, []
    with tf.GradientTape() as tape:
        tape.watch(raw)
        predicted = handed(raw)
        failed = _failed(name, loss, layout, given, predicted)
        if is_pytorch(name):
            with blamed_on(path, failed, hint):
                total, by_predicted = pytorch_gradient(function, given, predicted)
        else:
            labels = [tf.constant(each) for each in listed(given)]
            with blamed_on(path, failed, hint):
                value = function(labels if isinstance(given, list) else labels[0], predicted)
            try:
                mean_of_all = one_number(value, mean)
            except (TypeError, ValueError, tf.errors.OpError):
                raise ValueError(
                    f"{short_name(name)} must return a number, numbers, or a tuple with the total "
                    f"first; it returned {type(value).__name__}."
                ) from None
            total = float(mean_of_all)
    if mean_of_all is not None:
        gradient = tape.gradient(mean_of_all, raw)
    else:
        gradient = tape.gradient(
            listed(predicted), raw, output_gradients=[tf.constant(each) for each in by_predicted]
        )
    if gradient is None:
        raise ValueError(
            f"What {short_name(name)} returns does not depend on y_pred, or only through something "
            "that has no gradient (argmax, floor, comparisons, numpy): it would train nothing."
        )
    found = tf.convert_to_tensor(gradient).numpy().reshape(y_pred.shape)
    return total, np.asarray(loss.slot_predictions(found)), told


def _failed(name: str, loss: DetectionLoss, layout: SlotLayout, given: Any, predicted: Any) -> str:
    """The beginning of the sentence of what a function fails with."""

    def shapes(value: Any) -> str:
        return " and ".join(str(tuple(each.shape)) for each in listed(value))

    grids = " and ".join(f"{rows} x {columns} x {count}" for rows, columns, count in layout.grids)
    return (
        f"{short_name(name)} failed on y_true of shape {shapes(given)} and y_pred of shape "
        f"{shapes(predicted)} (slots {grids}, {loss.num_classes} classes; --labels "
        "says what else it can be given)"
    )
