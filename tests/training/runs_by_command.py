"""Real trainings in real processes, small enough for a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from yolo_core.runs.layout import RunFolder, find_run
from yolo_core.runs.store import RunStore

ROOT = Path(__file__).parents[2]
SMALL = (
    *("--network", "small", "--batch-size", "4", "--image-size", "48", "--validation-scenes", "8"),
    *("--seed", "3"),
)


def yolo_core(*arguments: str, checkpoints: Path, **options) -> subprocess.CompletedProcess:
    """Runs `python -m yolo_core ...` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "yolo_core", *arguments, "--checkpoints", str(checkpoints)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )


def train(name: str, *arguments: str, checkpoints: Path) -> dict:
    """Trains to the end; the object that --json prints."""
    done = yolo_core("train", "--run", name, *SMALL, *arguments, "--json", checkpoints=checkpoints)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def start(*arguments: str, checkpoints: Path) -> subprocess.Popen:
    """Starts `python -m yolo_core train ...` and does not wait."""
    return subprocess.Popen(
        [sys.executable, "-m", "yolo_core", "train", *arguments, "--checkpoints", str(checkpoints)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_step(checkpoints: Path, name: str, step: int, timeout: float = 120) -> None:
    """Returns once that step is on record."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            with RunStore.open(find_run(checkpoints, name)) as store:
                last = store.last_step()
                if last is not None and last["step"] >= step:
                    return
        except ValueError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"run {name} did not reach step {step} in {timeout} s")


def curve(checkpoints: Path, name: str) -> dict[str, np.ndarray]:
    """Every number of every step but those that a clock gave."""
    with RunStore.open(RunFolder(checkpoints / name)) as store:
        rows = store.steps()
    return {key: rows[key] for key in rows if key not in ("time", "images_per_second")}
