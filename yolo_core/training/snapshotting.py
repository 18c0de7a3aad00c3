"""Writing snapshots while training: when, of which samples, and how much disk they may take."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from yolo_core.breakdown import LossBreakdown
from yolo_core.data.digits import DigitScenes
from yolo_core.data.pipeline import scene_batch
from yolo_core.data.sample import split_name
from yolo_core.models.decode import nms_keep
from yolo_core.runs.snapshots import Snapshot, prune_snapshots, snapshot_path, write_snapshot
from yolo_core.runs.store import RunStore
from yolo_core.training.detector import Detector

# No budget is looked at more often than that: listing a folder is cheap, not free.
PRUNE_EVERY = 10


def is_due(step: int, every: int) -> bool:
    """Whether step `step` is snapshotted: 0, 1, 2, 4, 8, ... and then every `every` steps."""
    return step % every == 0 or (step < every and step & (step - 1) == 0)


class Snapshotter:
    """Writes the snapshots of a run.

    Args:
        store: The run, open for writing.
        scenes: Where the samples come from.
        detector: The detector that trains.
        loss_name: The loss's name as the pages show it.
        pinned: Names of the pinned samples.
        megabytes: Disk space that the snapshots may take.
    """

    def __init__(
        self,
        store: RunStore,
        scenes: DigitScenes,
        detector: Detector,
        *,
        loss_name: str,
        pinned: tuple[str, ...],
        megabytes: int,
    ) -> None:
        self.store = store
        self.scenes = scenes
        self.detector = detector
        self.loss_name = loss_name
        self.megabytes = megabytes
        self.pinned: tuple[str, ...] = ()
        self._images = self._y_true = np.zeros(0)
        self._written = 0
        self.pin(pinned)

    def pin(self, names: tuple[str, ...]) -> None:
        """Pins samples from here on, instead of the ones before.

        Raises:
            ValueError: A name is not one of a sample.
        """
        for name in names:
            split_name(name)
        unique = tuple(dict.fromkeys(names))
        self._images, self._y_true = scene_batch(self.scenes, unique)
        self.pinned = unique

    def write_pinned(self, step: int) -> None:
        """Snapshots the pinned samples, each a batch of one in inference mode."""
        images = self._images.astype(np.float32) / 255.0
        singles = [
            self.detector.inspect(images[at : at + 1], self._y_true[at : at + 1])
            for at in range(len(images))
        ]
        breakdown = _stacked([single for _, single in singles])
        y_pred = np.concatenate([prediction for prediction, _ in singles])
        self._write("pinned", step, self.pinned, self._images, self._y_true, y_pred, breakdown)

    def write_batch(self, step: int, batch: dict[str, Any]) -> None:
        """Snapshots the training batch of that step, from `Detector.last_batch`."""
        first = (step - 1) * len(batch["images"])
        names = tuple(f"train/{first + at}" for at in range(len(batch["images"])))
        images = np.rint(batch["images"] * 255.0).astype(np.uint8)
        y_true, y_pred = batch["y_true"], batch["y_pred"]
        self._write("batch", step, names, images, y_true, y_pred, batch["breakdown"])

    def _write(
        self,
        kind: str,
        step: int,
        names: tuple[str, ...],
        images: np.ndarray,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        breakdown: LossBreakdown,
    ) -> None:
        seen = breakdown.predictions
        keep = nms_keep(seen["boxes"], seen["objectness"], seen["class_probabilities"])
        loss = self.detector.detection_loss
        snapshot = Snapshot(
            step=step,
            kind=kind,
            samples=names,
            class_names=self.scenes.class_names,
            loss_name=self.loss_name,
            ignore_rule=loss.ignore_rule,
            channels=loss.channel_names,
            layout=loss.slots(self.detector.network.output_shape),
            breakdown=breakdown,
            images=images,
            y_true=y_true,
            y_pred=y_pred,
            keep=keep,
        )
        path = snapshot_path(self.store.folder, kind, step)
        write_snapshot(path, snapshot)
        lambdas = {name: float(value) for name, value in breakdown.lambdas.items()}
        for name in names if kind == "pinned" else ():
            view = snapshot.sample(name)
            self.store.record_snapshot(step, kind, name, path, view.total, view.terms, lambdas)
        if kind == "batch":
            terms = {name: float(value) for name, value in breakdown.terms.items()}
            for name in names:
                self.store.record_snapshot(
                    step, kind, name, path, float(breakdown.total), terms, lambdas
                )
        self._written += 1
        if self._written % PRUNE_EVERY == 0:
            prune_snapshots(self.store, self.megabytes)


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
    )
