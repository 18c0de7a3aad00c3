"""Losses set up for a comparison, and the predictions that they share.

Imports Keras, so a page imports it inside the function that computes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from yolo_core.compare.raw_shape import network_output
from yolo_core.compare.slips import options_with
from yolo_core.compare.translation import translate
from yolo_core.data.source import SampleSource, default_anchors
from yolo_core.losses import DetectionLoss, published
from yolo_core.models.networks import grid_cells
from yolo_core.slots import SlotLayout
from yolo_core.training.config import LossConfig, RunConfig
from yolo_core.training.families import ONE_GRID, SLOTS, build_loss


def loss_like(
    name: str,
    config: RunConfig,
    data: SampleSource,
    *,
    slips: Sequence[str] | None = None,
    situations: Sequence[str] = (),
    lambdas: Mapping[str, float] | None = None,
    one_grid: bool = False,
) -> DetectionLoss:
    """A published loss set up for a run's data, with that run's anchors where it takes anchors.

    Args:
        name: A family or a variant, as in `published`.
        config: The run's configuration.
        data: Its samples.
        slips: Exactly these slips (`slips.apply_slips`); None leaves the loss as it is.
        situations: As in `apply_slips`; needs `slips`.
        lambdas: Weights that differ from the loss's own; where a slip sets one, the slip wins.
        one_grid: Puts losses that have several heads or priors of their own onto the one grid of
            the others (6 x 6 x 3 for pictures of 96), so that all five can be shown on one
            prediction. Such a loss trains otherwise.

    Raises:
        ValueError: As `options_with`, or the loss does not fit the data.
    """
    options = {} if slips is None else options_with(name, slips, situations=situations)
    weights = {**(lambdas or {}), **options.pop("lambdas", {})}
    family = name.split("/")[0]
    anchors = config.loss.anchors if family == config.loss.name.split("/")[0] else None
    if one_grid and family in ("yolov3", "ssd"):
        return published(
            name,
            num_classes=len(data.class_names),
            lambdas=weights,
            **{**_on_one_grid(family, data), **options},
        )
    loss = LossConfig(name=name, lambdas=weights, options=options, anchors=anchors)
    return build_loss(config.model_copy(update={"loss": loss}), data)


def share_prediction(
    losses: Mapping[str, DetectionLoss],
    y_pred: np.ndarray,
    source: DetectionLoss,
    *,
    source_name: str,
) -> dict[str, np.ndarray]:
    """One prediction for several losses.

    A variant of the source's own family gets the same raw numbers, whatever it makes of them;
    another family gets its own raw numbers for the same boxes, objectness and class probabilities.

    Args:
        losses: {label: loss}.
        y_pred: What a network gives for `source`, or slots.
        source: The loss that the prediction was made for.
        source_name: What the sentences call it.

    Returns:
        {label: what a network would hand to that loss, with the batch axis}.

    Raises:
        ValueError: A loss cannot be shown on it: which one, and why.
    """
    y_pred = network_output(source, y_pred)
    return {
        label: y_pred
        if _reads_the_same(source, loss, y_pred.shape)
        else translate(y_pred, source, loss, source_name=source_name, target_name=label)
        for label, loss in losses.items()
    }


def _reads_the_same(source: DetectionLoss, loss: DetectionLoss, shape: tuple[int, ...]) -> bool:
    """Whether two losses are variants of one family on the same slots."""
    if type(source) is not type(loss) or source.channel_names != loss.channel_names:
        return False
    try:
        one, other = source.slots(shape), loss.slots(shape)
    except ValueError:
        return False
    return one.grids == other.grids and np.array_equal(one.prior, other.prior, equal_nan=True)


def _on_one_grid(family: str, data: SampleSource) -> dict[str, Any]:
    """Anchors and grid of a loss on the one grid that YOLOv2 has."""
    cells = grid_cells(data.image_shape, ONE_GRID[0])
    anchors = np.asarray(default_anchors(data, SLOTS), np.float32)
    if family == "yolov3":
        return {"anchors": anchors.tolist(), "grids": [cells], "image_size": None}
    layout = SlotLayout.from_grids([(*cells, SLOTS)], [anchors])
    return {"anchors": layout.prior, "grids": layout.grids}
