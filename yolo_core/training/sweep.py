"""One lambda over a few values, one fork after another, each of them from the same checkpoint."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from yolo_core.files import cannot_write, replace_file
from yolo_core.foreign_files import read_json
from yolo_core.jobs.launch import COMMAND, spawn, start_job
from yolo_core.jobs.status import Job, JobState, JobStatus, read_job
from yolo_core.runs.checkpoints import find_checkpoint
from yolo_core.runs.layout import RunFolder, new_run_name
from yolo_core.runs.status import RunState
from yolo_core.training.answers import late
from yolo_core.training.forks import plan_fork

MOST_VALUES = 20
_POLL_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class SweepFolder:
    """The folder of one sweep, `checkpoints/<run>/sweeps/<name>/`, and the files in it.

    Attributes:
        run: The run that is forked.
        name: The folder's name, such as "no_object-2000-1".
    """

    run: RunFolder
    name: str

    @property
    def path(self) -> Path:
        """The folder."""
        return self.run.path / "sweeps" / self.name

    @property
    def status(self) -> Path:
        """What the sweep is doing; a piece of its work is a fork."""
        return self.path / "status.json"

    @property
    def plan(self) -> Path:
        """What is swept, and the forks."""
        return self.path / "sweep.json"

    @property
    def log(self) -> Path:
        """What its process printed, when the dashboard started it."""
        return self.path / "sweep.log"


@dataclasses.dataclass(frozen=True)
class SweepPlan:
    """What is swept.

    Attributes:
        name: The lambda: a term or a published group of terms.
        values: Its values, in the order in which they are tried.
        step: The checkpoint that each fork begins with.
        steps: Steps of each fork.
        forks: The name of the fork of each value.
    """

    name: str
    values: tuple[float, ...]
    step: int
    steps: int
    forks: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one value.

    Attributes:
        value: The lambda.
        fork: Name of the fork.
        state: What the fork is doing; None where it was not begun yet, or is gone.
        step: Its last step.
        terms: {term: mean over the last tenth of its steps}, unweighted.
        metrics: Its last evaluation, {"step": ..., "map50": ..., ...}.
    """

    value: float
    fork: str
    state: RunState | None
    step: int
    terms: dict[str, float]
    metrics: dict[str, float]


def list_sweeps(run: RunFolder) -> list[SweepFolder]:
    """The sweeps of a run, the newest first."""
    found = [each for each in (run.path / "sweeps").glob("*/sweep.json") if each.is_file()]
    dated = sorted(found, key=lambda each: each.stat().st_mtime_ns, reverse=True)
    return [SweepFolder(run, each.parent.name) for each in dated]


def read_plan(folder: SweepFolder) -> SweepPlan:
    """What a sweep is of.

    Raises:
        ValueError: The file is missing, or damaged.
    """
    fields = read_json(folder.plan)
    try:
        plan = SweepPlan(
            name=str(fields["name"]),
            values=tuple(float(each) for each in fields["values"]),
            step=int(fields["step"]),
            steps=int(fields["steps"]),
            forks=tuple(map(str, fields["forks"])),
        )
        if len(plan.values) != len(plan.forks):
            raise ValueError("a fork is missing")
    except (ArithmeticError, LookupError, TypeError, ValueError):
        raise ValueError(f"{folder.plan} is no plan of a sweep.") from None
    return plan


def outcomes(folder: SweepFolder) -> list[Outcome]:
    """What came of each value so far, read from the forks themselves.

    Raises:
        ValueError: As `read_plan`.
    """
    plan = read_plan(folder)
    pairs = zip(plan.values, plan.forks, strict=True)
    return [_outcome(folder.run.path.parent, plan, *pair) for pair in pairs]


def _outcome(checkpoints: Path, plan: SweepPlan, value: float, fork: str) -> Outcome:
    place = RunFolder(checkpoints / fork)
    with contextlib.suppress(ValueError):
        if place.is_run:
            found = late(place, begin=plan.step, planned=plan.steps)
            return Outcome(value, fork, found.state, found.step, found.terms, found.metrics)
    return Outcome(value, fork, None, plan.step, {}, {})


