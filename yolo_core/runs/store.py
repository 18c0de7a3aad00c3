"""The run store: what the training process writes, one writer a run."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from yolo_core.runs import claims, commands, curves, database, records, row_checks
from yolo_core.runs.commands import Command
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.reader import RunReader
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.status import RunState, RunStatus
from yolo_core.views import KINDS

FLUSH_SECONDS = 0.5
_STATUS_FIELDS = tuple(field.name for field in dataclasses.fields(RunStatus))
# Only readers find out that a process is gone or a file damaged; no process says so of itself.
_STATES = tuple(s for s in RunState if s not in (RunState.LOST, RunState.UNREADABLE))


class RunStore(RunReader):
    """A run's database, open for reading or, in one process at a time, for writing.

    Step rows and progress are kept back for half a second and then committed together, rows and
    buckets in one transaction; everything else is committed before its method returns, together
    with what was kept back. A killed process loses at most that half second.
    """

    def __init__(
        self, folder: RunFolder, connection: sqlite3.Connection, *, writable: bool
    ) -> None:
        super().__init__(folder, connection)
        self._writable = writable
        self._file = database.file_number(folder.database)
        self._rows: list[tuple[float, ...]] = []
        self._status: dict[str, Any] = {}
        self._flushed = time.monotonic()
        self._columns: tuple[str, ...] = ()
        self._place: dict[str, int] = {}
        self._checked = False
        self._last = 0

    def _load(self) -> None:
        """Takes up the database as it stands: its columns, last step and unfinished buckets."""
        with self._reading() as connection:
            self._columns = database.step_columns(connection)
            self._checked = row_checks.are_kept(connection)
            self._place = {name: i for i, name in enumerate(self._columns)}
            self._buckets = curves.BucketWriter(connection, self._columns)
            (last,) = connection.execute("SELECT max(step) FROM steps").fetchone()
            self._last = int(last or 0)

    @classmethod
    def create(cls, folder: RunFolder, columns: Sequence[str] = ()) -> Self:
        """Makes the database of a new run and opens it for writing, in state STARTING.

        Args:
            folder: The run's folder, which exists.
            columns: Columns of the step row after step and time, such as "total" or "term/xy";
                `add_columns` adds more.

        Raises:
            ValueError: There is a database, a column cannot be named so, or the disk is full.
        """
        database.check_columns(columns)
        database.create_database(folder.database, columns)
        return cls.open(folder, writable=True)

    @classmethod
    def open(cls, folder: RunFolder, *, writable: bool = False) -> Self:
        """Opens the database of a run.

        Opening for writing names this process as the run's training process. Commands that were
        sent to an earlier process and never read are answered with an error.

        Raises:
            ValueError: The database is missing, damaged, or of another program or version; or
                another store writes to it.
        """
        connection = database.connect(folder.database, writable=writable)
        try:
            store = cls(folder, connection, writable=writable)
            if writable:
                claims.claim(connection, folder, store)
                store._load()
                store._sweep()
            return store
        except BaseException:
            connection.close()
            raise

    def __exit__(self, kind: object, *_: object) -> None:
        # An error on its way out is the one to tell, not that closing failed too.
        with contextlib.suppress(ValueError) if kind else contextlib.nullcontext():
            self.close()

    def close(self) -> None:
        """Commits what was kept back and gives the run free for another writer."""
        with self._lock:
            try:
                if self._writable:
                    with self._writing() as connection:
                        connection.execute("UPDATE status SET writing = 0")
            finally:
                if self._writable:
                    claims.release(self.folder)
                self._writable = False
                self._rows = []
                self._connection.close()

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the step row, after step and time."""
        return self._columns if self._writable else super().columns

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            # A writer reads what it has written.
            if self._writable and self._rows:
                self.flush()
            with super()._reading() as connection:
                yield connection

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that first brings in what was kept back."""
        with self._lock, database.sentences(self.folder.database):
            if not self._writable:
                raise database.RunFileError(
                    f"{self.folder.database} is not open for writing (any more)."
                )
            if database.file_number(self.folder.database) != self._file:
                raise database.RunFileError(
                    f"{self.folder.database} was deleted or replaced while run "
                    f"{self.folder.name!r} wrote to it: nothing more of it can be recorded."
                )
            # Before the attempt: where it fails, the next one comes half a second later too.
            self._flushed = time.monotonic()
            status = {"heartbeat": time.time(), **self._status}
            process = status.pop("process", None)
            if process is not None:
                status |= dataclasses.asdict(process)
            last = None
            with database.transaction(self._connection, write=True):
                if self._rows:
                    last = self._write_rows()
                self._connection.execute(
                    f"UPDATE status SET {', '.join(f'{name} = ?' for name in status)}",
                    tuple(status.values()),
                )
                yield self._connection
            if last is not None:
                self._buckets.keep(last)
            self._rows, self._status = [], {}

    def _write_rows(self) -> dict[int, curves.Buckets]:
        table = np.array(self._rows, np.float64)
        named, rows = ["step", "time", *self._columns], self._rows
        if self._checked:
            named.append(row_checks.COLUMN)
            checks = row_checks.row_checks(table).tolist()
            rows = [(*row, check) for row, check in zip(rows, checks, strict=True)]
        names, marks = ", ".join(map(database.quoted, named)), ", ".join("?" * len(named))
        self._connection.executemany(f"INSERT INTO steps ({names}) VALUES ({marks})", rows)
        return self._buckets.write(table[:, 0].astype(np.int64), table[:, 2:])

    def flush(self) -> None:
        """Commits what was kept back."""
        with self._writing():
            pass

    def heartbeat(self) -> None:
        """Says that the process lives, at most twice a second; cheap enough for every step."""
        if time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def add_columns(self, columns: Sequence[str]) -> None:
        """Adds columns to the step row; earlier rows read as NaN there.

        Raises:
            ValueError: A column cannot be named so, or is there already.
        """
        database.check_columns(columns, self.columns)
        with self._writing() as connection:
            database.add_columns(connection, columns)
        self._load()

    def record_step(self, step: int, values: Mapping[str, Any]) -> None:
        """Puts down the row of a step; it is committed within half a second of further calls.

        Args:
            step: The step, past every earlier one.
            values: {column: number}; a column left out is NaN. NaN and infinities are kept.

        Raises:
            ValueError: The step is not past the last one, a column is unknown, a value is no
                number, or the disk is full.
        """
        row = [math.nan] * len(self._columns)
        for name, value in values.items():
            if name not in self._place:
                raise ValueError(
                    f"The step row has no column {name!r}; its columns are "
                    f"{', '.join(self._columns) or 'none'}."
                )
            try:
                row[self._place[name]] = float(value)
            except (TypeError, ValueError, OverflowError):
                raise ValueError(
                    f"Column {name!r} of step {step} must be a number; received {value!r}."
                ) from None
        with self._lock:
            if step <= self._last:
                raise ValueError(
                    f"Steps are recorded in order, from 1 on: step {step} came after step "
                    f"{self._last}. To record it again, truncate the run first."
                )
            self._rows.append((int(step), time.time(), *row))
            self._last = int(step)
            self._status["step"] = self._last
        self.heartbeat()

    def record_evaluation(self, step: int, values: Mapping[str, Any]) -> None:
        """Puts down the metrics measured after `step` updates."""
        numbers = records.floats(values)
        with self._writing() as connection:
            records.insert_evaluation(connection, int(step), numbers)

    def record_event(self, step: int, kind: str, detail: Mapping[str, Any] | None = None) -> None:
        """Puts down an event, dated now."""
        text = dict(detail or {})
        records.to_json(text)
        with self._writing() as connection:
            records.insert_event(connection, int(step), str(kind), text)

    def record_checkpoint(self, step: int, path: Path | str) -> None:
        """Puts down a checkpoint, once it is complete on disk, in the folder of the weights."""
        with self._writing() as connection:
            records.insert_checkpoint(connection, int(step), Path(path).name)

    def forget_checkpoint(self, step: int) -> None:
        """Drops the record of a checkpoint; its file stays."""
        with self._writing() as connection:
            connection.execute("DELETE FROM checkpoints WHERE step = ?", (int(step),))

    def record_snapshot(
        self,
        step: int,
        kind: str,
        sample: str,
        file: Path | str,
        total: float,
        *,
        terms: Mapping[str, Any],
        lambdas: Mapping[str, Any],
    ) -> None:
        """Puts down one sample of a snapshot, once its file is complete on disk.

        Args:
            step: The snapshot's step.
            kind: "pinned" or "batch".
            sample: Name of the sample.
            file: The file, in the folder of the snapshots.
            total: The sample's total.
            terms: {name: value}, unweighted.
            lambdas: {name: value}, the effective weights. By name alone: exchanged with the terms
                they would give the same total.

        Raises:
            ValueError: The two have other names, or a kind and a sample that are exchanged.
        """
        if kind not in KINDS or terms.keys() != lambdas.keys():
            raise ValueError(
                f"A snapshot is {' or '.join(KINDS)}, and has a lambda a term; received {kind!r}, "
                f"terms {', '.join(terms) or 'none'} and lambdas {', '.join(lambdas) or 'none'}."
            )
        record = SnapshotRecord(
            step=int(step),
            kind=kind,
            sample=sample,
            file=self.folder.snapshots / Path(file).name,
            total=float(total),
            terms=records.floats(terms),
            lambdas=records.floats(lambdas),
        )
        with self._writing() as connection:
            records.insert_snapshot(connection, record)

    def forget_snapshot_file(self, *files: Path | str) -> None:
        """Drops the records of snapshot files; the files themselves stay."""
        names = [(Path(file).name,) for file in files]
        with self._writing() as connection:
            connection.executemany("DELETE FROM snapshots WHERE file = ?", names)

    def set_status(self, **fields: Any) -> None:
        """Sets fields of the status; a new state or message is committed at once.

        Args:
            fields: Fields of `RunStatus`. A rate that is not finite becomes None.

        Raises:
            ValueError: There is no such field, or a state that only readers derive is set.
        """
        unknown = [name for name in fields if name not in _STATUS_FIELDS]
        if unknown:
            raise ValueError(
                f"A status has the fields {', '.join(_STATUS_FIELDS)}; "
                f"received {', '.join(unknown)}."
            )
        if "state" in fields:
            if fields["state"] not in _STATES:
                raise ValueError(
                    f"A process sets its state to one of {', '.join(_STATES)}; "
                    f"received {fields['state']}."
                )
            fields["state"] = str(fields["state"])
        for name, kind in (("step", int), ("steps", int), ("seconds", float)):
            if fields.get(name) is not None:
                fields[name] = kind(fields[name])
        rate = fields.get("images_per_second")
        if rate is not None:
            fields["images_per_second"] = float(rate) if math.isfinite(rate) else None
        with self._lock:
            self._status.update(fields)
        if "state" in fields or "message" in fields:
            self.flush()
        else:
            self.heartbeat()

    def pending_commands(self) -> list[Command]:
        """Commands that wait for an answer, in the order of sending."""
        with self._lock, database.sentences(self.folder.database):
            return commands.read_commands(self._connection, "state = 'pending' ORDER BY id")

    def answer(
        self,
        command: int,
        *,
        step: int | None = None,
        error: str | None = None,
        event: tuple[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Answers a command, with the first step that it affects or with an error.

        Args:
            command: Its id.
            step: The first step that it affects.
            error: Why it failed.
            event: Kind and detail of an event of that step, put down with the answer.

        Raises:
            ValueError: There is no such command waiting.
        """
        with self._writing() as connection:
            answered = commands.answer_command(connection, int(command), step, error)
            if answered and event is not None:
                records.insert_event(connection, int(step or 0), *event)
        if not answered:
            raise ValueError(f"No command {command} waits for an answer.")

    def truncate_after(self, step: int) -> None:
        """Drops steps, evaluations, snapshots and checkpoints past `step`, to record them again.

        Events and commands stay; files that no record stands for any more are deleted.
        """
        step = max(int(step), 0)
        with self._writing() as connection:
            for table in ("steps", "evaluations", "snapshots", "checkpoints"):
                connection.execute(f"DELETE FROM {table} WHERE step > ?", (step,))
            curves.truncate_buckets(connection, self._columns, step)
            connection.execute("UPDATE status SET step = min(step, ?)", (step,))
        self._load()
        self._sweep()

    def _sweep(self) -> None:
        with self._reading() as connection:
            named = records.read_file_names(connection)
        claims.sweep(self.folder, named)
