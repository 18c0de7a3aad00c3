"""Starts `python -m yolo_core survey` as a process of its own, as trainings are started."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from yolo_core.runs.layout import RunFolder
from yolo_core.survey.folder import SurveyFolder, list_surveys
from yolo_core.survey.status import read_status
from yolo_core.training.launcher import last_words, spawn

COMMAND = (sys.executable, "-m", "yolo_core", "survey")


def start_survey(
    run: RunFolder,
    *,
    split: str,
    count: int,
    step: int | None,
    timeout: float = 30.0,
    command: Sequence[str] = COMMAND,
) -> SurveyFolder | None:
    """Starts a survey and returns once it has a status.

    Args:
        run: The run.
        split: "val", "test" or "train".
        count: Samples wanted.
        step: Step of the checkpoint; None for the latest.
        timeout: Seconds to wait for the status.
        command: The program to start; tests put another one here.

    Returns:
        The survey; None where the process lives and is still silent.

    Raises:
        ValueError: The process could not be started, or ended before it had a status: the
            sentence that it wrote on standard error.
    """
    arguments = [run.name, "--split", split, "--count", str(count)]
    arguments += [] if step is None else ["--step", str(step)]
    arguments += ["--checkpoints", str(run.path.parent.resolve())]
    try:
        handle, output = tempfile.mkstemp(prefix=".survey-", suffix=".log", dir=run.path)
    except OSError as error:
        raise ValueError(f"{run.path} cannot be written to: {error.strerror}.") from None
    written = Path(output)
    try:
        with os.fdopen(handle, "wb") as sink:
            process = spawn([*command, *arguments], sink)
        folder = _wait_for_status(process, run, timeout, written)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    # Reaps the child when it ends, or it would stay in the process table for as long as this one.
    threading.Thread(target=process.wait, name=f"reap {run.name}", daemon=True).start()
    if folder is not None:
        # The process goes on writing to the file under its new name.
        with contextlib.suppress(OSError):
            os.replace(written, folder.log)
    return folder


def _wait_for_status(
    process: subprocess.Popen, run: RunFolder, timeout: float, written: Path
) -> SurveyFolder | None:
    deadline = time.monotonic() + timeout
    while True:
        code = process.poll()
        # Read after the poll: what the process wrote before it ended is then seen.
        for folder in list_surveys(run):
            status = read_status(folder)
            if status.process is not None and status.process.pid in _pids(process):
                return folder
        if code is not None:
            raise ValueError(last_words(written, code))
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)


def _pids(process: subprocess.Popen) -> set[int]:
    pids = {process.pid}
    # On Windows the interpreter of a virtual environment starts the real one.
    with contextlib.suppress(psutil.Error):
        pids |= {child.pid for child in psutil.Process(process.pid).children()}
    return pids
