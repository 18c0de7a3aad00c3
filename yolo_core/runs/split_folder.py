"""What a job made of a split at a step: `checkpoints/<run>/<kind>s/<split>-<step>/`."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
from pathlib import Path
from typing import ClassVar, Self

from yolo_core.runs.layout import RunFolder

SPLITS = ("val", "test", "train")
_NAME = re.compile(rf"({'|'.join(SPLITS)})-(0|[1-9]\d{{0,17}})")


@dataclasses.dataclass(frozen=True)
class SplitFolder:
    """The folder of one such job, and the files that all have. It need not exist.

    Attributes:
        kind: What the job is called, such as "survey"; its folders lie in "surveys".
        run: The run that it belongs to.
        split: "val", "test" or "train".
        step: Updates that the weights had.
    """

    kind: ClassVar[str]

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
        return self.run.path / f"{self.kind}s" / self.name

    @property
    def status(self) -> Path:
        """What the job is doing, as JSON."""
        return self.path / "status.json"

    @property
    def log(self) -> Path:
        """What its process printed, when the dashboard started it."""
        return self.path / f"{self.kind}.log"

    def remove(self) -> None:
        """Deletes the folder.

        Raises:
            ValueError: A file cannot be deleted.
        """
        try:
            shutil.rmtree(self.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ValueError(f"{error.filename} cannot be removed: {error.strerror}.") from None

    @classmethod
    def all_of(cls, run: RunFolder) -> list[Self]:
        """Those of a run by split (val, test, train), the latest step first.

        Other things that lie there are left out.
        """
        found = []
        with contextlib.suppress(OSError):
            for entry in os.scandir(run.path / f"{cls.kind}s"):
                match = _NAME.fullmatch(entry.name)
                if match and entry.is_dir():
                    found.append(cls(run, match[1], int(match[2])))
        return sorted(found, key=lambda each: (SPLITS.index(each.split), -each.step))
