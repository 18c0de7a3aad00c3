"""Starts `python -m yolo_core ...` as a process of its own, which outlives whoever started it.

The process is never forked from the dashboard's and is no thread of it: it has its own session
(a Ctrl-C in the dashboard's terminal does not reach it) and its own interpreter. How it goes on is
read from what it writes, by anybody.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import psutil

from yolo_core.files import cannot_write
from yolo_core.jobs.process import ProcessIdentity

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "yolo_core")
AtWork = Callable[[], Iterable[tuple[ProcessIdentity | None, Path]]]
"""What is at work: each process with the file that what it prints goes to."""


def start_job(
    command: Sequence[str], place: Path, at_work: AtWork, *, timeout: float
) -> Path | None:
    """Starts a process and returns once it is seen at work.

    Args:
        command: The program and its arguments.
        place: A folder for what the process prints, made if it is not there.
        at_work: Looks for it by what processes wrote. Its file has the last words of one that had
            no time for others (a library that cannot be loaded, a crash inside one).
        timeout: Seconds to wait. A process that is alive but not seen by then is left alone: its
            work may begin later, as when data is downloaded first.

    Returns:
        The file of the process; None where it lives and was not seen.

    Raises:
        ValueError: The process could not be started, or ended before it was seen: the sentence
            that it wrote on standard error.
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".starting-", suffix=".log", dir=place)
    except OSError as error:
        raise ValueError(cannot_write(place, error)) from None
    printed = Path(name)
    try:
        with os.fdopen(handle, "wb"):
            process = spawn(command, handle)
        output = _wait(process, at_work, timeout, printed)
    except BaseException:
        printed.unlink(missing_ok=True)
        raise
    # Reaps the child when it ends, or it would stay in the process table for as long as this one.
    threading.Thread(target=process.wait, name=f"reap {process.pid}", daemon=True).start()
    if output is not None:
        # The process goes on writing to the file under its new name. Windows refuses that; there
        # the file keeps its name.
        with contextlib.suppress(OSError):
            os.replace(printed, output)
    return output


def spawn(command: Sequence[str], output: int) -> subprocess.Popen:
    """Starts a process in the repository root, with the package on its path.

    Args:
        command: The program and its arguments.
        output: File number of what takes what it prints.

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
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise ValueError(
            f"The process could not be started: {error.strerror} ({command[0]})."
        ) from None


def _wait(process: subprocess.Popen, at_work: AtWork, timeout: float, printed: Path) -> Path | None:
    deadline = time.monotonic() + timeout
    while True:
        code = process.poll()
        pids = {process.pid}
        # On Windows the interpreter of a virtual environment starts the real one.
        with contextlib.suppress(psutil.Error):
            pids |= {child.pid for child in psutil.Process(process.pid).children()}
        # Read after the poll: what the process wrote before it ended is then seen.
        for worker, output in at_work():
            if worker is not None and worker.pid in pids:
                return output
        if code is not None:
            raise ValueError(_last_words(printed, code))
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)


def _last_words(printed: Path, code: int) -> str:
    """The sentence in what a process printed before it ended with `code`."""
    lines = printed.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    for line in reversed(lines):
        if line.startswith("error: "):
            return line.removeprefix("error: ")
    last = f" Its last line: {lines[-1].strip()}" if lines else ""
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"The process ended with {how} before it began.{last}"
