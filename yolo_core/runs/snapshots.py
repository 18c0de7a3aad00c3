"""Snapshot files: all samples of one step in one .npz, written whole or not at all.

`snapshots/pinned-00000120.npz` and `batch-00000120.npz` hold numpy arrays (never pickles) and,
under "meta", JSON with the format's version and every name: an array is called "maps.0" and its
name stands in the JSON, because a loss may call its terms what a zip member may not be called.
Gradients are kept where there are any: most terms touch a few slots, and a few of their channels.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from yolo_core.assignment import Assignment, IgnoreRule
from yolo_core.breakdown import LossBreakdown, OwnGradient
from yolo_core.files import replace_file
from yolo_core.foreign_files import Arrays
from yolo_core.runs.array_files import open_file
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.store import RunStore
from yolo_core.slots import SlotLayout
from yolo_core.views import KINDS, SampleView, Snapshot, check_snapshot

__all__ = [
    "SampleView",
    "Snapshot",
    "prune_snapshots",
    "read_snapshot",
    "snapshot_path",
    "write_snapshot",
]

_FORMAT = "detector-debugger snapshot"
_VERSION = 1
_GROUPS = ("terms", "maps", "lambdas", "targets", "predictions")
_LAYOUT = ("head", "row", "column", "anchor", "stride", "prior")
_ARRAYS = ("images", "y_true", "y_pred", "keep")
_FILE = re.compile(rf"({'|'.join(KINDS)})-(\d+)\.npz")
_PRUNE_TO = 0.75
_MOST_GRADIENTS = 500_000_000  # numbers: they are packed, alone of all parts


def snapshot_path(folder: RunFolder, kind: str, step: int) -> Path:
    """Where the snapshot of that kind and step lies."""
    return folder.snapshots / f"{kind}-{step:08d}.npz"


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Writes a snapshot; a reader sees all of it or nothing.

    It is not waited for until the disk has it: after a power cut a file may be torn, and
    `read_snapshot` says so, while waiting would cost more than all the rest.

    Raises:
        ValueError: Its parts do not fit together, the disk is full, or the place is not writable.
    """
    check_snapshot(snapshot, ranges=False)
    whole = snapshot.breakdown
    arrays: dict[str, Any] = {name: getattr(snapshot, name) for name in _ARRAYS}
    arrays["total"] = whole.total
    if snapshot.contents is not None:
        arrays["contents"] = snapshot.contents
    for name in _LAYOUT:
        arrays[f"layout.{name}"] = getattr(snapshot.layout, name)
    for name in Assignment.ARRAYS:
        arrays[f"assignment.{name}"] = getattr(whole.assignment, name)
    for group in _GROUPS:
        for i, value in enumerate(getattr(whole, group).values()):
            arrays[f"{group}.{i}"] = value
    gradients = {f"gradients.{i}": each for i, each in enumerate(whole.gradients.values())}
    if whole.own is not None:
        arrays["own.total"] = whole.own.total
        gradients["own.gradient"] = whole.own.gradient
    for key, value in gradients.items():
        packed = _packed(np.asarray(value, np.float32))
        arrays |= {f"{key}.{name}": part for name, part in packed.items()}
    meta = {
        "format": _FORMAT,
        "version": _VERSION,
        "step": int(snapshot.step),
        "kind": snapshot.kind,
        "samples": list(snapshot.samples),
        "files": list(snapshot.files),
        "class_names": list(snapshot.class_names),
        "loss_name": snapshot.loss_name,
        "channels": list(snapshot.channels),
        "ignore_rule": dataclasses.asdict(snapshot.ignore_rule),
        "thresholds": {name: float(value) for name, value in snapshot.thresholds.items()},
        "grids": [list(grid) for grid in snapshot.layout.grids],
        "candidate_measure": whole.assignment.candidate_measure,
        "own": None if whole.own is None else whole.own.name,
        **{group: list(getattr(whole, group)) for group in (*_GROUPS, "gradients")},
    }
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    arrays = {name: np.asarray(value) for name, value in arrays.items()}
    file = io.BytesIO()
    np.savez(file, **arrays)
    replace_file(path, file.getbuffer(), durable=False)


