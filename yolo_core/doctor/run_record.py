"""What a run has put on record, for the checks that watch it: read once, and not too much of it.

Numpy and SQLite alone. A run may be live: what is read is what is there.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from yolo_core.assignment import ObjectStatus
from yolo_core.doctor.finding import NotTried
from yolo_core.evaluation.misses import Miss, find_objects
from yolo_core.models.decode import overlaps
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import Event, SnapshotRecord
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.status import RunStatus, read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.config import RunConfig, read_config
from yolo_core.views import SampleView, Snapshot

POINTS = 400
LOOKS = 5
"""Snapshots of a kind that are read: the first, the last three, and one in the middle."""
_MOST_BYTES = 150_000_000


class RunRecord:
    """A run, as its rows, events, evaluations and snapshots tell it.

    Args:
        folder: The run.
        snapshots: Reads a snapshot file; a page keeps those that it has read.

    Raises:
        ValueError: The run's database is missing or damaged.
    """

    def __init__(self, folder: RunFolder, snapshots=read_snapshot) -> None:
        self.folder = folder
        self._read = snapshots
        self.status: RunStatus = read_status(folder)
        with RunStore.open(folder) as store:
            self.columns = store.columns
            curves = store.curves(points=POINTS)
            self.evaluations = store.evaluations()
            self.events: list[Event] = store.events()
            self.records: list[SnapshotRecord] = store.snapshots()
        self.step = curves.step
        self.first, self.last = curves.first, curves.last
        self.mean, self.low, self.high = curves.mean, curves.low, curves.high
        self.non_finite = curves.non_finite

    @property
    def steps(self) -> int:
        """The last step on record; 0 before the first."""
        return int(self.last[-1]) if len(self.last) else 0

    def at_least(self, steps: int) -> None:
        """Refuses a run that is too short for anything to be said.

        Raises:
            NotTried: It has not made so many steps.
        """
        if self.steps < steps:
            raise NotTried(f"It has made {self.steps} steps; this shows from step {steps} on.")

    @functools.cached_property
    def terms(self) -> tuple[str, ...]:
        """The terms of the loss that are on record."""
        return tuple(c.removeprefix("term/") for c in self.columns if c.startswith("term/"))

    def weight(self, term: str) -> np.ndarray:
        """(G,) lambda of a term; NaN where it is not on record."""
        return self.mean.get(f"lambda/{term}", np.full(len(self.step), np.nan))

    @functools.cached_property
    def config(self) -> RunConfig:
        """Its configuration.

        Raises:
            ValueError: It cannot be read.
        """
        return read_config(self.folder.config)

    @functools.cached_property
    def pinned(self) -> tuple[Snapshot, ...]:
        """Some of its pinned snapshots by step, the last ones among them."""
        return self._some("pinned")

    @functools.cached_property
    def batches(self) -> tuple[Snapshot, ...]:
        """Some snapshots of its training batches by step."""
        return self._some("batch")

    def _some(self, kind: str) -> tuple[Snapshot, ...]:
        files: dict[int, Path] = {r.step: r.file for r in self.records if r.kind == kind}
        steps = sorted(files)
        if len(steps) > LOOKS:
            steps = [steps[0], steps[len(steps) // 2], *steps[-3:]]
        found: list[Snapshot] = []
        size = 0
        for step in reversed(steps):
            try:
                size += files[step].stat().st_size
                if size <= _MOST_BYTES or not found:
                    found.append(self._read(files[step]))
            except (OSError, ValueError):
                continue  # pruned, or damaged: the pages say so
        return tuple(reversed(found))

    def last_looks(self, count: int = 3) -> tuple[Snapshot, ...]:
        """The last pinned snapshots of a network that has been trained.

        Raises:
            NotTried: There are not so many.
        """
        after = tuple(each for each in self.pinned if each.step > 0)[-count:]
        if len(after) < count:
            raise NotTried(
                f"There are {len(after)} pinned snapshots of trained weights, not {count}."
            )
        return after

    def found_share(self, snapshot: Snapshot) -> float:
        """The part of the objects of a snapshot that are found; NaN where it has none."""
        miss = [m for view in views(snapshot) for m in find_objects(view).miss.tolist()]
        return float(np.mean([m == Miss.FOUND for m in miss])) if miss else np.nan

    def link(
        self, snapshot: Snapshot | None = None, sample: str = "", **more: object
    ) -> Mapping[str, str]:
        """The Inspect page at a sample of a snapshot; the Train page without one."""
        if snapshot is None:
            return {"page": "Train", "run": self.folder.name}
        place = {name: str(value) for name, value in more.items()}
        return {
            "page": "Inspect",
            "run": self.folder.name,
            "kind": snapshot.kind,
            "sample": sample or snapshot.samples[0],
            "step": str(snapshot.step),
            **place,
        }


def views(snapshot: Snapshot) -> list[SampleView]:
    """All samples of a snapshot."""
    return [snapshot.sample(name) for name in snapshot.samples]


def own_slots(view: SampleView) -> list[tuple[int, int]]:
    """(object, slot) of each object that trains one, the first of several."""
    found = []
    for index in view.objects.tolist():
        rows = zip(
            view.assignment.object_slot[index], view.assignment.object_status[index], strict=True
        )
        slot = next(
            (int(s) for s, status in rows if s >= 0 and ObjectStatus(int(status)).is_matched), -1
        )
        if slot >= 0:
            found.append((index, slot))
    return found


def matched_numbers(snapshots: Iterable[Snapshot]) -> dict[str, np.ndarray]:
    """What the slots of objects say, over all samples of snapshots.

    Returns:
        (M,) each: "objectness"; "iou" with the label; "label" and "class", the object's and the one
        that is said; "width" and "height" of the box as image fractions.
    """
    rows: dict[str, list[float]] = {
        name: [] for name in ("objectness", "iou", "label", "class", "width", "height")
    }
    for snapshot in snapshots:
        for view in views(snapshot):
            seen = view.predictions
            for index, slot in own_slots(view):
                box, label = seen["boxes"][slot], view.y_true[index]
                rows["objectness"].append(float(seen["objectness"][slot]))
                rows["iou"].append(float(overlaps(box[None], label[None, 1:5])[0, 0]))
                rows["label"].append(int(label[5:].argmax()))
                rows["class"].append(int(seen["class_probabilities"][slot].argmax()))
                rows["width"].append(float(box[2]))
                rows["height"].append(float(box[3]))
    return {name: np.array(values) for name, values in rows.items()}
