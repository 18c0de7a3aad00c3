"""What the pages keep in memory between two looks: a few snapshots, and the list of them.

Everything is keyed by the age and size of the file it came from, so a file that is written anew
is read anew. The bounds keep the server small however long it runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from yolo_core.data.registry import open_source
from yolo_core.evaluation.job.folder import list_evaluations
from yolo_core.runs.disk import DiskUse, disk_use
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.overview import RunOverview, run_overview
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.snapshots import Snapshot, read_snapshot
from yolo_core.runs.store import RunStore
from yolo_core.survey.folder import list_surveys
from yolo_core.training.config import read_config


def file_version(path: Path) -> tuple[int, int]:
    """Age and size of a file; (0, 0) where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)


def _file(path: Path) -> tuple[str, int, int]:
    return (str(path), *file_version(path))


def _database(folder: RunFolder) -> tuple[Any, ...]:
    # A live run writes beside its database first.
    wal = folder.database.with_name(folder.database.name + "-wal")
    return _file(folder.database), _file(wal)


def kept_as_written(most: int) -> Any:
    """Decorates what reads files: it is called again only for files that were written anew.

    A path among the arguments stands for the file, a run for its database. What comes back is the
    same object for everybody; do not change it.

    Args:
        most: Results kept.
    """
    by_age = {type(Path()): _file, RunFolder: _database}
    return st.cache_resource(max_entries=most, show_spinner=False, hash_funcs=by_age)


@kept_as_written(8)
def cached_snapshot(path: Path) -> Snapshot:
    """A snapshot file.

    Raises:
        ValueError: As `read_snapshot`.
    """
    return read_snapshot(path)


@kept_as_written(8)
def cached_records(folder: RunFolder) -> list[SnapshotRecord]:
    """All snapshot records of a run, by step.

    Raises:
        ValueError: The run's database is missing or damaged.
    """
    with RunStore.open(folder) as store:
        return store.snapshots()


def cached_overview(folder: RunFolder) -> RunOverview:
    """A run in a line."""
    found = _overview(folder, folder.config, folder.note)
    # A process that is gone has not written so.
    return run_overview(folder) if found.status.is_live else found


@kept_as_written(512)
def _overview(folder: RunFolder, config: Path, note: Path) -> RunOverview:  # noqa: ARG001
    return run_overview(folder)


def cached_disk_use(folder: RunFolder) -> DiskUse:
    """What a run takes on disk; looked at again when something came or went in its folders."""
    jobs = tuple(each.path for each in (*list_surveys(folder), *list_evaluations(folder)))
    return _disk_use(folder, (folder.path, folder.weights, folder.snapshots, *jobs))


@kept_as_written(512)
def _disk_use(folder: RunFolder, places: tuple[Path, ...]) -> DiskUse:  # noqa: ARG001, the key
    return disk_use(folder)


@kept_as_written(2)
def cached_detector(config_path: Path, checkpoint: Path) -> tuple[Any, tuple[str, ...]]:
    """The detector of a run with a checkpoint's weights, and the names of its classes.

    Ask for it in `tensorflow_turn`.

    Raises:
        ValueError: As `yolo_core.sandbox.predict.load_detector`, or the data is not there.
    """
    from yolo_core.sandbox.predict import load_detector

    config = read_config(config_path)
    source = open_source(config.data)
    return load_detector(config, source, checkpoint), source.class_names
