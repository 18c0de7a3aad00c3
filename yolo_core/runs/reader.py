"""What a run's database tells a reader, in any process, while the run is being written."""

from __future__ import annotations

import contextlib
import math
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from yolo_core.runs import commands, curves, database, records
from yolo_core.runs.commands import Command
from yolo_core.runs.curves import Curves
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import CheckpointRecord, Event, SnapshotRecord
from yolo_core.runs.status import RunStatus, read_status

_POLL_SECONDS = 0.02


class RunReader:
    """A run's database, open for reading. Every method raises ValueError with a sentence, never
    an SQLite error, and may be called from any thread.

    Attributes:
        folder: The run's folder.
    """

    def __init__(self, folder: RunFolder, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the use of the database."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the database for the whole block, and its errors as sentences."""
        with self._lock, database.sentences(self.folder.database):
            if self._connection.in_transaction:
                yield self._connection
            else:
                with database.transaction(self._connection, write=False):
                    yield self._connection

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the step row, after step and time."""
        with self._reading() as connection:
            return database.step_columns(connection)

    def status(self) -> RunStatus:
        """What the run is doing, see `read_status`."""
        return read_status(self.folder)

    def last_step(self) -> dict[str, float] | None:
        """The last step row, {"step", "time", column: value}, or None before the first step."""
        with self._reading() as connection:
            (last,) = connection.execute("SELECT max(step) FROM steps").fetchone()
            if last is None:
                return None
            table = self._table(connection, None, last, last)
            return {name: values[0].item() for name, values in table.items()}

    def steps(
        self,
        first: int | None = None,
        last: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> dict[str, np.ndarray]:
        """Step rows as they were recorded. For a long run, `curves` is a thousand times faster.

        Args:
            first: First step wanted; None for the first that there is.
            last: Last step wanted, included; None for the last that there is.
            columns: Columns wanted; None for all.

        Returns:
            {"step": (S,) int64, "time": (S,) float64 seconds since 1970, column: (S,) float64}.
        """
        with self._reading() as connection:
            low, high = _limits(connection)
            return self._table(
                connection,
                columns,
                low if first is None else max(int(first), low),
                high if last is None else min(int(last), high),
            )

    def _table(
        self,
        connection: sqlite3.Connection,
        columns: Sequence[str] | None,
        first: int,
        last: int,
    ) -> dict[str, np.ndarray]:
        names = self._chosen(connection, columns)
        step, at, values = curves.read_rows(connection, names, first, last)
        return {"step": step, "time": at, **{name: values[:, i] for i, name in enumerate(names)}}

    def _chosen(
        self, connection: sqlite3.Connection, columns: Sequence[str] | None
    ) -> tuple[str, ...]:
        existing = database.step_columns(connection)
        if columns is None:
            return existing
        for name in columns:
            if name not in existing:
                raise database.RunFileError(
                    f"{self.folder.database} has no column {name!r}; "
                    f"its columns are {', '.join(existing) or 'none'}."
                )
        return tuple(columns)

    def curves(
        self,
        columns: Sequence[str] | None = None,
        *,
        first: int | None = None,
        last: int | None = None,
        points: int = 1500,
    ) -> Curves:
        """Columns over a range of steps, in about a thousand points however long it is.

        Args:
            columns: Columns wanted; only these are read. None for all.
            first: First step wanted; a bucket that lies over it is included whole.
            last: Last step wanted, included likewise.
            points: Most points wanted, at least 1.

        Returns:
            The rows themselves if there are at most `points`, else the finest buckets of 8, 32,
            128, ... steps that number at most `points` (at 131072 steps a bucket, more of them).
        """
        if points < 1:
            raise ValueError(f"points must be at least 1; received {points}.")
        with self._reading() as connection:
            low, high = _limits(connection)
            return curves.read_curves(
                connection,
                self._chosen(connection, columns),
                low if first is None else max(int(first), low),
                high if last is None else min(int(last), high),
                points,
            )

    def seconds_at(self, steps: np.ndarray) -> np.ndarray:
        """When steps were trained: seconds since the first one, without pauses and interruptions.

        Args:
            steps: (G,) int64, ascending. For one without a row the row before it counts.

        Returns:
            (G,) float64; NaN before the first row.
        """
        before = "SELECT time FROM steps WHERE step <= ? ORDER BY step DESC LIMIT 1"
        after = "SELECT time FROM steps WHERE step > ? ORDER BY step LIMIT 1"
        with self._reading() as connection:

            def time_of(query: str, step: int) -> float:
                row = connection.execute(query, (int(step),)).fetchone()
                return math.nan if row is None else float(row[0])

            seconds = np.array([time_of(before, step) for step in steps], np.float64)
            started = time_of(after, -1)
            goes_on = "SELECT DISTINCT step FROM events WHERE kind IN ('resume', 'resumed')"
            gone_on = [int(step) for (step,) in connection.execute(goes_on)]
            gaps = {step: time_of(after, step) - time_of(before, step) for step in gone_on}
        for step, gap in gaps.items():
            if math.isfinite(gap):
                seconds[steps > step] -= gap
        return seconds - started

    def evaluations(self) -> dict[str, np.ndarray]:
        """{"step": (E,) int64, metric: (E,) float64}; NaN where an evaluation lacks a metric."""
        with self._reading() as connection:
            return records.read_evaluations(connection)

    def events(self) -> list[Event]:
        """All events in the order they happened."""
        with self._reading() as connection:
            return records.read_events(connection)

    def checkpoints(self) -> list[CheckpointRecord]:
        """All checkpoints by step."""
        with self._reading() as connection:
            return records.read_checkpoints(connection, self.folder)

    def snapshots(self, kind: str | None = None, sample: str | None = None) -> list[SnapshotRecord]:
        """Snapshot records by step, of one kind ("pinned", "batch") or one sample if given."""
        with self._reading() as connection:
            return records.read_snapshots(connection, self.folder, kind, sample)

    def last_snapshot(self, kind: str) -> SnapshotRecord | None:
        """One of the records of a kind at the last step that has some; its file holds all samples.

        However many there are: none of the others is decoded.
        """
        with self._reading() as connection:
            found = records.read_snapshots(connection, self.folder, kind, last=True)
        return found[0] if found else None

    def commands(self, limit: int = 20) -> list[Command]:
        """The commands sent last, newest first."""
        with self._reading() as connection:
            return commands.read_commands(connection, "1 ORDER BY id DESC LIMIT ?", (int(limit),))

    def send(self, name: str, arguments: Mapping[str, Any] | None = None) -> int:
        """Asks the training process for something; a reader's only write.

        Args:
            name: The command.
            arguments: What it takes, see `commands.check_command`.

        Returns:
            The command's id, for `wait_for_answer`.

        Raises:
            ValueError: The command is not one, an argument is out of range, or no process is
                there to read it.
        """
        arguments = dict(arguments or {})
        commands.check_command(name, arguments)
        status = self.status()
        if not status.is_live:
            raise ValueError(
                f"Run {self.folder.name!r} takes no commands, it is {status.state}. "
                f"{status.message}".strip()
            )
        connection = database.connect(self.folder.database, writable=True)
        try:
            with (
                database.sentences(self.folder.database),
                database.transaction(connection, write=True),
            ):
                return commands.insert_command(connection, name, arguments)
        finally:
            connection.close()

    def wait_for_answer(self, command: int, timeout: float) -> Command:
        """Waits until a command is answered, or `timeout` seconds are over.

        Returns:
            The command; its state is "pending" when time ran out.

        Raises:
            ValueError: There is no such command.
        """
        end = time.monotonic() + timeout
        while True:
            with self._reading() as connection:
                found = commands.read_commands(connection, "id = ?", (int(command),))
            if not found:
                raise ValueError(f"{self.folder.database} has no command {command}.")
            left = end - time.monotonic()
            if found[0].state != "pending" or left <= 0:
                return found[0]
            time.sleep(min(_POLL_SECONDS, left))


def _limits(connection: sqlite3.Connection) -> tuple[int, int]:
    """First and last recorded step; (1, 0) when there is none."""
    # Two queries: SQLite looks at one end of the table for each, but at all of it for both.
    (low,) = connection.execute("SELECT min(step) FROM steps").fetchone()
    (high,) = connection.execute("SELECT max(step) FROM steps").fetchone()
    return (1, 0) if low is None else (int(low), int(high))
