"""What a run is doing now: its state, its process, and whether that process still lives."""

from __future__ import annotations

import dataclasses
import enum
import os
import sqlite3
import time

import psutil

from yolo_core.runs import database
from yolo_core.runs.layout import RunFolder

STARTING_SECONDS = 30
SILENT_SECONDS = 60


class RunState(enum.StrEnum):
    """The states of a run."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"
    """The process is gone without having said so."""
    UNREADABLE = "unreadable"
    """The run folder is damaged; the message says how."""


LIVE_STATES = (RunState.STARTING, RunState.RUNNING, RunState.PAUSED)


@dataclasses.dataclass(frozen=True)
class ProcessIdentity:
    """A process that cannot be mistaken for a later one with the same number.

    Attributes:
        pid: Process number.
        started: When it started, seconds since 1970, as psutil tells it.
    """

    pid: int
    started: float

    @classmethod
    def current(cls) -> ProcessIdentity:
        """This process."""
        return cls(os.getpid(), psutil.Process().create_time())

    def is_alive(self) -> bool:
        """Whether that very process runs. One that ended and waits for its parent does not."""
        try:
            process = psutil.Process(self.pid)
            # The start time is derived from the time of boot, which moves with the clock a little.
            return (
                abs(process.create_time() - self.started) < 2
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except (psutil.Error, OSError, ValueError, OverflowError):
            return False

    def send_signal(self, signal: int) -> None:
        """Signals that very process, and no other one.

        Raises:
            psutil.NoSuchProcess: It has ended.
            psutil.AccessDenied: It belongs to another user.
        """
        # psutil looks at the start time again right before it signals.
        process = psutil.Process(self.pid)
        if not self.is_alive():
            raise psutil.NoSuchProcess(self.pid)
        process.send_signal(signal)


@dataclasses.dataclass(frozen=True)
class RunStatus:
    """What a run is doing.

    Attributes:
        state: The state.
        step: Optimizer updates so far.
        steps: Updates in all, None when not known yet.
        images_per_second: Recent rate, None when not known.
        seconds: Training time so far.
        message: A sentence for the reader, or empty.
        process: The training process, None when none has been named.
        heartbeat: When the process last wrote, seconds since 1970, None when never.
    """

    state: RunState
    step: int = 0
    steps: int | None = None
    images_per_second: float | None = None
    seconds: float = 0.0
    message: str = ""
    process: ProcessIdentity | None = None
    heartbeat: float | None = None

    @property
    def is_live(self) -> bool:
        """Whether a process is at work on the run."""
        return self.state in LIVE_STATES

    @property
    def seconds_left(self) -> float | None:
        """Training time still to go at the average pace so far; None when not known."""
        if not self.is_live or self.steps is None or self.step <= 0 or self.seconds <= 0:
            return None
        return max(self.steps - self.step, 0) * self.seconds / self.step


def read_status(folder: RunFolder) -> RunStatus:
    """The status of a run, checked against the process that it names. Never raises.

    A live state whose process is gone reads as LOST, a damaged folder as UNREADABLE; the message
    says what happened and what can be done.
    """
    try:
        if not folder.database.is_file():
            return _without_database(folder)
        connection = database.connect(folder.database)
        try:
            with database.sentences(folder.database):
                status = stored_status(connection)
                row = connection.execute("SELECT max(step) FROM checkpoints").fetchone()
        finally:
            connection.close()
        return _checked(folder, status, resume_step=row[0] or 0)
    except (ValueError, OSError) as error:
        return RunStatus(RunState.UNREADABLE, message=str(error))


def stored_status(connection: sqlite3.Connection) -> RunStatus:
    """The status row as the training process wrote it, unchecked."""
    row = connection.execute(
        "SELECT state, step, steps, images_per_second, seconds, message, pid, started, heartbeat "
        "FROM status"
    ).fetchone()
    if row is None:
        raise ValueError("there is no status row")
    state, step, steps, rate, seconds, message, pid, started, heartbeat = row
    return RunStatus(
        state=RunState(state),
        step=int(step),
        steps=None if steps is None else int(steps),
        images_per_second=None if rate is None else float(rate),
        seconds=float(seconds),
        message=str(message),
        process=None if pid is None else ProcessIdentity(int(pid), float(started)),
        heartbeat=None if heartbeat is None else float(heartbeat),
    )


def _without_database(folder: RunFolder) -> RunStatus:
    if not folder.config.is_file():
        return RunStatus(
            RunState.UNREADABLE, message=f"{folder.path} holds neither config.json nor run.db."
        )
    if time.time() - folder.config.stat().st_mtime < STARTING_SECONDS:
        return RunStatus(RunState.STARTING)
    return RunStatus(
        RunState.UNREADABLE,
        message=f"{folder.database} does not exist: the training process never came up; "
        f"{folder.log.name} in the run folder may say why.",
    )


def _checked(folder: RunFolder, status: RunStatus, *, resume_step: int) -> RunStatus:
    if not status.is_live:
        return status
    if status.process is None and time.time() - folder.database.stat().st_mtime < STARTING_SECONDS:
        # Just made: the process names itself in the next moment.
        return status
    if status.process is None or not status.process.is_alive():
        pid = f" (pid {status.process.pid})" if status.process else ""
        return dataclasses.replace(
            status,
            state=RunState.LOST,
            message=f"The training process{pid} ended without saying why; "
            f"python -m yolo_core train --resume {folder.name} goes on from step {resume_step}.",
        )
    silent = 0.0 if status.heartbeat is None else time.time() - status.heartbeat
    if silent > SILENT_SECONDS:
        warning = (
            f"The training process (pid {status.process.pid}) lives, but has written nothing "
            f"for {silent:.0f} seconds."
        )
        return dataclasses.replace(status, message=f"{status.message} {warning}".strip())
    return status


def signal_run(folder: RunFolder, signal: int) -> None:
    """Sends a signal to the training process of a live run, and to no other process.

    Raises:
        ValueError: The run is not live, or its process is not there or not ours to signal.
    """
    status = read_status(folder)
    if not status.is_live or status.process is None:
        raise ValueError(
            f"Run {folder.name!r} has no training process to signal: it is {status.state}."
        )
    try:
        status.process.send_signal(signal)
    except psutil.NoSuchProcess:
        raise ValueError(
            f"The training process (pid {status.process.pid}) of run {folder.name!r} has ended."
        ) from None
    except psutil.AccessDenied:
        raise ValueError(
            f"The training process (pid {status.process.pid}) of run {folder.name!r} belongs to "
            "another user and may not be signalled."
        ) from None
