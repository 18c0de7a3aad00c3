"""Reads many files with several processes: small ones of our own, which load neither TensorFlow nor
the script that asks, as those of `multiprocessing` would.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from yolo_core.data.reading import EachOf, Progress, one_by_one

MOST_PROCESSES = 4
FEWEST_FILES = 3_000
"""Fewer are read before other processes have started."""
_CHUNK = 200
_ROOT = str(Path(__file__).resolve().parents[2])


def several_processes(progress: Progress | None = None) -> EachOf:
    """Reads in processes of its own where there are many files, else in this one.

    Args:
        progress: Hears now and then how many files are done, and of how many.
    """
    alone = one_by_one(progress)

    def each_of(function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
        count = min(MOST_PROCESSES, os.cpu_count() or 1)
        if len(tasks) < FEWEST_FILES or count < 2:
            yield from alone(function, tasks)
            return
        with _Workers(count) as workers, ThreadPoolExecutor(count) as threads:
            chunks = [tasks[at : at + _CHUNK] for at in range(0, len(tasks), _CHUNK)]
            # No more is read ahead than can be taken, and after an interrupt little is.
            waiting = iter(chunks)
            running = [
                threads.submit(workers.read, function, each)
                for each in itertools.islice(waiting, 3 * count)
            ]
            done = 0
            while running:
                answers = running.pop(0).result()
                for chunk in itertools.islice(waiting, 1):
                    running.append(threads.submit(workers.read, function, chunk))
                yield from answers
                done += len(answers)
                if progress is not None:
                    progress(done, len(tasks))

    return each_of


class _Workers(contextlib.AbstractContextManager):
    """Processes that each answer a chunk of tasks at a time."""

    def __init__(self, count: int) -> None:
        paths = [_ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._free: SimpleQueue[subprocess.Popen[bytes] | None] = SimpleQueue()
        self._all = []
        for _ in range(count):
            with contextlib.suppress(OSError):
                self._all.append(
                    subprocess.Popen(
                        [sys.executable, "-m", __name__],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                    )
                )
        for at in range(count):
            self._free.put(self._all[at] if at < len(self._all) else None)
        self._ended = False

    def read(self, function: Callable[[Any], Any], chunk: Sequence[Any]) -> list[Any]:
        """The answers to a chunk; of a process that has ended, this one does the work."""
        worker = self._free.get()
        try:
            if worker is not None and worker.stdin and worker.stdout:
                pickle.dump((function, chunk), worker.stdin)
                worker.stdin.flush()
                return pickle.load(worker.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            worker = None
        finally:
            self._free.put(worker)
        return [] if self._ended else list(map(function, chunk))

    def __exit__(self, *_: object) -> None:
        self._ended = True
        for each in self._all:
            each.kill()
            for pipe in (each.stdin, each.stdout):
                with contextlib.suppress(OSError, ValueError):
                    if pipe:
                        pipe.close()
            each.wait()


def serve() -> None:
    """Answers chunks of tasks until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who asks
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            function, chunk = pickle.load(sys.stdin.buffer)
            pickle.dump(list(map(function, chunk)), answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()


if __name__ == "__main__":
    serve()
