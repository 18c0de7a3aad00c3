"""One writer a run: who may open its database for writing, and what it finds left behind."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import weakref
from collections.abc import Set
from typing import Any

from yolo_core.jobs.process import ProcessIdentity
from yolo_core.runs import database
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import stored_status
from yolo_core.views import KINDS

# The open writers of this process by database. Weak: one that was dropped without being closed
# writes no more and must not keep the run.
_held: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()


def claim(connection: sqlite3.Connection, folder: RunFolder, store: object) -> None:
    """Names this process as the run's training process, and `store` as its writer.

    Commands that an earlier process never read are answered with an error: a "stop" that came
    too late for that one is not meant for this one.

    Raises:
        ValueError: Another store writes to the run, in a process that lives.
    """
    me = ProcessIdentity.current()
    # One transaction: of two processes that come at once, the second one sees the first.
    with (
        database.sentences(folder.database),
        database.transaction(connection, write=True),
    ):
        columns = {row[1] for row in connection.execute("PRAGMA table_info(status)")}
        for name in {"boot", "config"} - columns:
            # Made by an earlier version, to which it stays readable.
            connection.execute(f"ALTER TABLE status ADD COLUMN {name} TEXT")
        before = stored_status(connection).process
        (writing,) = connection.execute("SELECT writing FROM status").fetchone()
        alive = before if before is not None and before.is_alive() else None
        mine = alive is not None and alive.pid == me.pid
        if writing and alive is not None and not mine:
            raise database.RunFileError(
                f"Run {folder.name!r} is being written by process {alive.pid}; "
                "stop that one first, or wait until it has ended."
            )
        if writing and mine and _key(folder) in _held:
            raise database.RunFileError(
                f"Run {folder.name!r} is open for writing in this process already."
            )
        if not mine:
            connection.execute(
                "UPDATE commands SET state = 'failed', "
                "error = 'The training process ended before it answered this; send it again "
                "if it is still wanted.' "
                "WHERE state = 'pending'"
            )
        connection.execute(
            "UPDATE status SET pid = ?, started = ?, boot = ?, heartbeat = ?, writing = 1",
            (me.pid, me.started, me.boot, time.time()),
        )
        _held[_key(folder)] = store


def release(folder: RunFolder) -> None:
    """Forgets the store that claimed the run; it writes no more."""
    _held.pop(_key(folder), None)


def sweep(folder: RunFolder, named: Set[str]) -> None:
    """Deletes what a killed writer left: files half-written, and files that no row stands for.

    Args:
        folder: The run's folder.
        named: The names of the files that rows stand for, see `records.read_file_names`.
    """
    left = [
        path
        for place in (folder.path, folder.weights, folder.snapshots)
        for path in place.glob(".*.tmp*")
    ]
    for place, kinds in ((folder.weights, ("step",)), (folder.snapshots, KINDS)):
        for kind in kinds:
            files = place.glob(f"{kind}-[0-9]*.npz")
            left += [path for path in files if path.name not in named]
    for path in left:
        with contextlib.suppress(OSError):
            path.unlink()


def _key(folder: RunFolder) -> str:
    return os.path.realpath(folder.database)
