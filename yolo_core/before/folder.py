"""Where what is looked for before a training is kept: `checkpoints/.before/<kind>-<digest>/`.

Beside the runs and never in the user's own folder. The same question finds the same folder.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from yolo_core.files import cannot_write, replace_file
from yolo_core.jobs.launch import COMMAND, start_job
from yolo_core.jobs.status import read_job
from yolo_core.training.config import RunConfig

LOST, DUPLICATES = "lost", "duplicates"
"""The kinds, and the commands that look for each."""


@dataclasses.dataclass(frozen=True)
class BeforeFolder:
    """The folder of one question, and the files in it. It need not exist.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def kind(self) -> str:
        """One of `LOST` and `DUPLICATES`."""
        return self.path.name.partition("-")[0]

    @property
    def config(self) -> Path:
        """What is asked: the configuration of a run, of which data and loss count."""
        return self.path / "config.json"

    @property
    def status(self) -> Path:
        """What the job is doing, as JSON."""
        return self.path / "status.json"

    @property
    def result(self) -> Path:
        """What was found: `lost_table` or `duplicate_groups`."""
        return self.path / ("table.npz" if self.kind == LOST else "groups.json")

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self.path / "job.log"


def folder_of(checkpoints: Path, kind: str, config: RunConfig) -> BeforeFolder:
    """The folder of a question.

    Args:
        checkpoints: The folder that holds the runs.
        kind: `LOST`, which depends on data, loss and network, or `DUPLICATES`, on the data alone.
        config: What is asked.
    """
    sections = {"data"} if kind == DUPLICATES else {"data", "loss", "network"}
    asked = config.model_dump(mode="json", include=sections)
    asked["loss"] = {**asked.get("loss", {}), "lambdas": {}}
    name = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
    return BeforeFolder(Path(checkpoints).resolve() / ".before" / f"{kind}-{name}")


def start(
    folder: BeforeFolder,
    config: RunConfig,
    *,
    timeout: float = 30.0,
    command: Sequence[str] = COMMAND,
) -> None:
    """Starts a process that looks, and returns once it has a status.

    Args:
        folder: As `folder_of` gives it.
        config: What is asked.
        timeout: Seconds to wait for the status, see `start_job`.
        command: The program to start; tests put another one here.

    Raises:
        ValueError: The process could not be started, or the disk is full.
    """
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(cannot_write(folder.path, error)) from None
    replace_file(folder.config, config.to_json())
    arguments = [folder.kind, "--config", str(folder.config), "--into", str(folder.path)]
    start_job(
        [*command, *arguments],
        folder.path,
        lambda: [(read_job(folder.status).process, folder.log)] if folder.status.exists() else [],
        timeout=timeout,
    )
