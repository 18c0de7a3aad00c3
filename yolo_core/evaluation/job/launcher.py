"""Starts `python -m yolo_core evaluate` as a process of its own, as trainings are started."""

from __future__ import annotations

from collections.abc import Sequence

from yolo_core.evaluation.job.folder import EvaluationFolder, list_evaluations
from yolo_core.jobs.launch import COMMAND, start_job
from yolo_core.jobs.status import read_job
from yolo_core.runs.layout import RunFolder


def start_evaluation(
    run: RunFolder,
    *,
    split: str,
    step: int | str,
    count: int | None = None,
    timeout: float = 30.0,
    command: Sequence[str] = (*COMMAND, "evaluate"),
) -> EvaluationFolder | None:
    """Starts an evaluation and returns once it has a status.

    Args:
        run: The run.
        split: "val", "test" or "train".
        step: Step of the checkpoint, "best" or "last".
        count: Samples wanted; None for all.
        timeout: Seconds to wait for the status, see `start_job`.
        command: The program to start; tests put another one here.

    Returns:
        The evaluation; None where the process lives and is still silent.

    Raises:
        ValueError: As `start_job`.
    """
    arguments = [run.name, "--split", split, "--step", str(step)]
    arguments += [] if count is None else ["--count", str(count)]
    checkpoints = run.path.parent.resolve()
    log = start_job(
        [*command, *arguments, "--checkpoints", str(checkpoints)],
        checkpoints,
        lambda: [(read_job(each.status).process, each.log) for each in list_evaluations(run)],
        timeout=timeout,
    )
    return next((each for each in list_evaluations(run) if each.log == log), None)
