"""Cost of the books of a run: recording a step, opening a long run, writing and reading a snapshot.

Goals, on a quiet machine: 10 us a step, and 10 ms for the curves of a million steps; a snapshot of
twelve pictures is written in 2 ms, and one picture of it read in 3 ms.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.timing import interleaved
from tests.runs.snapshot_cases import make_snapshot
from yolo_core.runs.layout import RunFolder, create_run
from yolo_core.runs.snapshots import read_snapshot, write_snapshot
from yolo_core.runs.store import RunStore

COLUMNS = ("total", "term/xy", "lambda/xy")


def record(folder: RunFolder, steps: int) -> float:
    """Seconds a step of recording so many steps."""
    values = dict.fromkeys(COLUMNS, 1.5)
    with RunStore.create(folder, COLUMNS) as store:
        start = time.perf_counter()
        for step in range(1, steps + 1):
            store.record_step(step, values)
        store.flush()
        return (time.perf_counter() - start) / steps


def look(folder: RunFolder) -> None:
    """What the Train page reads of a run when it opens it."""
    with RunStore.open(folder) as reader:
        reader.curves()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=50)
    arguments = parser.parse_args()
    pictures = tuple(f"val/{index}" for index in range(12))
    snapshot = make_snapshot(samples=pictures, grid=(6, 6, 3), image_size=96)
    with tempfile.TemporaryDirectory() as place:
        folder = create_run(Path(place), "long")
        file = Path(place) / "pinned-00000120.npz"
        print(f"{'a step recorded':28}{1e6 * record(folder, arguments.steps):10.1f} us")
        seconds = interleaved(
            {
                f"{arguments.steps:,} steps opened": lambda: look(folder),
                "a snapshot written": lambda: write_snapshot(file, snapshot),
                "a picture of it read": lambda: read_snapshot(file).sample("val/3"),
            },
            rounds=arguments.rounds,
        )
    for name, took in seconds.items():
        print(f"{name:28}{1000 * np.median(took):10.1f} ms")


if __name__ == "__main__":
    main()