def open_snapshot(path: Path) -> AbstractContextManager[tuple[dict[str, Any], Arrays]]:
    """The JSON and the arrays of a snapshot file, and of what builds on one; see `open_file`."""
    return open_file(path, form=_FORMAT, version=_VERSION, what="snapshot")


def read_snapshot(path: Path) -> Snapshot:
    """Reads a snapshot.

    Raises:
        ValueError: The file is missing, half-written, damaged, of another version, or no snapshot.
    """
    with open_snapshot(path) as (meta, arrays):
        snapshot = _snapshot(meta, arrays)
        check_snapshot(snapshot)
    return snapshot


def _snapshot(meta: dict[str, Any], arrays: Arrays) -> Snapshot:
    groups = {
        group: {name: arrays[f"{group}.{i}"] for i, name in enumerate(meta[group])}
        for group in _GROUPS
    }
    # Snapshots of earlier versions of this program hold none.
    names, shape = meta.get("gradients", ()), arrays["y_pred"].shape
    own = meta.get("own")
    if (len(names) + (own is not None)) * math.prod(shape) > _MOST_GRADIENTS:
        raise ValueError(f"{len(names)} gradients of {shape} are more than is kept in memory")
    thresholds = dict(meta.get("thresholds", {}))
    has_contents = "contents" in arrays
    groups["gradients"] = {
        name: _unpacked(arrays, f"gradients.{i}", shape) for i, name in enumerate(names)
    }
    return Snapshot(
        step=meta["step"],
        kind=meta["kind"],
        samples=tuple(meta["samples"]),
        class_names=tuple(meta["class_names"]),
        loss_name=meta["loss_name"],
        ignore_rule=_ignore_rule(meta.get("ignore_rule", ""), thresholds),
        thresholds=thresholds,
        channels=tuple(meta["channels"]),
        layout=SlotLayout(
            grids=tuple(tuple(grid) for grid in meta["grids"]),
            **{name: arrays[f"layout.{name}"] for name in _LAYOUT},
        ),
        breakdown=LossBreakdown(
            total=arrays["total"],
            assignment=Assignment(
                candidate_measure=meta["candidate_measure"],
                **{name: arrays[f"assignment.{name}"] for name in Assignment.ARRAYS},
            ),
            **groups,
            own=None
            if own is None
            else OwnGradient(own, arrays["own.total"], _unpacked(arrays, "own.gradient", shape)),
        ),
        **{name: arrays[name] for name in _ARRAYS},
        files=tuple(meta.get("files", ())),
        contents=arrays["contents"] if has_contents else None,
    )


def _ignore_rule(stored: Any, thresholds: dict[str, Any]) -> IgnoreRule:
    """The rule of a snapshot. Until version 0.2 it was a sentence, and the threshold beside it."""
    if isinstance(stored, dict):
        return IgnoreRule(**stored)
    if not isinstance(stored, str):
        raise ValueError(f"ignore_rule must be an object or a text; received {stored!r}")
    threshold = thresholds.get("ignore_threshold")
    known = [IgnoreRule("hard_negatives", ratio=ratio) for ratio in range(100)]
    known.append(IgnoreRule("empty_cells"))
    if isinstance(threshold, (int, float)) and 0 <= threshold <= 1:
        # These two were written with two digits, whatever the threshold.
        known += [
            IgnoreRule("predicted_box", round(threshold, 2)),
            IgnoreRule("prior_shape", round(threshold, 2)),
        ]
    found = next((rule for rule in known if rule.sentence() == stored), IgnoreRule())
    return found if found.threshold is None else dataclasses.replace(found, threshold=threshold)


def _packed(gradient: np.ndarray) -> dict[str, np.ndarray]:
    """The rows (samples and slots) and channels of a (B, P, channels) array that are not all 0."""
    rows = gradient.reshape(-1, gradient.shape[-1])
    kept = np.flatnonzero(rows.any(axis=1)).astype(np.int32)  # NaN counts as something
    channels = np.flatnonzero(rows.any(axis=0)).astype(np.int32)
    return {"rows": kept, "channels": channels, "values": rows[np.ix_(kept, channels)]}


