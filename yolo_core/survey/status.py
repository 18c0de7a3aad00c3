"""What a survey is doing: one small JSON file, replaced whole."""

from __future__ import annotations

import dataclasses
import enum
import json
import signal
import time
from typing import Any

import psutil

from yolo_core.foreign_files import read_json
from yolo_core.jobs.process import ProcessIdentity
from yolo_core.runs.layout import replace_file
from yolo_core.runs.status import for_seconds
from yolo_core.survey.folder import SurveyFolder


class SurveyState(enum.StrEnum):
    """The states of a survey."""

    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"
    """The process is gone without having said so."""
    UNREADABLE = "unreadable"
    """The status file is damaged or foreign; the message says how."""


@dataclasses.dataclass(frozen=True)
class SurveyStatus:
    """What a survey is doing.

    Attributes:
        state: The state.
        done: Samples that the table holds.
        total: Samples that were asked for.
        rate: Samples a second of this process, None when not known yet.
        message: A sentence for the reader, or empty; while it starts what it is busy with, and for
            how long.
        checkpoint: SHA-256 of the checkpoint file that was looked at.
        process: The surveying process, None when unknown.
    """

    state: SurveyState
    done: int = 0
    total: int = 0
    rate: float | None = None
    message: str = ""
    checkpoint: str = ""
    process: ProcessIdentity | None = None

    @property
    def is_live(self) -> bool:
        """Whether a process is at work on it."""
        return self.state in (SurveyState.STARTING, SurveyState.RUNNING)

    @property
    def seconds_left(self) -> float | None:
        """Time still to go at the present rate; None when not known."""
        if not self.is_live or not self.rate:
            return None
        return max(self.total - self.done, 0) / self.rate


def write_status(folder: SurveyFolder, status: SurveyStatus) -> None:
    """Replaces the status file.

    Raises:
        ValueError: The disk is full, or the place is not writable.
    """
    replace_file(folder.status, json.dumps(dataclasses.asdict(status)), durable=False)


def read_status(folder: SurveyFolder) -> SurveyStatus:
    """The status, checked against the process that it names. Never raises."""
    try:
        fields = read_json(folder.status)
        written = folder.status.stat().st_mtime
    except OSError:  # removed in between
        return SurveyStatus(SurveyState.UNREADABLE, message=f"{folder.status} does not exist.")
    except ValueError as error:
        return SurveyStatus(SurveyState.UNREADABLE, message=str(error))
    try:
        status = _status(fields)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return SurveyStatus(
            SurveyState.UNREADABLE, message=f"{folder.status} is no status file of a survey."
        )
    if status.is_live and (status.process is None or not status.process.is_alive()):
        return dataclasses.replace(
            status,
            state=SurveyState.LOST,
            message="The surveying process ended without saying why; start it again to go on.",
        )
    if status.state is SurveyState.STARTING and status.message:
        message = for_seconds(status.message, time.time() - written)
        return dataclasses.replace(status, message=message)
    return status


def stop_survey(folder: SurveyFolder) -> None:
    """Asks the surveying process to end; it does so after the samples that it is at.

    Raises:
        ValueError: No process is at work on it, or it is not ours to signal.
    """
    status = read_status(folder)
    if not status.is_live or status.process is None:
        raise ValueError(
            f"No process is at work on the survey {folder.name}: it is {status.state}."
        )
    try:
        status.process.send_signal(signal.SIGTERM)
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied:
        raise ValueError(
            f"The surveying process (pid {status.process.pid}) belongs to another user."
        ) from None


def _status(fields: dict[str, Any]) -> SurveyStatus:
    process = fields["process"]
    return SurveyStatus(
        state=SurveyState(fields["state"]),
        done=int(fields["done"]),
        total=int(fields["total"]),
        rate=None if fields["rate"] is None else float(fields["rate"]),
        message=str(fields["message"]),
        checkpoint=str(fields["checkpoint"]),
        process=None
        if process is None
        else ProcessIdentity(int(process["pid"]), float(process["started"]), process.get("boot")),
    )
