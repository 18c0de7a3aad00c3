"""What a job is doing: its state, its process, how far it is, and the small file that says so."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import psutil

from yolo_core.files import replace_file
from yolo_core.foreign_files import read_json
from yolo_core.jobs.process import ProcessIdentity


class JobState(enum.StrEnum):
    """The states of a training, a survey, or another job."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"
    """The process is gone without having said so."""
    UNREADABLE = "unreadable"
    """What it wrote is damaged or foreign; the message says how."""


LIVE_STATES = (JobState.STARTING, JobState.RUNNING, JobState.PAUSED)


@dataclasses.dataclass(frozen=True)
class ProcessStatus:
    """What a process says of itself, and whether it is still there to say so.

    Attributes:
        state: The state.
        message: A sentence for the reader, or empty; while there are no numbers to show what it is
            busy with, and for how long.
        process: The process, None when none has been named.
    """

    state: JobState
    message: str = ""
    process: ProcessIdentity | None = None

    @property
    def is_live(self) -> bool:
        """Whether a process is at work."""
        return self.state in LIVE_STATES

    def checked(self, lost: str) -> Self:
        """The same, LOST with that message where the state is live and the process gone."""
        if not self.is_live or (self.process is not None and self.process.is_alive()):
            return self
        return dataclasses.replace(self, state=JobState.LOST, message=lost)


@dataclasses.dataclass(frozen=True)
class JobStatus(ProcessStatus):
    """What a job is doing that keeps its status in a file.

    Attributes:
        done: Pieces of its work that are done, such as samples.
        total: Pieces in all.
        rate: Pieces a second of this process, None when not known yet.
        checkpoint: SHA-256 of the checkpoint file that it works with, or empty.
    """

    done: int = 0
    total: int = 0
    rate: float | None = None
    checkpoint: str = ""

    @property
    def seconds_left(self) -> float | None:
        """Time still to go at the present rate; None when not known."""
        if not self.is_live or not self.rate:
            return None
        return max(self.total - self.done, 0) / self.rate


def write_job(file: Path, status: JobStatus) -> None:
    """Replaces the status file.

    Raises:
        ValueError: The disk is full, or the place is not writable.
    """
    replace_file(file, json.dumps(dataclasses.asdict(status)), durable=False)


def read_job(file: Path) -> JobStatus:
    """The status in a file, checked against the process that it names. Never raises."""
    try:
        fields = read_json(file)
        silent = time.time() - file.stat().st_mtime
    except OSError as error:
        return JobStatus(JobState.UNREADABLE, f"{file} cannot be read: {error.strerror}.")
    except ValueError as error:
        return JobStatus(JobState.UNREADABLE, str(error))
    try:
        status = _status(fields)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return JobStatus(JobState.UNREADABLE, f"{file} is no status file of a job.")
    status = status.checked("The process ended without saying why; start it again to go on.")
    if status.state is JobState.STARTING and status.message:
        return dataclasses.replace(status, message=for_seconds(status.message, silent))
    return status


def _status(fields: dict[str, Any]) -> JobStatus:
    process, rate = fields["process"], fields["rate"]
    # Surveys of earlier versions called it so.
    state = "finished" if fields["state"] == "done" else fields["state"]
    return JobStatus(
        state=JobState(state),
        message=str(fields["message"]),
        process=None
        if process is None
        else ProcessIdentity(int(process["pid"]), float(process["started"]), process.get("boot")),
        done=int(fields["done"]),
        total=int(fields["total"]),
        rate=None if rate is None else float(rate),
        checkpoint=str(fields["checkpoint"]),
    )


class Job:
    """A job in this process, which keeps its status in a file.

    Args:
        file: The status file.
        status: What it begins with; the process is put down here.
        report: Told the status whenever it changes.

    Attributes:
        status: The present one.

    Raises:
        ValueError: The disk is full, or the place is not writable.
    """

    def __init__(
        self, file: Path, status: JobStatus, report: Callable[[JobStatus], None] | None = None
    ) -> None:
        self.file = file
        self.status = dataclasses.replace(status, process=ProcessIdentity.current())
        self._report = report
        self.say()

    def say(self, **fields: Any) -> None:
        """Changes fields of the status, and writes it.

        Raises:
            ValueError: The disk is full, or the place is not writable.
        """
        self.status = dataclasses.replace(self.status, **fields)
        write_job(self.file, self.status)
        if self._report is not None:
            self._report(self.status)

    def run(self, work: Callable[[], None]) -> JobStatus:
        """Does the work; returns the status it ended with, FAILED where the work raised."""
        try:
            work()
        except Exception as error:
            # A full disk takes the status no more than the rest.
            with contextlib.suppress(ValueError):
                self.say(state=JobState.FAILED, message=error_sentence(error), rate=None)
        return self.status


def error_sentence(error: BaseException) -> str:
    """What an error says; of one that is not foreseen its kind and its first line."""
    if isinstance(error, ValueError):
        return " ".join(str(error).split())
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


def stop_job(file: Path) -> None:
    """Asks a job's process to end; it does so after the piece of work that it is at.

    Raises:
        ValueError: No process is at work on it, or it is not ours to signal.
    """
    status = read_job(file)
    if not status.is_live or status.process is None:
        raise ValueError(f"No process is at work on {file.parent.name}: it is {status.state}.")
    try:
        status.process.send_signal(signal.SIGTERM)
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied:
        raise ValueError(
            f"The process (pid {status.process.pid}) at work on {file.parent.name} belongs to "
            "another user."
        ) from None


def for_seconds(message: str, seconds: float) -> str:
    """What a process is busy with, and since when: "Importing TensorFlow, 4 s so far."."""
    return message if seconds < 1 else f"{message.removesuffix('.')}, {seconds:.0f} s so far."
