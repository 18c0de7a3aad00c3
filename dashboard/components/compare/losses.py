"""Losses taken apart here and now, on the predictions of a snapshot; kept for the next look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dashboard.cache import cached_snapshot, kept_as_written
from dashboard.tensorflow_turn import tensorflow_turn
from yolo_core.data.registry import open_source
from yolo_core.losses.families import family_by_slots
from yolo_core.losses.families import family_of as published_family
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.snapshots import SampleView
from yolo_core.training.config import LossConfig, RunConfig, read_config
from yolo_core.training.own_loss import is_own_loss, short_name


def recomputed(
    folder: RunFolder,
    record: SnapshotRecord,
    name: str,
    *,
    slips: Sequence[str] | None = None,
    situations: Sequence[str] = (),
    lambdas: Mapping[str, float] | None = None,
) -> SampleView:
    """A published loss on the prediction that a snapshot holds; do not change its arrays.

    Args:
        folder: The run: its configuration gives anchors and data.
        record: The snapshot, of kind "pinned", and its sample.
        name: A family or a variant.
        slips: Exactly these slips; None leaves the loss as it is.
        situations: As in `yolo_core.compare.setup.loss_like`.
        lambdas: Weights that differ from the loss's own.

    Raises:
        ValueError: The snapshot or the configuration cannot be read, or the loss does not take
            these predictions.
    """
    found = _recomputed(
        Path(record.file),
        folder.config,
        record.sample,
        name,
        None if slips is None else tuple(slips),
        tuple(situations),
        None if lambdas is None else tuple(sorted(lambdas.items())),
    )
    if isinstance(found, str):
        raise ValueError(found)
    return found


@kept_as_written(48)
def _recomputed(
    path: Path,
    config_path: Path,
    sample: str,
    name: str,
    slips: tuple[str, ...] | None,
    situations: tuple[str, ...],
    lambdas: tuple[tuple[str, float], ...] | None,
) -> SampleView | str:
    """The loss on the sample; or the sentence that says why not, which is worth keeping, too."""
    view = cached_snapshot(path).sample(sample)
    config = read_config(config_path)
    with tensorflow_turn():
        try:
            return _taken_apart(view, config, name, slips, situations, dict(lambdas or {}))
        except ValueError as error:
            return str(error)


def _taken_apart(
    view: SampleView,
    config: RunConfig,
    name: str,
    slips: Sequence[str] | None,
    situations: Sequence[str],
    lambdas: Mapping[str, float],
) -> SampleView:
    from yolo_core.compare.raw_shape import network_output
    from yolo_core.compare.setup import loss_like, share_prediction
    from yolo_core.compare.side_by_side import sample_view
    from yolo_core.training.build import build_loss

    data = open_source(config.data)
    trained = as_published(config, view)
    loss = loss_like(
        name,
        trained,
        data,
        slips=slips,
        situations=situations,
        lambdas=lambdas,
        one_grid=family_of(name) != family_of(trained.loss.name),
    )
    source = build_loss(trained, data)
    raw = network_output(source, view.y_pred, view.layout.grids)
    layout = source.slots(raw.shape)
    if not np.allclose(layout.prior, view.layout.prior, rtol=1e-5, equal_nan=True):
        raise ValueError(
            f"{name} would be computed with other anchors than the run was trained with: its data "
            "is not what it was."
        )
    if is_own_loss(config.loss.name):
        seen = source.breakdown(view.y_true[None], raw).to_numpy().predictions["boxes"][0]
        if not np.allclose(seen, view.predictions["boxes"], rtol=1e-3, atol=1e-4):
            raise ValueError(
                f"{name} cannot be shown on the prediction of {short_name(config.loss.name)}, "
                f"which reads other boxes out of it than {trained.loss.name} does."
            )
    y_pred = share_prediction({name: loss}, raw, source, source_name=trained.loss.name)[name]
    return sample_view(
        loss,
        image=view.image,
        y_true=view.y_true,
        y_pred=y_pred,
        class_names=view.class_names,
        loss_name=name,
        name=view.name,
        step=view.step,
    )


def family_of(name: str) -> str:
    """The family of a loss, given its name or that of a variant."""
    return name.partition("/")[0]


def as_published(config: RunConfig, view: SampleView) -> RunConfig:
    """A run's configuration; for a loss of one's own, that of the family whose channels it has.

    Somebody's file is never loaded here, so such a run is read as the family would read it.
    """
    if not is_own_loss(config.loss.name):
        return config
    heads, has_priors = len(view.layout.grids), view.layout.has_priors
    family = family_by_slots(view.channels, heads, has_priors=has_priors)
    # A loss of one's own may have had some where the family has none.
    anchors = config.loss.anchors if published_family(family).takes_anchors else None
    return config.model_copy(update={"loss": LossConfig(name=family, anchors=anchors)})
