"""Losses set up for a comparison, and the predictions that they share.

Imports Keras, so a page imports it inside the function that computes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from yolo_core.compare.raw_shape import network_output
from yolo_core.compare.translation import translate
from yolo_core.data.source import SampleSource
from yolo_core.losses import DetectionLoss, MultiHeadLoss, published
from yolo_core.losses.families import family_of
from yolo_core.losses.heads import COARSEST
from yolo_core.training.build import build_loss
from yolo_core.training.config import LossConfig, RecordedConfig, RunConfig

# The options of a loss that say where its slots are.
_GEOMETRY = ("anchors", "anchor_mask", "priors", "grids", "image_size", "predictors")


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
        slips: Exactly these slips, in the situation in which each is seen; None leaves the loss as
            it is.
        situations: Names of further slips whose situation the loss is put in: without slips and
            with the situation of one, beside that one, shows what it does.
        lambdas: Weights that differ from the loss's own; where a slip sets one, the slip wins.
        one_grid: Puts losses that have several heads or priors of their own onto the one grid of
            the others (6 x 6 x 3 for pictures of 96), so that all five can be shown on one
            prediction. Such a loss trains otherwise.

    Raises:
        ValueError: There is no such loss or slip, or the loss does not fit the data.
    """
    family = family_of(name)
    options: dict[str, Any] = {} if slips is None else {"slips": tuple(slips)}
    weights = dict(lambdas or {})
    kind = family.loss_class()
    for slip in family.slips:
        if slip.name in situations or slip.name in (slips or ()):
            situation = dict(slip.situation)
            weights |= kind.expand_lambdas(situation.pop("lambdas", {}))
            options |= situation
        if slip.name in (slips or ()):
            weights |= kind.expand_lambdas(slip.lambdas)
    is_same = config.loss.name.partition("/")[0] == family.name
    if isinstance(config, RecordedConfig):
        if is_same:
            own = build_loss(config, data).get_config()
            geometry = {key: own[key] for key in _GEOMETRY if own.get(key) is not None}
            classes, given = len(data.class_names), {**geometry, **options}
            return published(name, num_classes=classes, lambdas=weights, **given)
        # What another loss is set up with follows from the samples that the run keeps.
        config = RunConfig(loss=config.loss, network=config.network, training=config.training)
    # Of a run with one head the losses with one head take its grid, the others have their own.
    heads = config.network.strides or ()
    stride = heads[0] if len(heads) == 1 else COARSEST
    if not is_same:
        heads = None if issubclass(kind, MultiHeadLoss) else (stride,)
        network = config.network.model_copy(update={"strides": heads})
        config = config.model_copy(update={"network": network})
    if one_grid and issubclass(kind, MultiHeadLoss):
        return published(
            name,
            num_classes=len(data.class_names),
            lambdas=weights,
            **{**kind.setup_on_one_grid(data, stride), **options},
        )
    anchors = config.loss.anchors if is_same else None
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
    same_family = source.known_slips and source.known_slips is loss.known_slips
    if not (same_family or type(source) is type(loss)):
        return False
    if source.channel_names != loss.channel_names:
        return False
    try:
        one, other = source.slots(shape), loss.slots(shape)
    except ValueError:
        return False
    return one.grids == other.grids and np.array_equal(one.prior, other.prior, equal_nan=True)
