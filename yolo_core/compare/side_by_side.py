"""Several losses on one picture: each one's breakdown, computed here and now.

Imports Keras, so a page imports it inside the function that computes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from yolo_core.compare.differences import Comparison, compare_views
from yolo_core.compare.raw_shape import network_output
from yolo_core.losses import DetectionLoss
from yolo_core.models.decode import nms_keep
from yolo_core.views import SampleView


def compare(
    losses: Mapping[str, DetectionLoss],
    *,
    image: np.ndarray,
    y_true: np.ndarray,
    y_pred: np.ndarray | Mapping[str, np.ndarray],
    class_names: Sequence[str],
    name: str = "sample",
    step: int = 0,
) -> Comparison:
    """Takes losses apart on one sample.

    Args:
        losses: {label: loss}, one to five.
        image: (height, width, channels) uint8.
        y_true: (N, 5 + C) float32 label rows, boxes as image fractions.
        y_pred: Raw predictions for all losses, or {label: those of that loss}: what a network
            gives for one picture, (1, ...) or without the first axis, or the (P, channels) of a
            snapshot.
        class_names: (C,) names.
        name: Name of the sample, such as "val/3".
        step: Step of the predictions.

    Raises:
        ValueError: A loss does not take the predictions or labels. `setup.share_prediction` makes
            what several losses can be given of one prediction.
    """
    views = {
        label: sample_view(
            loss,
            image=image,
            y_true=y_true,
            y_pred=y_pred[label] if isinstance(y_pred, Mapping) else y_pred,
            class_names=class_names,
            loss_name=label,
            name=name,
            step=step,
        )
        for label, loss in losses.items()
    }
    return compare_views(views)


def sample_view(
    loss: DetectionLoss,
    *,
    image: np.ndarray,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    class_names: Sequence[str],
    loss_name: str,
    name: str = "sample",
    step: int = 0,
) -> SampleView:
    """One loss on one sample, as the pages draw it.

    Args:
        loss: The loss.
        image: (height, width, channels) uint8.
        y_true: (N, 5 + C) float32 label rows.
        y_pred: As in `compare`.
        class_names: (C,) names.
        loss_name: The loss's name as the pages show it.
        name: Name of the sample.
        step: Step of the predictions.

    Raises:
        ValueError: As `compare`.
    """
    y_pred = network_output(loss, y_pred)
    whole = loss.breakdown(np.asarray(y_true, np.float32)[None], y_pred).to_numpy()
    seen = whole.predictions
    return SampleView(
        step=step,
        kind="pinned",
        name=name,
        class_names=tuple(class_names),
        loss_name=loss_name,
        channels=loss.channel_names,
        layout=loss.slots(y_pred.shape),
        image=image,
        y_true=np.asarray(y_true, np.float32),
        y_pred=np.asarray(loss.slot_predictions(y_pred))[0],
        keep=nms_keep(seen["boxes"], seen["objectness"], seen["class_probabilities"])[0],
        total=float(whole.total),
        terms={term: float(value) for term, value in whole.terms.items()},
        lambdas={term: float(value) for term, value in whole.lambdas.items()},
        maps={term: values[0] for term, values in whole.maps.items()},
        assignment=_first(whole.assignment),
        targets={key: value[0] for key, value in whole.targets.items()},
        predictions={key: value[0] for key, value in seen.items()},
        batch_total=float(whole.total),
        batch_terms={term: float(value) for term, value in whole.terms.items()},
        ignore_rule=loss.ignore_rule,
        thresholds=loss.thresholds,
    )


def _first(assignment: Any) -> Any:
    arrays = {name: getattr(assignment, name)[0] for name in assignment.ARRAYS}
    return dataclasses.replace(assignment, **arrays)
