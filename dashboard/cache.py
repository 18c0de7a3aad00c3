"""What the pages keep in memory between two looks: a few snapshots, and the list of them.

Everything is keyed by the age and size of the file it came from, so a file that is written anew
is read anew. The bounds keep the server small however long it runs.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.snapshots import Snapshot, read_snapshot
from yolo_core.runs.store import RunStore


def cached_snapshot(path: Path) -> Snapshot:
    """A snapshot file, read once; do not change its arrays.

    Raises:
        ValueError: As `read_snapshot`.
    """
    return _snapshot(str(path), file_version(path))


def cached_records(folder: RunFolder) -> list[SnapshotRecord]:
    """All snapshot records of a run, by step; do not change the list.

    Raises:
        ValueError: The run's database is missing or damaged.
    """
    return _records(str(folder.path), *database_version(folder))


def database_version(folder: RunFolder) -> tuple[tuple[int, int], tuple[int, int]]:
    """Changes with everything that is written to the run's database."""
    # A live run writes beside its database first.
    wal = folder.database.with_name(folder.database.name + "-wal")
    return file_version(folder.database), file_version(wal)


def file_version(path: Path) -> tuple[int, int]:
    """Age and size of a file; (0, 0) where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)


@st.cache_resource(max_entries=8, show_spinner=False)
def _snapshot(path: str, version: tuple[int, int]) -> Snapshot:  # noqa: ARG001, part of the key
    return read_snapshot(Path(path))


@st.cache_resource(max_entries=8, show_spinner=False)
def _records(
    path: str,
    database: tuple[int, int],  # noqa: ARG001, part of the key
    wal: tuple[int, int],  # noqa: ARG001, part of the key
) -> list[SnapshotRecord]:
    with RunStore.open(RunFolder(Path(path))) as store:
        return store.snapshots()
