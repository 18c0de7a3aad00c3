"""What a run is doing now: its state, its process, and whether that process still lives."""

from __future__ import annotations

import dataclasses
import sqlite3
import time

from yolo_core.jobs.process import ProcessIdentity
from yolo_core.jobs.status import JobState as RunState
from yolo_core.jobs.status import ProcessStatus, for_seconds
from yolo_core.runs import database
from yolo_core.runs.layout import RunFolder

SILENT_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class RunStatus(ProcessStatus):
    """What a run is doing.

    Attributes:
        step: Optimizer updates so far.
        steps: Updates in all, None when not known yet.
        images_per_second: Recent rate, None when not known.
        seconds: Training time so far, without what compiled.
        heartbeat: When the process last wrote, seconds since 1970, None when never.
        config: SHA-256 of the configuration that the run began with; None where an earlier version
            made the run.
    """

    step: int = 0
    steps: int | None = None
    images_per_second: float | None = None
    seconds: float = 0.0
    heartbeat: float | None = None
    config: str | None = None

    def seconds_left(self, batch_size: int) -> float | None:
        """Training time still to go at the recent rate; None when not known."""
        if not self.is_live or self.steps is None or not self.images_per_second:
            return None
        return max(self.steps - self.step, 0) * batch_size / self.images_per_second


def read_status(folder: RunFolder) -> RunStatus:
    """The status of a run, checked against the process that it names. Never raises.

    A live state whose process is gone reads as LOST, a damaged folder as UNREADABLE; the message
    says what happened and what can be done.
    """
    try:
        connection = database.connect(folder.database)
        try:
            return status_in(connection, folder)
        finally:
            connection.close()
    except (ValueError, OSError) as error:
        return RunStatus(RunState.UNREADABLE, message=str(error))


def status_in(connection: sqlite3.Connection, folder: RunFolder) -> RunStatus:
    """`read_status` of a database that is open.

    Raises:
        ValueError: It is damaged.
    """
    with database.sentences(folder.database):
        status = stored_status(connection)
        row = connection.execute("SELECT max(step) FROM checkpoints").fetchone()
    return _checked(folder, status, resume_step=row[0] or 0)


def stored_status(connection: sqlite3.Connection) -> RunStatus:
    """The status row as the training process wrote it, unchecked."""
    cursor = connection.execute("SELECT * FROM status")
    row = cursor.fetchone()
    if row is None:
        raise ValueError("there is no status row")
    fields = dict(zip((column[0] for column in cursor.description), row, strict=True))
    pid, steps, rate, heartbeat = (
        fields[name] for name in ("pid", "steps", "images_per_second", "heartbeat")
    )
    return RunStatus(
        state=RunState(fields["state"]),
        step=int(fields["step"]),
        steps=None if steps is None else int(steps),
        images_per_second=None if rate is None else float(rate),
        seconds=float(fields["seconds"]),
        message=str(fields["message"]),
        # Databases of earlier versions lack the last columns.
        process=None
        if pid is None
        else ProcessIdentity(int(pid), float(fields["started"]), fields.get("boot")),
        heartbeat=None if heartbeat is None else float(heartbeat),
        config=fields.get("config"),
    )


def _checked(folder: RunFolder, status: RunStatus, *, resume_step: int) -> RunStatus:
    pid = f" (pid {status.process.pid})" if status.process else ""
    lost = f"The training process{pid} ended without saying why"
    if folder.restarts:  # else it was somebody's own script
        command = f"python -m yolo_core train --resume {folder.name}"
        lost = f"{lost}; {command} goes on from step {resume_step}"
    status = status.checked(f"{lost}.")
    if not status.is_live:
        return status
    silent = 0.0 if status.heartbeat is None else time.time() - status.heartbeat
    if status.message:
        return dataclasses.replace(status, message=for_seconds(status.message, silent))
    if silent > SILENT_SECONDS:
        warning = (
            f"The training process{pid} lives, but has written nothing for {silent:.0f} seconds."
        )
        return dataclasses.replace(status, message=warning)
    return status