def _unpacked(arrays: Arrays, name: str, shape: tuple[int, ...]) -> np.ndarray:
    rows = np.zeros((shape[0] * shape[1], shape[2]), np.float32)
    kept, channels = arrays[f"{name}.rows"], arrays[f"{name}.channels"]
    rows[np.ix_(kept, channels)] = arrays[f"{name}.values"]
    return rows.reshape(shape)


def prune_snapshots(store: RunStore, megabytes: float) -> list[Path]:
    """Thins the snapshots of a run once they take more disk space than they may.

    Of each kind the first (step 0) and the last stay always. Of the others the one goes first
    that leaves the smallest hole, the latest of equals, until the rest takes three quarters of the
    space. A hole is measured by how many times over the training gets longer in it, 1 + step: from
    1 to 4 is as much as from 1,000 to 2,500. So the first steps, in which most happens, stay dense,
    and later ones are thinned evenly, the more the later. The records go with the files, and an
    event "snapshots-pruned" tells which steps went.

    Args:
        store: The run, open for writing.
        megabytes: Disk space they may take, in millions of bytes.

    Returns:
        The files that were removed.

    Raises:
        ValueError: A file cannot be removed, or the store is not open for writing.
    """
    sizes = _sizes(store.folder)
    limit = megabytes * 1e6
    if sum(sizes.values()) <= limit:
        return []
    gone = _thinned(sizes, _PRUNE_TO * limit)
    if not gone:
        return []
    paths = [snapshot_path(store.folder, kind, step) for kind, step in gone]
    detail: dict[str, Any] = {kind: sorted(step for k, step in gone if k == kind) for kind in KINDS}
    # Records first: a record without its file would be a broken link, a file without is only big.
    store.forget_snapshot_file(*paths)
    last = max(step for _, step in sizes)
    store.record_event(last, "snapshots-pruned", {**detail, "megabytes": megabytes})
    try:
        for path in paths:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(f"{error.filename} cannot be removed: {error.strerror}.") from None
    return paths


def _sizes(folder: RunFolder) -> dict[tuple[str, int], int]:
    """{(kind, step): bytes} of the snapshot files that are there."""
    sizes = {}
    try:
        for path in folder.snapshots.iterdir():
            match = _FILE.fullmatch(path.name)
            if match and snapshot_path(folder, match[1], int(match[2])) == path:
                sizes[match[1], int(match[2])] = path.stat().st_size
    except OSError as error:
        raise ValueError(f"{folder.snapshots} cannot be read: {error.strerror}.") from None
    return sizes


def _thinned(sizes: dict[tuple[str, int], int], limit: float) -> list[tuple[str, int]]:
    """Which to remove, in that order, until the rest takes at most `limit` bytes."""
    steps = {kind: np.array(sorted(step for k, step in sizes if k == kind)) for kind in KINDS}
    total, gone = sum(sizes.values()), []
    while total > limit:
        candidates = [
            (*_smallest_hole(each), kind) for kind, each in steps.items() if len(each) > 2
        ]
        if not candidates:
            break
        _, at, kind = min(candidates)
        step = int(steps[kind][at])
        steps[kind] = np.delete(steps[kind], at)
        gone.append((kind, step))
        total -= sizes[kind, step]
    return gone


def _smallest_hole(steps: np.ndarray) -> tuple[float, int]:
    """What removing one of ascending steps leaves at least, and which one that is.

    Args:
        steps: (n,) int, n at least 3. The first and the last are not to be removed.
    """
    # Rounded: equal holes are equal, whatever the logarithm's last digit says.
    hole = np.round(np.log((1 + steps[2:]) / (1 + steps[:-2])), 9)
    latest = len(hole) - 1 - int(np.argmin(hole[::-1]))
    return float(hole[latest]), latest + 1
