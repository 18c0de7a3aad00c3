"""What a run takes on disk, by what it is kept for."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from yolo_core.runs.layout import RunFolder

MOST_FILES = 50_000
_FOLDERS = ("weights", "snapshots", "surveys", "evaluations")
PARTS: tuple[str, ...] = ("weights", "snapshots", "database", "surveys", "evaluations", "other")


@dataclasses.dataclass(frozen=True)
class DiskUse:
    """Bytes that the files of a run hold. What a link leads to is somewhere else and not counted.

    Attributes:
        by_part: {"weights", "snapshots", "database" (with its side files), "surveys" (each has a
            copy of its checkpoint), "evaluations", "other" (log, TensorBoard's files, anything
            else): bytes}.
        complete: Whether all was looked at; there may be more than `MOST_FILES` files.
    """

    by_part: dict[str, int]
    complete: bool = True

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.by_part.values())


def disk_use(folder: RunFolder) -> DiskUse:
    """Looks at every file of a run. Never raises."""
    sizes = dict.fromkeys(PARTS, 0)
    for count, (part, size) in enumerate(_files(folder.path)):
        if count == MOST_FILES:
            return DiskUse(sizes, complete=False)
        sizes[part] += size
    return DiskUse(sizes)


def _files(top: Path) -> Iterator[tuple[str, int]]:
    """(part, bytes) of everything in a run folder."""
    open_folders = [("", str(top))]
    while open_folders:
        part, path = open_folders.pop()
        with contextlib.suppress(OSError), os.scandir(path) as entries:
            for entry in entries:
                of = part or _part(entry.name)
                with contextlib.suppress(OSError):
                    is_folder = entry.is_dir(follow_symlinks=False)
                    yield of, 0 if is_folder else entry.stat(follow_symlinks=False).st_size
                    if is_folder:
                        open_folders.append((of, entry.path))


def _part(name: str) -> str:
    if name in _FOLDERS:
        return name
    return "database" if name in ("run.db", "run.db-wal", "run.db-shm") else "other"
