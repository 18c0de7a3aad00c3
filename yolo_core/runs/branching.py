"""A second run that begins where another one stood: its books up to there, and the checkpoint."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Collection
from pathlib import Path

from yolo_core.files import cannot_write
from yolo_core.runs import database
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import CheckpointRecord
from yolo_core.runs.store import RunStore


def branch_run(
    folder: RunFolder, record: CheckpointRecord, to: RunFolder, *, last: int, kept: Collection[str]
) -> None:
    """Makes the database, weights and snapshots of a run that goes on from a checkpoint.

    The run that is branched off may be training meanwhile: nothing of it changes.

    Args:
        folder: The run.
        record: Its checkpoint; of this step the new run is.
        to: The folder of the new run, with its subfolders, see `create_run`.
        last: The step where the new run will end.
        kept: Kinds of events that are kept past the checkpoint, up to `last`: what will be done
            again at the same steps.

    Raises:
        ValueError: The checkpoint is gone, a file cannot be read, or the disk is full.
    """
    _link(record.path, to.weights)
    with database.sentences(folder.database):
        source = database.connect(folder.database)
        target = sqlite3.connect(to.database, isolation_level=None)
        try:
            source.backup(target)
            target.execute("PRAGMA journal_mode = WAL")
            with database.transaction(target, write=True):
                target.execute("DELETE FROM commands")
                target.execute("DELETE FROM checkpoints WHERE step != ?", (record.step,))
                marks = ", ".join("?" * len(kept))
                target.execute(
                    f"DELETE FROM events WHERE step > ? OR (step > ? AND kind NOT IN ({marks}))",
                    (last, record.step, *kept),
                )
                target.execute("UPDATE status SET pid = NULL, writing = 0")
        finally:
            target.close()
            source.close()
    with RunStore.open(to, writable=True) as store:
        store.truncate_after(record.step)
        for name in sorted({each.file.name for each in store.snapshots()}):
            try:
                _link(folder.snapshots / name, to.snapshots)
            except ValueError:
                # Thinned out by the run's own training meanwhile.
                store.forget_snapshot_file(name)


def _link(file: Path, folder: Path) -> None:
    """A second name for a file that is only ever replaced or removed, never written to."""
    place = folder / file.name
    try:
        try:
            os.link(file, place)
        except FileNotFoundError:
            raise
        except OSError:  # no such thing on this file system
            shutil.copyfile(file, place)
    except FileNotFoundError:
        raise ValueError(f"{file} is gone: the run keeps its last few checkpoints.") from None
    except OSError as error:
        raise ValueError(cannot_write(place, error)) from None
