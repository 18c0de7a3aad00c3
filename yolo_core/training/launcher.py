"""Starts `python -m yolo_core train` as a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from yolo_core.jobs.launch import COMMAND, start_job
from yolo_core.runs.layout import RunFolder, check_run_name, new_run_name
from yolo_core.runs.status import read_status


def output_file(folder: RunFolder) -> Path:
    """What a process started here has printed; the training writes `train.log` itself."""
    return folder.path / "output.log"


def start_training(
    arguments: Sequence[str],
    checkpoints: Path,
    *,
    timeout: float = 60.0,
    command: Sequence[str] = (*COMMAND, "train"),
) -> str:
    """Starts a training and returns once its run has a status.

    Args:
        arguments: What follows `python -m yolo_core train`, each its own string. Without `--run`
            or `--resume`, the run gets the next free name. `--checkpoints` is added here.
        checkpoints: The folder of all runs; made if it is not there.
        timeout: Seconds to wait for the status, see `start_job`.
        command: The program to start; tests put another one here.

    Returns:
        The name of the run; there may be none yet.

    Raises:
        ValueError: An argument names the file of a loss; or as `start_job`.
    """
    arguments = list(arguments)
    if any(".py:" in argument for argument in arguments):
        # Loading a file runs it. Whoever uses this speaks for a browser, not for a person with a
        # shell; `yolo_core/training/own_loss.py` has the rule.
        raise ValueError("The file of a loss can be named on the command line alone.")
    name = _run_name(arguments, checkpoints)
    folder = RunFolder(checkpoints / name)
    start_job(
        [*command, *arguments, "--checkpoints", str(checkpoints.resolve())],
        checkpoints,
        lambda: [(read_status(folder).process, output_file(folder))],
        timeout=timeout,
    )
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
