"""Where the files of a survey lie: `checkpoints/<run>/surveys/<split>-<step>/`."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import ClassVar

from yolo_core.runs.layout import RunFolder
from yolo_core.runs.split_folder import SplitFolder

CHUNK = 16
"""Samples a snapshot file: few, so that one sample is read quickly."""


@dataclasses.dataclass(frozen=True)
class SurveyFolder(SplitFolder):
    """The folder of one survey, and the files in it."""

    kind: ClassVar[str] = "survey"

    @property
    def table(self) -> Path:
        """What the statistics are made of, see `yolo_core.survey.table`."""
        return self.path / "table.npz"

    @property
    def weights(self) -> Path:
        """A copy of the checkpoint: the training deletes its own sooner or later."""
        return self.path / "weights.npz"

    def chunk(self, number: int) -> Path:
        """The snapshot file of samples `number * CHUNK` and the ones after it.

        Its name is unlike that of any other survey of the run, so that it can be told by it.
        """
        return self.path / f"{self.name}-{number:06d}.npz"

    def names(self, first: int, end: int) -> tuple[str, ...]:
        """Names of the samples `first` to `end` - 1."""
        return tuple(f"{self.split}/{index}" for index in range(first, end))

    def bytes(self) -> int:
        """Disk space that its files take."""
        total = 0
        with contextlib.suppress(OSError):
            for entry in os.scandir(self.path):
                with contextlib.suppress(OSError):
                    total += entry.stat().st_size
        return total


def list_surveys(run: RunFolder) -> list[SurveyFolder]:
    """The surveys of a run by split (val, test, train), the latest step first."""
    return SurveyFolder.all_of(run)
