"""What came of a fork: its last steps, held against the same steps of the run that it is from."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from pathlib import Path
from typing import Any

from yolo_core.runs.changes import DIALS, changes_of
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.config import read_config
from yolo_core.training.forks import forks_of

PART = 10
"""Of what a fork makes, the last of so many parts is looked at: the first ones are on the way."""


@dataclasses.dataclass(frozen=True)
class Late:
    """The last steps of a run, up to one of them.

    Attributes:
        state: What the run is doing.
        step: Its last step.
        terms: {term: mean over the last steps}, unweighted; empty without such steps.
        metrics: The last evaluation after the beginning, with its "step"; empty without one.
    """

    state: RunState
    step: int
    terms: dict[str, float]
    metrics: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Answer:
    """A fork against its run.

    Attributes:
        fork: Its name.
        run: Name of the run that it came from.
        begin: The step that it began after.
        step: Its last step.
        steps: The step that it ends at.
        state: What it is doing.
        differs: What was set, such as "no_object 50 to 5"; empty where nothing was.
        terms: {term: (mean of the run, mean of the fork)} over the same last steps, unweighted;
            NaN where there are none.
        metrics: {metric: (of the run, of the fork)} of the fork's last evaluation; NaN where the
            run was not evaluated at that step.
    """

    fork: str
    run: str
    begin: int
    step: int
    steps: int
    state: RunState
    differs: tuple[str, ...]
    terms: dict[str, tuple[float, float]]
    metrics: dict[str, tuple[float, float]]

    def plain(self) -> dict[str, Any]:
        """The same for JSON: {"run": ..., "fork": ...} for a pair, None for what is not known."""

        def pairs(values: dict[str, tuple[float, float]]) -> dict[str, Any]:
            return {
                name: {
                    who: value if math.isfinite(value) else None
                    for who, value in zip(("run", "fork"), pair, strict=True)
                }
                for name, pair in values.items()
            }

        both = {"terms": pairs(self.terms), "metrics": pairs(self.metrics)}
        return dataclasses.asdict(self) | {"state": str(self.state)} | both


def late(folder: RunFolder, *, begin: int, planned: int, upto: int | None = None) -> Late:
    """The last steps of a run after `begin`.

    Args:
        folder: The run.
        begin: The step after which anything counts.
        planned: Steps that are to be made from there; a tenth of them is looked at.
        upto: The last step that counts; None for the last that there is.

    Raises:
        ValueError: The run's database is missing or damaged.
    """
    status = read_status(folder)
    last = status.step if upto is None else upto
    first = max(begin, last - max(planned // PART, 1)) + 1
    with RunStore.open(folder) as store:
        columns = [name for name in store.columns if name.startswith("term/")]
        rows, evaluated = store.steps(first, last, columns), store.evaluations()
    there = (evaluated["step"] > begin) & (evaluated["step"] <= last)
    return Late(
        status.state,
        status.step,
        {
            name.removeprefix("term/"): float(rows[name].mean())
            for name in columns
            if len(rows["step"])
        },
        {name: float(each[there][-1]) for name, each in evaluated.items() if there.any()},
    )


def answer_of(fork: RunFolder) -> Answer:
    """What came of a fork so far.

    Raises:
        ValueError: It is no fork, or its files are damaged.
    """
    config = read_config(fork.config)
    if config.forked_from is None:
        raise ValueError(f"Run {fork.name!r} is no fork: fork RUN makes one.")
    begin, steps = config.forked_from.step, config.training.last_step
    ours = late(fork, begin=begin, planned=steps - begin)
    run = RunFolder(fork.path.parent / config.forked_from.run)
    theirs, measured = Late(RunState.LOST, 0, {}, {}), {}
    with contextlib.suppress(ValueError):  # it may be gone, and the fork is there nevertheless
        theirs = late(run, begin=begin, planned=steps - begin, upto=ours.step)
        measured = theirs.metrics
    if measured.get("step") != ours.metrics.get("step"):
        measured = {}

    def pairs(a: dict[str, float], b: dict[str, float]) -> dict[str, tuple[float, float]]:
        return {name: (a.get(name, math.nan), each) for name, each in b.items() if name != "step"}

    return Answer(
        fork=fork.name,
        run=run.name,
        begin=begin,
        step=ours.step,
        steps=steps,
        state=ours.state,
        differs=_differs(fork, run, config.loss.options),
        terms=pairs(theirs.terms, ours.terms),
        metrics=pairs(measured, ours.metrics),
    )


def answers_of(checkpoints: Path, name: str) -> list[Answer]:
    """What came of each fork of a run, the newest first; damaged ones are left out."""
    found = []
    for fork in forks_of(checkpoints, name):
        with contextlib.suppress(ValueError):
            found.append(answer_of(fork))
    return found


def _differs(fork: RunFolder, run: RunFolder, options: dict[str, Any]) -> tuple[str, ...]:
    """What was set when the fork was made: dials with their values, options of the loss."""
    with RunStore.open(fork) as store:
        changes = [c for c in changes_of(store.events()) if c.by == "fork" and c.kind in DIALS]
    before: dict[str, Any] = {}
    with contextlib.suppress(ValueError):
        before = read_config(run.config).loss.options
    dials = (
        f"{c.dial} {'' if c.old is None or math.isnan(c.old) else f'{c.old:,g} '}to {c.new:,g}"
        for c in changes
        if c.new is not None
    )
    changed = (
        f"{name}={value}"
        for name, value in options.items()
        if name not in before or before[name] != value
    )
    return (*dials, *changed)
