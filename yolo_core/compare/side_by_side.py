"""Several losses on one picture: each one's breakdown, computed here and now.

Imports Keras, so a page imports it inside the function that computes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from yolo_core.compare.differences import Comparison, compare_views
from yolo_core.losses import DetectionLoss, YoloV1Loss
from yolo_core.losses.multi_head import MultiHeadLoss
from yolo_core.models.decode import nms_keep
from yolo_core.runs.views import SampleView

# Of losses without anchors, when nothing says otherwise.
SLOTS_A_CELL = 3


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
        ValueError: A loss does not take the predictions or labels; `why_not_shared` says in
            advance which losses can share predictions.
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
    )


def network_output(
    loss: DetectionLoss, y_pred: Any, grids: Sequence[tuple[int, int, int]] | None = None
) -> np.ndarray:
    """Predictions as a network hands them to the loss: the way back from `slot_predictions`.

    Args:
        loss: The loss.
        y_pred: What a network gives, with or without the batch axis; or (P, channels) or
            (B, P, channels) slots.
        grids: (rows, columns, slots a cell) of each head, for slots of a loss on one grid; None
            takes the grid as square, with as many slots a cell as the loss has anchors, else 3.
    """
    y_pred = np.asarray(y_pred, np.float32)
    grid_loss = not isinstance(loss, MultiHeadLoss)
    if grid_loss and y_pred.shape[-1] == len(loss.channel_names) and y_pred.ndim < 4:
        slots = y_pred if y_pred.ndim == 3 else y_pred[None]
        return _on_grid(loss, slots, grids)
    return y_pred if y_pred.ndim == (4 if grid_loss else 3) else y_pred[None]


def why_not_shared(one: DetectionLoss, other: DetectionLoss) -> str | None:
    """Why two losses cannot be shown on the same raw prediction.

    Returns:
        A sentence, or None where they can: the same channels in the same slots that mean the same
        boxes.
    """
    if one.channel_names != other.channel_names:
        return (
            f"{type(one).__name__} reads the channels {', '.join(one.channel_names[:6])}, ... and "
            f"{type(other).__name__} {', '.join(other.channel_names[:6])}, ...: the same numbers "
            "would mean something else."
        )
    return None


def loss_like(
    name: str,
    config: Any,
    scenes: Any,
    *,
    slips: Sequence[str] | None = None,
    situations: Sequence[str] = (),
    lambdas: Mapping[str, float] | None = None,
) -> DetectionLoss:
    """A published loss set up for a run's data, with that run's anchors where it takes anchors.

    Args:
        name: A family or a variant, as in `published`.
        config: The `RunConfig`.
        scenes: Its `build_scenes(config)`.
        slips: Exactly these slips (`slips.apply_slips`); None leaves the loss as it is.
        situations: As in `apply_slips`; needs `slips`.
        lambdas: Weights that differ from the loss's own; where a slip sets one, the slip wins.

    Raises:
        ValueError: As `options_with`, or the loss does not fit the data.
    """
    from yolo_core.compare.slips import options_with
    from yolo_core.training.config import LossConfig
    from yolo_core.training.families import build_loss

    options = {} if slips is None else options_with(name, slips, situations=situations)
    slipped = options.pop("lambdas", {})
    same_family = name.split("/")[0] == config.loss.name.split("/")[0]
    anchors = config.loss.anchors if same_family else None
    loss = LossConfig(
        name=name, lambdas={**(lambdas or {}), **slipped}, options=options, anchors=anchors
    )
    return build_loss(config.model_copy(update={"loss": loss}), scenes)


def _first(assignment: Any) -> Any:
    arrays = {name: getattr(assignment, name)[0] for name in assignment.ARRAYS}
    return dataclasses.replace(assignment, **arrays)


def _on_grid(
    loss: DetectionLoss, slots: np.ndarray, grids: Sequence[tuple[int, int, int]] | None
) -> np.ndarray:
    """(B, P, channels) slots as the (B, rows, columns, channels of a cell) of one head."""
    batch, count, features = slots.shape
    if grids is None:
        a_cell = len(getattr(loss, "anchors", range(SLOTS_A_CELL)))
        side = round((count / a_cell) ** 0.5)
        grids = [(side, side, a_cell)]
    if len(grids) != 1 or int(np.prod(grids[0])) != count:
        raise ValueError(
            f"{type(loss).__name__} has one grid of slots; received {count} slots, which are not "
            f"{' and '.join(f'{r} x {c} x {a}' for r, c, a in grids)}."
        )
    rows, columns, a_cell = grids[0]
    cells = slots.reshape(batch, rows, columns, a_cell, features)
    if not isinstance(loss, YoloV1Loss):
        return cells.reshape(batch, rows, columns, a_cell * features)
    boxes = cells[..., :5].reshape(batch, rows, columns, a_cell * 5)
    return np.concatenate([boxes, cells[..., 0, 5:]], axis=-1)
