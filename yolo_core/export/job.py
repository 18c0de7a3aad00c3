"""An export as a process of its own, and the folder that it leaves in the run's. No TensorFlow."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from yolo_core.files import cannot_write
from yolo_core.jobs.launch import COMMAND, start_job
from yolo_core.jobs.status import read_job
from yolo_core.runs.layout import RunFolder


@dataclasses.dataclass(frozen=True)
class ExportFolder:
    """`checkpoints/<run>/exports/<name>/`: what was exported, and how that went.

    Attributes:
        run: The run.
        name: The kind, with the checkpoint behind it, such as "onnx-best".
    """

    run: RunFolder
    name: str

    @property
    def path(self) -> Path:
        """The folder."""
        return self.run.path / "exports" / self.name

    @property
    def status(self) -> Path:
        """What the job is doing, as JSON."""
        return self.path / "status.json"

    @property
    def log(self) -> Path:
        """What its process printed."""
        return self.path / "export.log"

    @property
    def made(self) -> Path:
        """The folder of what was exported."""
        return self.path / "made"

    def files(self) -> list[Path]:
        """The files that were exported, in their order."""
        return sorted(each for each in self.made.rglob("*") if each.is_file())

    def to_download(self) -> tuple[str, bytes]:
        """Name and content of the file, or of a ZIP where there are several.

        Raises:
            ValueError: There is none, or it cannot be read.
        """
        files = self.files()
        try:
            if len(files) == 1:
                return files[0].name, files[0].read_bytes()
            if not files:
                raise ValueError(f"There is nothing in {self.made}.")
            packed = io.BytesIO()
            with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
                for each in files:
                    archive.write(each, each.relative_to(self.made))
            return f"{self.run.name}-{self.name}.zip", packed.getvalue()
        except OSError as error:
            raise ValueError(f"{self.made} cannot be read: {error.strerror or error}.") from None


def list_exports(run: RunFolder) -> list[ExportFolder]:
    """The exports of a run that the dashboard started."""
    with contextlib.suppress(OSError):
        names = sorted(each.name for each in os.scandir(run.path / "exports") if each.is_dir())
        return [ExportFolder(run, name) for name in names]
    return []


def start_export(
    run: RunFolder,
    kind: str,
    *,
    step: int | str,
    raw: bool = False,
    timeout: float = 30.0,
    command: Sequence[str] = (*COMMAND, "export"),
) -> ExportFolder:
    """Starts `python -m yolo_core export` and returns once it has a status.

    Args:
        run: The run.
        kind: One of `targets.KINDS`.
        step: Of the checkpoint, "best" or "last".
        raw: Whether a network gives what the loss takes.
        timeout: As of `start_job`.
        command: The program to start; tests put another one here.

    Raises:
        ValueError: As `start_job`.
    """
    folder = ExportFolder(run, f"{kind}-{step}{'-raw' * raw}")
    if read_job(folder.status).is_live:
        raise ValueError(f"{folder.name} of run {run.name!r} is being exported already.")
    try:
        folder.made.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(cannot_write(folder.made, error)) from None
    arguments = [run.name, "--to", kind, "--step", str(step), "--force"]
    out = folder.made.resolve() / f"{run.name}-{folder.name}"
    arguments += ["--out", str(out), "--status", str(folder.status.resolve())]
    arguments += ["--raw"] if raw else []
    checkpoints = run.path.parent.resolve()
    start_job(
        [*command, *arguments, "--checkpoints", str(checkpoints)],
        folder.path,
        lambda: [(read_job(folder.status).process, folder.log)],
        timeout=timeout,
    )
    return folder
