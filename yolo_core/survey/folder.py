"""Where the files of a survey lie: `checkpoints/<run>/surveys/<split>-<step>/`."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
from pathlib import Path

from yolo_core.runs.layout import RunFolder

SPLITS = ("val", "test", "train")
CHUNK = 16
"""Samples a snapshot file: few, so that one sample is read quickly."""

_NAME = re.compile(rf"({'|'.join(SPLITS)})-(0|[1-9]\d*)")


@dataclasses.dataclass(frozen=True)
class SurveyFolder:
    """The folder of one survey, and the files in it. It need not exist.

    Attributes:
        run: The run that it belongs to.
        split: "val", "test" or "train".
        step: Updates that the surveyed weights had.
    """

    run: RunFolder
    split: str
    step: int

    @property
    def name(self) -> str:
        """The folder's name, such as "val-2500"."""
        return f"{self.split}-{self.step}"

    @property
    def path(self) -> Path:
        """The folder."""
        return self.run.path / "surveys" / self.name

    @property
    def status(self) -> Path:
        """What the survey is doing, as JSON."""
        return self.path / "status.json"

    @property
    def table(self) -> Path:
        """What the statistics are made of, see `yolo_core.survey.table`."""
        return self.path / "table.npz"

    @property
    def weights(self) -> Path:
        """A copy of the checkpoint: the training deletes its own sooner or later."""
        return self.path / "weights.npz"

    @property
    def log(self) -> Path:
        """What the surveying process printed, when the dashboard started it."""
        return self.path / "survey.log"

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

    def remove(self) -> None:
        """Deletes the survey.

        Raises:
            ValueError: A file cannot be deleted.
        """
        try:
            shutil.rmtree(self.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ValueError(f"{error.filename} cannot be removed: {error.strerror}.") from None


def list_surveys(run: RunFolder) -> list[SurveyFolder]:
    """The surveys of a run by split (val, test, train), the latest step first.

    Other things that lie in the folder are left out.
    """
    found = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(run.path / "surveys"):
            match = _NAME.fullmatch(entry.name)
            if match and entry.is_dir():
                found.append(SurveyFolder(run, match[1], int(match[2])))
    return sorted(found, key=lambda each: (SPLITS.index(each.split), -each.step))
