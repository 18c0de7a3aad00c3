"""What if from here: a run that goes on from another one's checkpoint, with something changed."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yolo_core.files import replace_file
from yolo_core.runs.branching import branch_run
from yolo_core.runs.checkpoints import LAST, find_checkpoint
from yolo_core.runs.commands import REPLAYED
from yolo_core.runs.layout import RunFolder, create_run, find_run, list_runs, new_run_name
from yolo_core.runs.moving import check_idle, remove_run, rename_run
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.config import (
    ForkedFrom,
    RunConfig,
    config_digest,
    parse_config,
    read_config,
    read_run_config,
)
from yolo_core.training.own_loss import KEPT_SOURCE

DEFAULT_STEPS = 200


@dataclasses.dataclass(frozen=True)
class Fork:
    """What a fork is made from.

    Attributes:
        run: The run that it goes on from.
        config: What the fork trains.
        step: Updates of the checkpoint that it begins with.
        lambdas: {term or group: weight} from step + 1 on, where they differ from the run's.
        learning_rate: From step + 1 on; None for the run's.
    """

    run: RunFolder
    config: RunConfig
    step: int
    lambdas: Mapping[str, float]
    learning_rate: float | None


def plan_fork(
    checkpoints: Path,
    name: str,
    *,
    step: int | str = LAST,
    steps: int = DEFAULT_STEPS,
    lambdas: Mapping[str, float] | None = None,
    learning_rate: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Fork:
    """Says what a fork would train; makes nothing.

    It sees the batches that the run saw after that step, in the same order, and is told what the
    run was told after it, but for what is set here: what nobody changed stays the same to the bit.

    Args:
        checkpoints: The folder of all runs.
        name: The run.
        step: The checkpoint: a step, "last" or "best".
        steps: How many steps the fork makes; fewer where the run's own schedule ends before.
        lambdas: {term or group: weight} to begin with.
        learning_rate: The learning rate of its first step; it falls from there as the run's does.
        options: Keyword options of the loss that differ.

    Raises:
        ValueError: There is no such run or checkpoint, it has no configuration (somebody's own
            script made it), no steps are left, or a value is out of range.
    """
    run = find_run(checkpoints, name)
    if not run.restarts:
        raise ValueError(
            f"Run {name!r} was recorded by somebody's own script, so its training cannot be "
            "repeated from here: run that script from its checkpoint."
        )
    if steps < 1:
        raise ValueError(f"A fork makes at least 1 step; received {steps}.")
    config = read_run_config(run)
    record = find_checkpoint(run, step)
    whole = config.training.steps
    if record.step >= whole:
        raise ValueError(
            f"The checkpoint of step {record.step} is the end of run {name!r}: its schedule has "
            f"{whole} steps. Fork from an earlier one."
        )
    fields = config.model_dump(mode="json")
    fields["training"]["until"] = min(record.step + steps, whole)
    fields["loss"]["options"] |= dict(options or {})
    fields["forked_from"] = ForkedFrom(run=run.name, step=record.step).model_dump()
    changed = parse_config(fields, where="the fork's options")
    # What is set now is checked as what a run begins with is.
    fields["loss"]["lambdas"] = dict(lambdas or {})
    if learning_rate is not None:
        fields["training"]["learning_rate"] = learning_rate
    parse_config(fields, where="the fork's options")
    return Fork(run, changed, record.step, dict(lambdas or {}), learning_rate)


def make_fork(fork: Fork, checkpoints: Path, name: str | None = None) -> RunFolder:
    """Makes the fork as a run beside the others, ready to be resumed.

    Args:
        fork: What it is made from.
        checkpoints: The folder of all runs.
        name: Its name; None for the next free one.

    Raises:
        ValueError: The name is taken, the checkpoint is gone, or the disk is full.
    """
    record = find_checkpoint(fork.run, fork.step)
    until = fork.config.training.last_step

    def fill(folder: RunFolder) -> None:
        replace_file(folder.config, fork.config.to_json())
        for each in (fork.run.environment, fork.run.path / KEPT_SOURCE):
            if each.is_file():
                shutil.copyfile(each, folder.path / each.name)
        branch_run(fork.run, record, folder, last=until, kept=REPLAYED)
        with RunStore.open(folder, writable=True) as store:
            came_from = {"run": fork.run.name, "step": fork.step}
            store.record_event(fork.step, "forked", came_from)
            for kind, detail in _changes(fork, store.last_step() or {}):
                store.record_event(fork.step + 1, kind, {**detail, "by": "fork"})
            store.set_status(
                state=RunState.STOPPED,
                steps=until,
                images_per_second=None,
                config=config_digest(folder.config),
                message=f"Forked from step {fork.step} of {fork.run.name}; not begun yet.",
            )

    return create_run(checkpoints, name or new_run_name(checkpoints, f"{fork.run.name}-fork"), fill)


def forks_of(checkpoints: Path, name: str) -> list[RunFolder]:
    """The forks of a run, the newest first; runs that cannot be read are left out."""
    found = []
    for folder in list_runs(checkpoints):
        with contextlib.suppress(ValueError):
            origin = read_config(folder.config).forked_from
            if origin is not None and origin.run == name:
                found.append(folder)
    return found


def keep_fork(checkpoints: Path, name: str) -> tuple[RunFolder, RunFolder | None]:
    """Puts a fork in the place of the run that it came from, which goes on from it.

    Returns:
        The run, and where it lies as it was without the fork; None where it is gone already.

    Raises:
        ValueError: The run is no fork, or something is at work on one of the two.
    """
    folder, config = _fork(checkpoints, name)
    origin = config.forked_from.run
    check_idle(folder)
    place = RunFolder(checkpoints / origin)
    if place.is_run:
        check_idle(place)
    fields = config.model_dump(mode="json")
    fields["forked_from"] = None
    fields["training"]["until"] = None
    whole, step = config.training.steps, read_status(folder).step
    replace_file(folder.config, parse_config(fields).to_json())
    with RunStore.open(folder, writable=True) as store:
        store.record_event(step, "kept", {"run": origin, "step": config.forked_from.step})
        # A fork that failed has a reason to tell, and one that reached the end is at its end.
        store.set_status(steps=whole, config=config_digest(folder.config))
        if step < whole and read_status(folder).state is RunState.FINISHED:
            store.set_status(
                state=RunState.STOPPED, message=f"Kept at step {step}; resume goes on from there."
            )
    before = None
    if place.is_run:
        if place.note.is_file() and not folder.note.is_file():
            shutil.copyfile(place.note, folder.note)
        before = rename_run(checkpoints, origin, new_run_name(checkpoints, f"{origin}-before"))
    return rename_run(checkpoints, name, origin), before


def discard_fork(checkpoints: Path, name: str) -> None:
    """Deletes a fork; the run that it came from stays as it is.

    Raises:
        ValueError: The run is no fork, or something is at work on it.
    """
    _fork(checkpoints, name)
    remove_run(checkpoints, name)


def _changes(fork: Fork, row: Mapping[str, float]) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = [
        ("set-lambda", {"name": name, "value": value, "before": row.get(f"lambda/{name}")})
        for name, value in fork.lambdas.items()
    ]
    if fork.learning_rate is not None:
        rate = {"value": fork.learning_rate, "before": row.get("learning_rate")}
        found.append(("set-learning-rate", rate))
    return found


def _fork(checkpoints: Path, name: str) -> tuple[RunFolder, Any]:
    folder = find_run(checkpoints, name)
    config = read_config(folder.config)
    if config.forked_from is None:
        raise ValueError(f"Run {name!r} is no fork: fork RUN makes one.")
    return folder, config
