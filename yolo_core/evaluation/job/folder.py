"""Where the files of an evaluation lie: `checkpoints/<run>/evaluations/<split>-<step>/`."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import ClassVar

from yolo_core.data.source import SampleSource
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.split_folder import SplitFolder
from yolo_core.survey.records import records_of
from yolo_core.survey.table import read_table

KIND = "evaluation"


@dataclasses.dataclass(frozen=True)
class EvaluationFolder(SplitFolder):
    """The folder of one evaluation, and the files in it."""

    kind: ClassVar[str] = KIND

    @property
    def table(self) -> Path:
        """What was found, see `yolo_core.evaluation.table`; there once all of it is."""
        return self.path / "table.npz"

    @property
    def pictures(self) -> Path:
        """The samples with errors that can be opened, as the table of a survey."""
        return self.path / "pictures.npz"


def list_evaluations(run: RunFolder) -> list[EvaluationFolder]:
    """The evaluations of a run by split (val, test, train), the latest step first."""
    return EvaluationFolder.all_of(run)


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
