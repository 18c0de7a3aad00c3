"""`python -m yolo_core overfit RUN|DATA`: learns one batch by heart, or says what stops it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from yolo_core.cli.before import add_data_options as add_options_of_data
from yolo_core.cli.before import add_setting_options, config_asked_for
from yolo_core.cli.options import add_checkpoints, add_json
from yolo_core.cli.train_config import native_notes_in, with_recipe
from yolo_core.data.pictures import several
from yolo_core.doctor.jobs import OVERFIT, DoctorJob
from yolo_core.doctor.kept import keep_overfit
from yolo_core.jobs.interrupt import Interrupt
from yolo_core.jobs.status import JobState
from yolo_core.runs.layout import RunFolder, check_run_name
from yolo_core.training.config import RunConfig, read_config
from yolo_core.training.own_loss import check_source, is_own_loss, load_loss_class

_STEPS = 500


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        OVERFIT,
        help="learn one batch by heart: what cannot be learned, and why",
        description="Trains fresh weights on the pinned samples alone until they are learned, or "
        "clearly stuck, and gives a verdict for each term and each object. Returns 1 where "
        "something is stuck.",
    )
    parser.add_argument(
        "asked", nargs="?", metavar="RUN|DATA", help="a run's name, or what train takes as --data"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="a config.json in its place")
    add_options_of_data(parser)
    add_setting_options(parser)
    parser.add_argument(
        "--steps", type=int, default=_STEPS, help=f"most steps to make (default: {_STEPS})"
    )
    parser.add_argument("--job", action="store_true", help=argparse.SUPPRESS)
    add_json(parser, "print one object")
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Overfits; returns 1 where something is stuck, 0 where all is learned or it was stopped."""
    if arguments.steps < 1:
        raise ValueError(f"--steps takes a number from 1; received {arguments.steps}.")
    folder, config = _asked_for(arguments)
    if arguments.job and folder is None:
        raise ValueError("--job is of a run.")
    with Interrupt() as interrupt:
        if arguments.job and folder is not None:
            return _as_job(folder, config, arguments.steps, interrupt)
        began = time.monotonic()
        with native_notes_in(Path(os.devnull)):
            from yolo_core.doctor.overfit import overfit

        found = overfit(
            config,
            own=_own(folder, config),
            steps=arguments.steps,
            report=_progress if sys.stderr.isatty() else None,
            stopped=lambda: interrupt.by is not None,
        ).to_json()
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if arguments.json:
        print(json.dumps({"seconds": round(time.monotonic() - began, 1), **found}))
    else:
        print(_text(found))
    return 0 if found["end"] in ("learned", "stopped") else 1


def _asked_for(arguments: argparse.Namespace) -> tuple[RunFolder | None, RunConfig]:
    if (arguments.asked is None) == (arguments.config is None):
        raise ValueError("overfit takes RUN, DATA or --config; give one of them.")
    if arguments.config is not None:
        return None, read_config(arguments.config)
    try:
        folder = RunFolder(arguments.checkpoints / check_run_name(arguments.asked))
    except ValueError:
        folder = None
    if folder is not None and folder.is_run:
        return folder, read_config(folder.config)
    arguments.data, arguments.kind = arguments.asked, OVERFIT
    return None, with_recipe(config_asked_for(arguments))


def _own(folder: RunFolder | None, config: RunConfig) -> Any:
    if not is_own_loss(config.loss.name):
        return None
    if folder is None:
        raise ValueError("A loss of your own is overfitted by its run: overfit RUN.")
    check_source(config.loss.name, folder.path)
    return load_loss_class(config.loss.name)


def _as_job(folder: RunFolder, config: RunConfig, steps: int, interrupt: Interrupt) -> int:
    job = DoctorJob(folder, OVERFIT).begin(steps)
    said = 0.0

    def report(step: int, total: float) -> None:
        nonlocal said
        if step == 1 or time.monotonic() - said > 0.5:
            said = time.monotonic()
            message = f"step {step}, loss {total:.4g}"
            job.say(state=JobState.RUNNING, message=message, done=step)

    def work() -> None:
        from yolo_core.doctor.overfit import overfit

        found = overfit(
            config,
            own=_own(folder, config),
            steps=steps,
            report=report,
            stopped=lambda: interrupt.by is not None,
        )
        if found.end == "stopped":
            job.say(state=JobState.STOPPED, message="", done=0)
            return
        keep_overfit(folder, found.to_json())
        job.say(state=JobState.FINISHED, message="", done=found.steps)

    return 1 if job.run(work).state is JobState.FAILED else 0


def _progress(step: int, total: float) -> None:
    print(f"\rstep {step}, loss {total:.4g}   ", end="", file=sys.stderr, flush=True)


def _text(found: dict[str, Any]) -> str:
    objects = found["objects"]
    learned = sum(each["learned_at"] is not None for each in objects)
    lines = [
        f"{found['end']} after {several(found['steps'], 'step')}: {learned} of "
        f"{several(len(objects), 'object')} learned.",
        *(f"  term {each['name']}: {each['verdict']}" for each in found["terms"]),
    ]
    lines += [f"  {each['sample']}, {each['object']}: {each['verdict']}" for each in objects]
    return "\n".join([*lines, *([found["note"]] if found["note"] else [])])
