"""Writing snapshots while training: when, of which samples, and how much disk they may take."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from yolo_core.breakdown import LossBreakdown, OwnGradient
from yolo_core.data.batches import sample_batch
from yolo_core.data.sample import split_name
from yolo_core.data.source import SampleSource
from yolo_core.losses.base import DetectionLoss
from yolo_core.models.decode import nms_keep
from yolo_core.runs.snapshots import Snapshot, prune_snapshots, snapshot_path, write_snapshot
from yolo_core.runs.store import RunStore
from yolo_core.slots import SlotLayout
from yolo_core.training.trained import Trained


def is_due(step: int, every: int) -> bool:
    """Whether step `step` is snapshotted: 0, 1, 2, 4, 8, ... and then every `every` steps."""
    return step % every == 0 or (step < every and step & (step - 1) == 0)


class Snapshotter:
    """Writes the snapshots of a run.

    Args:
        store: The run, open for writing.
        source: Where the samples come from; None where there are none to look at.
        detector: What trains; None where it cannot be asked.
        loss_name: The loss's name as the pages show it.
        pinned: Names of the pinned samples.
        megabytes: Disk space that the snapshots may take.
        loss: The loss that batches are of; None for the detector's.
        class_names: (C,) names of the classes; None for the source's.
        is_trained_on: Whether the training batches are those of the source.
    """

    def __init__(
        self,
        store: RunStore,
        source: SampleSource | None,
        detector: Trained | None,
        *,
        loss_name: str,
        pinned: tuple[str, ...],
        megabytes: int,
        loss: DetectionLoss | None = None,
        class_names: tuple[str, ...] | None = None,
        is_trained_on: bool = True,
    ) -> None:
        self.store = store
        self.source = source
        self.detector = detector
        self.loss: Any = loss if detector is None else detector.detection_loss
        self.loss_name = loss_name
        self.class_names: tuple[str, ...] = class_names or getattr(source, "class_names", ())
        self.is_trained_on = is_trained_on
        self.megabytes = megabytes
        self.pinned: tuple[str, ...] = ()
        self._images = self._y_true = np.zeros(0)
        self.pin(pinned)

    def pin(self, names: tuple[str, ...]) -> None:
        """Pins samples from here on, instead of the ones before.

        Raises:
            ValueError: A name is not one of a sample.
        """
        for name in names:
            split_name(name)
        if self.source is None or self.detector is None:
            if names:
                raise ValueError(
                    "This run has no samples to pin: its script gave none, or none that its "
                    "network could be asked about."
                )
            return
        unique = tuple(dict.fromkeys(names))
        if unique:
            self._images, self._y_true = sample_batch(self.source, unique)
        self.pinned = unique

    def write_pinned(self, step: int) -> None:
        """Snapshots the pinned samples, each a batch of one in inference mode."""
        if not self.pinned or self.detector is None:
            return
        snapshot = pinned_snapshot(
            self.detector,
            self.pinned,
            self._images,
            self._y_true,
            step=step,
            class_names=self.class_names,
            loss_name=self.loss_name,
            source=self.source,
        )
        path = self._write(snapshot)
        lambdas = _floats(snapshot.breakdown.lambdas)
        for name in self.pinned:
            view = snapshot.sample(name)
            self.store.record_snapshot(
                step, "pinned", name, path, view.total, terms=view.terms, lambdas=lambdas
            )
        prune_snapshots(self.store, self.megabytes)

    def write_batch(self, step: int, batch: dict[str, Any], layout: SlotLayout) -> None:
        """Snapshots the training batch of that step.

        Args:
            step: Which.
            batch: {"images" (B, height, width, 1 or 3) uint8, "y_true", "y_pred", "breakdown"}.
            layout: Where its slots sit.
        """
        first = (step - 1) * len(batch["images"])
        names = tuple(f"train/{first + at}" for at in range(len(batch["images"])))
        breakdown = batch["breakdown"]
        snapshot = _snapshot(
            self.loss,
            layout,
            names,
            batch["images"],
            batch["y_true"],
            batch["y_pred"],
            breakdown,
            step=step,
            kind="batch",
            class_names=self.class_names,
            loss_name=self.loss_name,
            source=self.source if self.is_trained_on else None,
        )
        path = self._write(snapshot)
        terms, lambdas = _floats(breakdown.terms), _floats(breakdown.lambdas)
        for name in names:
            self.store.record_snapshot(
                step, "batch", name, path, float(breakdown.total), terms=terms, lambdas=lambdas
            )
        prune_snapshots(self.store, self.megabytes)

    def _write(self, snapshot: Snapshot) -> Path:
        path = snapshot_path(self.store.folder, snapshot.kind, snapshot.step)
        write_snapshot(path, snapshot)
        return path


def pinned_snapshot(
    detector: Trained,
    names: tuple[str, ...],
    images: np.ndarray,
    y_true: np.ndarray,
    *,
    step: int,
    class_names: tuple[str, ...],
    loss_name: str,
    source: SampleSource | None = None,
) -> Snapshot:
    """Looks at samples in inference mode, each as a batch of its own.

    Args:
        detector: With the weights of the step.
        names: (B,) names of the samples.
        images: (B, height, width, channels) uint8.
        y_true: (B, N, 5 + C) float32.
        step: Updates made so far.
        class_names: (C,) names.
        loss_name: The loss's name as the pages show it.
        source: Where the samples come from, to name their files; None where that is not known.
    """
    if source is None:
        inputs = images.astype(np.float32) / 255.0
    else:
        inputs = source.network_inputs(images, names)
    singles = [
        detector.inspect(inputs[at : at + 1], y_true[at : at + 1], gradients=True)
        for at in range(len(images))
    ]
    return _snapshot(
        detector.detection_loss,
        detector.layout(inputs.shape[1:]),
        names,
        images,
        y_true,
        np.concatenate([prediction for prediction, _ in singles]),
        _stacked([single for _, single in singles]),
        step=step,
        kind="pinned",
        class_names=class_names,
        loss_name=loss_name,
        source=source,
    )


def _snapshot(
    loss: DetectionLoss,
    layout: SlotLayout,
    names: tuple[str, ...],
    images: np.ndarray,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    breakdown: LossBreakdown,
    *,
    step: int,
    kind: str,
    class_names: tuple[str, ...],
    loss_name: str,
    source: SampleSource | None,
) -> Snapshot:
    seen = breakdown.predictions
    return Snapshot(
        step=step,
        kind=kind,
        samples=names,
        class_names=class_names,
        loss_name=loss_name,
        ignore_rule=loss.ignore_rule,
        thresholds=loss.thresholds,
        channels=loss.channel_names,
        layout=layout,
        breakdown=breakdown,
        images=images,
        y_true=y_true,
        y_pred=y_pred,
        keep=nms_keep(seen["boxes"], seen["objectness"], seen["class_probabilities"]),
        files=() if source is None else _files(source, names),
        contents=None if source is None else _contents(source, names),
    )


def _files(source: SampleSource, names: tuple[str, ...]) -> tuple[str, ...]:
    """The file of each sample, relative to the folder of the data where it lies in it."""
    found = []
    for name in names:
        try:
            file = str(next(iter(source.files(name)), ""))
        except ValueError:
            file = ""  # what is trained on need not be from there
        if source.folder is not None and Path(file).is_relative_to(source.folder):
            file = Path(file).relative_to(source.folder).as_posix()
        # A name need not be text, as JSON must.
        found.append(file.encode(errors="replace").decode())
    return tuple(found) if any(found) else ()


def _contents(source: SampleSource, names: tuple[str, ...]) -> np.ndarray | None:
    """Where each picture lies, if one does not fill what enters the network."""
    try:
        contents = np.stack([source.content(name) for name in names])
    except ValueError:
        return None  # what is trained on need not be from there
    return contents if (contents != [0.5, 0.5, 1, 1]).any() else None


def _floats(values: dict[str, np.ndarray]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}


def _stacked(singles: list[LossBreakdown]) -> LossBreakdown:
    """Breakdowns of batches of one as one breakdown with a total and terms a sample."""

    def joined(group: str, join: Any) -> dict[str, np.ndarray]:
        return {
            name: join([getattr(single, group)[name] for single in singles])
            for name in getattr(singles[0], group)
        }

    first = singles[0].assignment
    return LossBreakdown(
        total=np.stack([single.total for single in singles]),
        terms=joined("terms", np.stack),
        maps=joined("maps", np.concatenate),
        lambdas=dict(singles[0].lambdas),
        assignment=dataclasses.replace(
            first,
            **{
                name: np.concatenate([getattr(single.assignment, name) for single in singles])
                for name in first.ARRAYS
            },
        ),
        targets=joined("targets", np.concatenate),
        predictions=joined("predictions", np.concatenate),
        gradients=joined("gradients", np.concatenate),
        own=_stacked_own(
            [single.own for single in singles if single.own is not None], len(singles)
        ),
    )


def _stacked_own(owns: list[OwnGradient], count: int) -> OwnGradient | None:
    """Those of batches of one as one; None where a sample has none."""
    if not owns or len(owns) < count:
        return None
    return OwnGradient(
        owns[0].name,
        np.stack([own.total for own in owns]),
        np.concatenate([own.gradient for own in owns]),
    )
