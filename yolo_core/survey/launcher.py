"""Starts `python -m yolo_core survey` as a process of its own, as trainings are started."""

from __future__ import annotations

from collections.abc import Sequence

from yolo_core.jobs.launch import COMMAND, start_job
from yolo_core.jobs.status import read_job
from yolo_core.runs.layout import RunFolder
from yolo_core.survey.folder import SurveyFolder, list_surveys


def start_survey(
    run: RunFolder,
    *,
    split: str,
    count: int,
    step: int | None,
    timeout: float = 30.0,
    command: Sequence[str] = (*COMMAND, "survey"),
) -> SurveyFolder | None:
    """Starts a survey and returns once it has a status.

    Args:
        run: The run.
        split: "val", "test" or "train".
        count: Samples wanted.
        step: Step of the checkpoint; None for the latest.
        timeout: Seconds to wait for the status, see `start_job`.
        command: The program to start; tests put another one here.

    Returns:
        The survey; None where the process lives and is still silent.

    Raises:
        ValueError: As `start_job`.
    """
    arguments = [run.name, "--split", split, "--count", str(count)]
    arguments += [] if step is None else ["--step", str(step)]
    checkpoints = run.path.parent.resolve()
    arguments += ["--checkpoints", str(checkpoints)]
    log = start_job(
        [*command, *arguments],
        checkpoints,
        lambda: [(read_job(each.status).process, each.log) for each in list_surveys(run)],
        timeout=timeout,
    )
    return next((each for each in list_surveys(run) if each.log == log), None)
