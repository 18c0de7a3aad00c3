"""What the doctor does in a process of its own, asked for on a page: examining, overfitting."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from yolo_core.files import cannot_write
from yolo_core.jobs.launch import COMMAND, start_job
from yolo_core.jobs.status import Job, JobState, JobStatus, read_job
from yolo_core.runs.layout import RunFolder

EXAMINE, OVERFIT = "doctor", "overfit"
"""The kinds, and the commands that do each."""
LOADING = "Loading TensorFlow, some 5 seconds."


@dataclasses.dataclass(frozen=True)
class DoctorJob:
    """A job of a run, and the files of it. They need not exist.

    Attributes:
        run: The run.
        kind: `EXAMINE` or `OVERFIT`.
    """

    run: RunFolder
    kind: str

    @property
    def status(self) -> Path:
        """What the job is doing, as JSON."""
        return self.run.doctor / f"{self.kind}.status.json"

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self.run.doctor / f"{self.kind}.log"

    def make_folder(self) -> None:
        """Makes the folder that its files are in.

        Raises:
            ValueError: The place is not writable.
        """
        try:
            self.run.doctor.mkdir(exist_ok=True)
        except OSError as error:
            raise ValueError(cannot_write(self.run.doctor, error)) from None

    def begin(self, total: int) -> Job:
        """The job in this process, with its status on disk.

        Args:
            total: Pieces of its work.

        Raises:
            ValueError: The disk is full, or the place is not writable.
        """
        self.make_folder()
        return Job(self.status, JobStatus(JobState.STARTING, LOADING, total=total))

    def start(self, *, timeout: float = 30.0, command: Sequence[str] = COMMAND) -> None:
        """Starts it, and returns once it has a status.

        Args:
            timeout: Seconds to wait for the status, see `start_job`.
            command: The program to start; tests put another one here.

        Raises:
            ValueError: The process could not be started, or the disk is full.
        """
        self.make_folder()
        checkpoints = str(self.run.path.parent.resolve())
        start_job(
            [*command, self.kind, self.run.name, "--checkpoints", checkpoints, "--job"],
            self.run.doctor,
            lambda: [(read_job(self.status).process, self.log)] if self.status.exists() else [],
            timeout=timeout,
        )
