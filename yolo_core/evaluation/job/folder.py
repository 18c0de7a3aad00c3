"""Where the files of an evaluation lie: `checkpoints/<run>/evaluations/<split>-<step>/`."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
from pathlib import Path

from yolo_core.data.source import SampleSource
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import SnapshotRecord
from yolo_core.survey.records import records_of
from yolo_core.survey.table import read_table

KIND = "evaluation"
SPLITS = ("val", "test", "train")
_NAME = re.compile(rf"({'|'.join(SPLITS)})-(0|[1-9]\d{{0,17}})")


@dataclasses.dataclass(frozen=True)
class EvaluationFolder:
    """The folder of one evaluation, and the files in it. It need not exist.

    Attributes:
        run: The run that it belongs to.
        split: "val", "test" or "train".
        step: Updates that the weights had.
    """

    run: RunFolder
    split: str
    step: int

    @property
    def name(self) -> str:
        """The folder's name, such as "test-2500"."""
        return f"{self.split}-{self.step}"

    @property
    def path(self) -> Path:
        """The folder."""
        return self.run.path / "evaluations" / self.name

    @property
    def status(self) -> Path:
        """What the evaluation is doing, as JSON."""
        return self.path / "status.json"

    @property
    def table(self) -> Path:
        """What was found, see `yolo_core.evaluation.table`; there once all of it is."""
        return self.path / "table.npz"

    @property
    def pictures(self) -> Path:
        """The samples with errors that can be opened, as the table of a survey."""
        return self.path / "pictures.npz"

    @property
    def log(self) -> Path:
        """What the process printed, when the dashboard started it."""
        return self.path / "evaluation.log"

    def remove(self) -> None:
        """Deletes the evaluation.

        Raises:
            ValueError: A file cannot be deleted.
        """
        try:
            shutil.rmtree(self.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ValueError(f"{error.filename} cannot be removed: {error.strerror}.") from None


def list_evaluations(run: RunFolder) -> list[EvaluationFolder]:
    """The evaluations of a run by split (val, test, train), the latest step first."""
    found = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(run.path / "evaluations"):
            match = _NAME.fullmatch(entry.name)
            if match and entry.is_dir():
                found.append(EvaluationFolder(run, match[1], int(match[2])))
    return sorted(found, key=lambda each: (SPLITS.index(each.split), -each.step))


def records(run: RunFolder) -> list[SnapshotRecord]:
    """Records of kind "evaluation" of all evaluations of a run, by step.

    One that cannot be read has none; its page says what is wrong with it.
    """
    found = []
    for folder in list_evaluations(run):
        with contextlib.suppress(ValueError):
            found += records_of(folder.path, read_table(folder.pictures), kind=KIND)
    return sorted(found, key=lambda each: each.step)


def samples_asked(source: SampleSource, split: str, count: int | None, default: int) -> int:
    """How many samples an evaluation looks at: all, or where they never run out the default."""
    if count is not None:
        return count
    return source.splits.get(split) or default