class Sweep:
    """A sweep in this process; each fork trains in one of its own.

    Args:
        run: The run.
        name: The lambda.
        values: Its values.
        step: The checkpoint, "last" or "best".
        steps: Steps of each fork.
        report: Told the status whenever it changes.

    Raises:
        ValueError: There is no such checkpoint, no steps are left, or the values are bad.
    """

    def __init__(
        self,
        run: RunFolder,
        name: str,
        values: Sequence[float],
        *,
        step: int | str,
        steps: int,
        report: Callable[[JobStatus], None] | None = None,
    ) -> None:
        distinct = list(dict.fromkeys(float(value) for value in values))
        if not 1 <= len(distinct) <= MOST_VALUES:
            raise ValueError(
                f"A sweep takes 1 to {MOST_VALUES} values of a lambda; received {len(distinct)}."
            )
        for value in distinct:
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"A lambda is a finite number of 0 or more; received {value:g}.")
        at = find_checkpoint(run, step).step
        checkpoints = run.path.parent
        fork = plan_fork(checkpoints, run.name, step=at, steps=steps, lambdas={name: distinct[0]})
        self.plan = SweepPlan(
            name,
            tuple(distinct),
            at,
            fork.config.training.last_step - at,
            tuple(_names(checkpoints, f"{run.name}-{name}", distinct)),
        )
        number = 1
        while (folder := SweepFolder(run, f"{name}-{at}-{number}")).path.exists():
            number += 1
        self.folder = folder
        try:
            folder.path.mkdir(parents=True)
        except OSError as error:
            raise ValueError(cannot_write(folder.path, error)) from None
        replace_file(folder.plan, json.dumps(dataclasses.asdict(self.plan)))
        opening = JobStatus(JobState.STARTING, total=len(distinct))
        self._job = Job(folder.status, opening, report)

    def run(self, stopped: Callable[[], bool] = lambda: False) -> JobStatus:
        """Trains the forks; returns the status that it ended with."""
        return self._job.run(lambda: self._train(stopped))

    def _train(self, stopped: Callable[[], bool]) -> None:
        failed: list[str] = []
        for done, (value, fork) in enumerate(zip(self.plan.values, self.plan.forks, strict=True)):
            told = f"{self.plan.name} = {value:g}, in {fork}."
            self._job.say(state=JobState.RUNNING, message=told, done=done)
            code = self._fork(value, fork, stopped)
            if stopped():
                self._job.say(state=JobState.STOPPED, message="")
                return
            if code:
                failed.append(f"{value:g}")
        said = f"The training with {', '.join(failed)} failed." if failed else ""
        self._job.say(state=JobState.FINISHED, message=said, done=len(self.plan.values))

    def _fork(self, value: float, fork: str, stopped: Callable[[], bool]) -> int:
        plan, run = self.plan, self.folder.run
        command: list[Any] = [*COMMAND, "fork", run.name, "--run", fork, "--step", plan.step]
        command += ["--steps", plan.steps, "--lambda", f"{plan.name}={value!r}"]
        command += ["--checkpoints", run.path.parent.resolve()]
        with (self.folder.path / f"{fork}.log").open("wb") as log:
            process = spawn([str(each) for each in command], log.fileno())
        while True:
            try:
                return process.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                if stopped():
                    # It writes a checkpoint and ends.
                    process.send_signal(signal.SIGTERM)
                    return process.wait()


def start_sweep(
    run: RunFolder,
    name: str,
    values: Sequence[float],
    *,
    step: int | str,
    steps: int,
    timeout: float = 30.0,
) -> SweepFolder | None:
    """Starts a sweep as a process of its own and returns once it has a status.

    Raises:
        ValueError: As `start_job`, with what `Sweep` refuses.
    """
    command: list[Any] = [*COMMAND, "sweep", run.name, name, *(repr(float(v)) for v in values)]
    command += ["--step", step, "--steps", steps]
    checkpoints = run.path.parent.resolve()
    log = start_job(
        [*map(str, command), "--checkpoints", str(checkpoints)],
        checkpoints,
        lambda: [(read_job(each.status).process, each.log) for each in list_sweeps(run)],
        timeout=timeout,
    )
    return next((each for each in list_sweeps(run) if each.log == log), None)


def _names(checkpoints: Path, stem: str, values: Sequence[float]) -> list[str]:
    """A free run name for each value: "run-xy-2p5-1"."""
    return [new_run_name(checkpoints, f"{stem}-{value:g}".replace(".", "p")) for value in values]
