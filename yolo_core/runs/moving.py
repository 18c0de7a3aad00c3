"""A run gets another name, or goes: never while something is at work on it."""

from __future__ import annotations

import itertools
import os
import shutil
import time
from pathlib import Path

from yolo_core.files import cannot_write
from yolo_core.jobs.process import ProcessIdentity
from yolo_core.jobs.status import read_job
from yolo_core.runs.layout import GOING, RunFolder, check_run_name, find_run
from yolo_core.runs.status import SILENT_SECONDS, RunState, read_status

_MOST_JOBS = 1000


def rename_run(checkpoints: Path, name: str, new: str) -> RunFolder:
    """Gives a run another name, which is its folder's: nothing in it holds the old one.

    Returns:
        Its folder.

    Raises:
        ValueError: There is no such run, the new name is bad or taken, something is at work on the
            run, or the folder cannot be moved.
    """
    folder = find_run(checkpoints, name)
    to = RunFolder(Path(checkpoints) / check_run_name(new))
    if os.path.lexists(to.path):
        raise ValueError(f"There is a run or a file {new!r} already in {checkpoints}.")
    _move(folder, to)
    return to


def remove_run(checkpoints: Path, name: str) -> None:
    """Deletes a run with everything in it. Of a link to a run elsewhere, only the link.

    It is moved out of the list first: whoever still reads it there must not find half a run, and
    SQLite must not make new files in it meanwhile.

    Raises:
        ValueError: There is no such run, something is at work on it, or it cannot be deleted.
    """
    folder = find_run(checkpoints, name)
    # What a killed process leaves is swept up with the next new run, see `create_run`.
    gone = RunFolder(Path(checkpoints) / f"{GOING}{name}.{time.time_ns()}.{os.getpid()}")
    _move(folder, gone)
    try:
        gone.path.unlink() if gone.path.is_symlink() else shutil.rmtree(gone.path)
    except OSError as error:
        raise ValueError(
            f"{error.filename} cannot be removed: {error.strerror}. What is left of run {name!r} "
            f"lies in {gone.path}."
        ) from None


def check_idle(folder: RunFolder) -> None:
    """Refuses a run that a training or another job is at work on.

    Raises:
        ValueError: Says what is, and what to do.
    """
    status = read_status(folder)
    if status.is_live:
        raise ValueError(f"Run {folder.name!r} is {status.state}: stop it first.")
    here = ProcessIdentity.current().boot
    silent = time.time() - (status.heartbeat or 0.0)
    if (
        status.state is RunState.LOST
        and status.process is not None
        and status.process.boot != here
        and 0 <= silent < SILENT_SECONDS
    ):
        raise ValueError(
            f"Run {folder.name!r} was written {silent:.0f} seconds ago by a process that is not "
            "on this computer, or before it was started anew: wait a minute, and if it still "
            "goes on, stop it where it runs."
        )
    files = itertools.chain(folder.path.glob("*/status.json"), folder.path.glob("*/*/status.json"))
    for file in itertools.islice(files, _MOST_JOBS):
        if file.is_file() and read_job(file).is_live:
            what = file.parent.relative_to(folder.path)
            raise ValueError(f"A job is at work on {what} of run {folder.name!r}: stop it first.")


def _move(folder: RunFolder, to: RunFolder) -> None:
    check_idle(folder)
    try:
        os.rename(folder.path, to.path)
    except OSError as error:
        raise ValueError(cannot_write(to.path, error)) from None
    try:
        # A training may have been resumed between the look and the move.
        check_idle(to)
    except ValueError:
        os.rename(to.path, folder.path)
        raise ValueError(f"Run {folder.name!r} was started just now: stop it first.") from None
