"""Real trainings in real processes, small enough for a test."""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.training.compiled_once import compiled_once
from tests.waiting import wait_for
from yolo_core.__main__ import main
from yolo_core.runs.layout import RunFolder, find_run
from yolo_core.runs.store import RunStore

ROOT = Path(__file__).parents[2]
SMALL = (
    *("--network", "small", "--batch-size", "4", "--image-size", "48", "--validation-scenes", "8"),
    *("--seed", "3"),
)
STEPS = ("--steps", "30", "--checkpoint-every", "10", "--evaluate-every", "30")


def command(*arguments: str, checkpoints: Path) -> subprocess.CompletedProcess:
    """What `python -m yolo_core ...` does, in this process: TensorFlow is imported once only."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors), compiled_once():
        try:
            code = main([*arguments, "--checkpoints", str(checkpoints)])
        except SystemExit as ended:
            code = ended.code
    return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())


def train(*arguments: str, checkpoints: Path) -> dict:
    """Trains to the end; the object that --json prints."""
    done = command("train", *arguments, "--json", checkpoints=checkpoints)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout.splitlines()[-1])


@functools.cache
def whole_run() -> tuple[Path, dict]:
    """The checkpoints folder of a run "whole" that nothing disturbed, and what --json printed."""
    checkpoints = Path(tempfile.mkdtemp(prefix="whole-run-"))
    atexit.register(shutil.rmtree, checkpoints, ignore_errors=True)
    return checkpoints, train("--run", "whole", *SMALL, *STEPS, checkpoints=checkpoints)


@functools.cache
def evaluated_run() -> Path:
    """The folder of the same run, with an evaluation of its validation split."""
    checkpoints = Path(tempfile.mkdtemp(prefix="evaluated-run-"))
    atexit.register(shutil.rmtree, checkpoints, ignore_errors=True)
    folder = checkpoints / "whole"
    shutil.copytree(whole_run()[0] / "whole", folder)
    done = command("evaluate", "whole", "--split", "val", checkpoints=checkpoints)
    assert done.returncode == 0, done.stderr
    return folder


def start(*arguments: str, checkpoints: Path) -> subprocess.Popen:
    """Starts `python -m yolo_core train ...` and does not wait."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    # The command's own setting, not that of the tests.
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    return subprocess.Popen(
        [sys.executable, "-m", "yolo_core", "train", *arguments, "--checkpoints", str(checkpoints)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_step(checkpoints: Path, name: str, step: int, timeout: float = 120) -> None:
    """Returns once that step is on record."""

    def is_there() -> bool:
        try:
            with RunStore.open(find_run(checkpoints, name)) as store:
                last = store.last_step()
        except ValueError:
            return False
        return last is not None and last["step"] >= step

    wait_for(is_there, timeout)


def curve(checkpoints: Path, name: str) -> dict[str, np.ndarray]:
    """Every number of every step but those that a clock gave, or that are there where one looks."""
    with RunStore.open(RunFolder(checkpoints / name)) as store:
        rows = store.steps()
    left_out = ("time", "images_per_second", "pull/", "cosine/")
    return {key: rows[key] for key in rows if not key.startswith(left_out)}


def assert_same_curves(received: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    """Bit for bit."""
    assert list(received) == list(expected)
    for name in expected:
        np.testing.assert_array_equal(received[name], expected[name], err_msg=name)
