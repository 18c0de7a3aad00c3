"""What a run's database holds beside the step rows: evaluations, events, checkpoints, snapshots."""

from __future__ import annotations

import dataclasses
import json
import re
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from yolo_core.foreign_files import parse_json
from yolo_core.runs.layout import RunFolder

_FILE = re.compile(r"([a-z]+)-\d+\.npz")


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that happened to a run, drawn as a marker on its curves.

    Attributes:
        id: Ascending in the order of happening.
        step: Where it belongs on the step axis.
        time: Seconds since 1970.
        kind: "started", "set-lambda", "checkpoint", ...
        detail: What the kind says, such as {"name": "xy", "value": 2.0, "before": 1.0}.
    """

    id: int
    step: int
    time: float
    kind: str
    detail: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class CheckpointRecord:
    """A checkpoint on disk.

    Attributes:
        step: Updates that it holds.
        time: When it was written, seconds since 1970.
        path: Where it is.
    """

    step: int
    time: float
    path: Path


@dataclasses.dataclass(frozen=True)
class SnapshotRecord:
    """One sample in one snapshot file.

    Attributes:
        step: The snapshot's step.
        kind: "pinned" or "batch".
        sample: Name of the sample.
        file: The file, which holds all samples of that step and kind.
        total: The sample's recorded total.
        terms: {name: value}, unweighted.
        lambdas: {name: value}, the effective weights.
    """

    step: int
    kind: str
    sample: str
    file: Path
    total: float
    terms: dict[str, float]
    lambdas: dict[str, float]


def to_json(value: Any) -> str:
    """JSON of plain values, numpy scalars and arrays; NaN and infinities are kept.

    Raises:
        ValueError: Something in there is of another type.
    """

    def plain(item: Any) -> Any:
        if isinstance(item, (np.generic, np.ndarray)):
            return item.tolist()
        if isinstance(item, Path):
            return item.name
        raise ValueError(f"{type(item).__name__} cannot be written as JSON: {item!r}.")

    return json.dumps(value, default=plain)


def floats(values: Mapping[str, Any]) -> dict[str, float]:
    """The same mapping with Python floats."""
    return {str(name): float(value) for name, value in values.items()}


def insert_evaluation(
    connection: sqlite3.Connection, step: int, values: Mapping[str, float]
) -> None:
    """Puts down the metrics of one evaluation; an earlier one of that step is replaced."""
    connection.execute("DELETE FROM evaluations WHERE step = ?", (step,))
    connection.executemany(
        "INSERT INTO evaluations VALUES (?, ?, ?)",
        [(step, metric, value) for metric, value in values.items()],
    )


def read_evaluations(connection: sqlite3.Connection) -> dict[str, np.ndarray]:
    """{"step": (E,) int64, metric: (E,) float64}, NaN where an evaluation lacks a metric."""
    rows = connection.execute(
        "SELECT step, metric, value FROM evaluations ORDER BY step"
    ).fetchall()
    steps = sorted({int(step) for step, _, _ in rows})
    place = {step: i for i, step in enumerate(steps)}
    metrics = sorted({metric for _, metric, _ in rows})
    table = {metric: np.full(len(steps), np.nan) for metric in metrics}
    for step, metric, value in rows:
        table[metric][place[step]] = np.nan if value is None else value
    return {"step": np.array(steps, np.int64), **table}


def insert_event(
    connection: sqlite3.Connection, step: int, kind: str, detail: Mapping[str, Any]
) -> None:
    """Adds an event, dated now."""
    connection.execute(
        "INSERT INTO events (step, time, kind, detail) VALUES (?, ?, ?, ?)",
        (step, time.time(), kind, to_json(detail)),
    )


def read_events(connection: sqlite3.Connection) -> list[Event]:
    """All events in the order they happened."""
    rows = connection.execute("SELECT id, step, time, kind, detail FROM events ORDER BY id")
    return [Event(i, step, at, kind, _object(text)) for i, step, at, kind, text in rows]


def insert_checkpoint(connection: sqlite3.Connection, step: int, name: str) -> None:
    """Adds a checkpoint of that name in the folder of the weights, dated now."""
    connection.execute(
        "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)", (step, time.time(), name)
    )


def read_checkpoints(connection: sqlite3.Connection, folder: RunFolder) -> list[CheckpointRecord]:
    """All checkpoints by step."""
    rows = connection.execute("SELECT step, time, file FROM checkpoints ORDER BY step")
    return [
        CheckpointRecord(step, at, _file(folder.weights, "step", name)) for step, at, name in rows
    ]


def insert_snapshot(connection: sqlite3.Connection, record: SnapshotRecord) -> None:
    """Adds a snapshot record; an earlier one of that step, kind and sample is replaced."""
    connection.execute(
        "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            record.sample,
            record.kind,
            record.step,
            record.file.name,
            record.total,
            to_json(record.terms),
            to_json(record.lambdas),
        ),
    )


def read_snapshots(
    connection: sqlite3.Connection,
    folder: RunFolder,
    kind: str | None = None,
    sample: str | None = None,
    *,
    last: bool = False,
) -> list[SnapshotRecord]:
    """Snapshot records by step, then kind, then sample; of one kind or sample if given.

    With `last`, one of those of the last step alone.
    """
    chosen = {"kind": kind, "sample": sample}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    where = " AND ".join(f"{name} = ?" for name in chosen) or "1"
    rows = connection.execute(
        "SELECT step, kind, sample, file, total, terms, lambdas FROM snapshots "
        f"WHERE {where} ORDER BY " + ("step DESC LIMIT 1" if last else "step, kind, sample"),
        tuple(chosen.values()),
    )
    return [
        SnapshotRecord(
            step=step,
            kind=kind_,
            sample=sample_,
            file=_file(folder.snapshots, kind_, name),
            total=float("nan") if total is None else total,
            terms=_object(terms),
            lambdas=_object(lambdas),
        )
        for step, kind_, sample_, name, total, terms, lambdas in rows
    ]


def read_file_names(connection: sqlite3.Connection) -> set[str]:
    """Names of all files that a checkpoint or snapshot row stands for."""
    rows = connection.execute("SELECT file FROM checkpoints UNION SELECT file FROM snapshots")
    return {name for (name,) in rows}


def _file(place: Path, kind: str, name: str) -> Path:
    """The file of a row; a row that names anything else would have that read, or deleted."""
    match = _FILE.fullmatch(name)
    if match is None or match[1] != kind:
        raise ValueError(f"expected a file {kind}-NUMBER.npz, found {name!r}")
    return place / name


def _object(text: str) -> dict[str, Any]:
    value = parse_json(text)
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, found {text[:40]!r}")
    return value
