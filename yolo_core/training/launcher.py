"""Starts `python -m yolo_core train` as a process of its own, which outlives whoever started it.

The process is never forked from the dashboard's and is no thread of it: it has its own session
(a Ctrl-C in the dashboard's terminal does not reach it) and its own interpreter. How it goes on is
read from the run folder, by anybody.
"""

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
from typing import BinaryIO

import psutil

from yolo_core.runs.layout import RunFolder, check_run_name, find_run, new_run_name
from yolo_core.runs.status import RunState, RunStatus, read_status

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "yolo_core", "train")
OUTPUT = "output.log"


def output_file(folder: RunFolder) -> Path:
    """What a process started here has written to standard output and standard error.

    The training writes `train.log` itself; this file has the last words of a process that had no
    time for that (a library that cannot be loaded, a crash inside one). It need not exist.
    """
    return folder.path / OUTPUT


def start_training(
    arguments: Sequence[str],
    checkpoints: Path,
    *,
    timeout: float = 60.0,
    command: Sequence[str] = COMMAND,
) -> str:
    """Starts a training and returns once its run has a status.

    Args:
        arguments: What follows `python -m yolo_core train`, each its own string. Without `--run`
            or `--resume`, the run gets the next free name. `--checkpoints` is added here.
        checkpoints: The folder of all runs; made if it is not there.
        timeout: Seconds to wait for the status. A process that is alive but still silent after
            that is left alone and counts as started: its run may come later, as when data is
            downloaded first.
        command: The program to start; tests put another one here.

    Returns:
        The name of the run.

    Raises:
        ValueError: An argument names the file of a loss; or the process could not be started, or
            ended before the run had a status: the sentence that it wrote on standard error.
    """
    arguments = list(arguments)
    if any(".py:" in argument for argument in arguments):
        # Loading a file runs it. Whoever uses this speaks for a browser, not for a person with a
        # shell; `yolo_core/own_loss.py` has the rule.
        raise ValueError("The file of a loss can be named on the command line alone.")
    try:
        checkpoints.mkdir(parents=True, exist_ok=True)
        # Beside the run folders, so that it can be moved into the run's own one.
        handle, output = tempfile.mkstemp(prefix=".starting-", suffix=".log", dir=checkpoints)
    except OSError as error:
        raise ValueError(
            f"The checkpoints folder {checkpoints} cannot be written to: {error.strerror}."
        ) from None
    written = Path(output)
    try:
        name = _run_name(arguments, checkpoints)
        with os.fdopen(handle, "wb") as sink:
            process = spawn(
                [*command, *arguments, "--checkpoints", str(checkpoints.resolve())], sink
            )
        _wait_for_status(process, checkpoints, name, timeout, written)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    # Reaps the child when it ends, or it would stay in the process table as a zombie for as long
    # as this process lives.
    threading.Thread(target=process.wait, name=f"reap {name}", daemon=True).start()
    # The process goes on writing to the file under its new name. Windows refuses that; there the
    # file keeps its name.
    with contextlib.suppress(OSError):
        os.replace(written, checkpoints / name / OUTPUT)
    return name


def _run_name(arguments: list[str], checkpoints: Path) -> str:
    """The name that the arguments give the run; a free one is appended if they give none."""
    for position, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if option in ("--run", "--resume"):
            if not equals:
                value = arguments[position + 1] if position + 1 < len(arguments) else ""
            return check_run_name(value)
    stem = "run"
    if "--loss" in arguments[:-1]:
        stem = arguments[arguments.index("--loss") + 1].replace("/", "-")
    name = new_run_name(checkpoints, stem)
    arguments += ["--run", name]
    return name


def spawn(command: list[str], sink: BinaryIO) -> subprocess.Popen:
    """Starts a process of its own in the repository root, with the package on its path.

    Args:
        command: The program and its arguments.
        sink: Where its standard output and standard error go.

    Raises:
        ValueError: It could not be started.
    """
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    try:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise ValueError(
            f"The process could not be started: {error.strerror} ({command[0]})."
        ) from None


def _wait_for_status(
    process: subprocess.Popen,
    checkpoints: Path,
    name: str,
    timeout: float,
    written: Path,
) -> None:
    """Returns when the run has a status of this process; raises when the process ends before."""
    deadline = time.monotonic() + timeout
    while True:
        code = process.poll()
        # Read after the poll: what the process wrote before it ended is then seen.
        status = _status_by(process, checkpoints, name)
        if status is not None and (status.is_live or code == 0 or status.state == RunState.FAILED):
            return
        if code is not None:
            raise ValueError(last_words(written, code))
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)


def _status_by(process: subprocess.Popen, checkpoints: Path, name: str) -> RunStatus | None:
    """The run's status if this process, or one it was handed on to, is the one at work on it."""
    try:
        status = read_status(find_run(checkpoints, name))
    except ValueError:
        return None
    if status.process is None:
        return None
    pids = {process.pid}
    # On Windows the interpreter of a virtual environment starts the real one.
    with contextlib.suppress(psutil.Error):
        pids |= {child.pid for child in psutil.Process(process.pid).children()}
    return status if status.process.pid in pids else None


def last_words(written: Path, code: int) -> str:
    """The sentence in what a process wrote before it ended with `code`."""
    lines = written.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    for line in reversed(lines):
        if line.startswith("error: "):
            return line.removeprefix("error: ")
    last = f" Its last line: {lines[-1].strip()}" if lines else ""
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"The process ended with {how} before it began.{last}"
