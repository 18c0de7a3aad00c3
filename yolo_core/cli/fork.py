"""`fork`, `sweep`, `keep` and `discard`: what if from here, and what becomes of the answer."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
from typing import Any

from yolo_core.cli.evaluate import add_step
from yolo_core.cli.options import add_checkpoints, add_json, add_low_priority, step_back
from yolo_core.cli.train import train_run
from yolo_core.cli.train_config import check_config, given_lambdas, given_options, name_loss
from yolo_core.jobs.interrupt import Interrupt
from yolo_core.jobs.status import JobState, JobStatus
from yolo_core.runs.checkpoints import LAST
from yolo_core.runs.layout import check_run_name, find_run
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.answers import answers_of
from yolo_core.training.config import parse_config, read_run_config
from yolo_core.training.forks import DEFAULT_STEPS, discard_fork, keep_fork, make_fork, plan_fork
from yolo_core.training.sweep import Sweep, outcomes


def add_parser(commands: Any) -> None:
    """Adds the commands."""
    parser = commands.add_parser(
        "fork",
        help="train some steps from a checkpoint of a run with something changed",
        description="A run of its own beside the first, which stays as it is: the same batches in "
        "the same order, and all that was done to the run, but for what is set here.",
    )
    parser.add_argument("run", metavar="RUN", help="name of the run")
    _add_place(parser)
    for option, what in (
        ("lambda", "weight of a term, or of a published group of terms, from the first step on"),
        ("option", "keyword option of the loss, the value as JSON or text"),
    ):
        parser.add_argument(
            f"--{option}",
            dest=f"{option}s",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help=f"{what}; repeatable",
        )
    parser.add_argument("--learning-rate", type=float, help="learning rate of its first step")
    parser.add_argument("--loss", help="FILE.py:Class, to allow the file of the run's own loss")
    parser.add_argument("--run", dest="name", metavar="NAME", help="its name (default: a free one)")
    add_low_priority(parser)
    add_json(parser, "end with one line of JSON: what came of the training")
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)

    parser = commands.add_parser(
        "sweep",
        help="fork a run with several values of one lambda, one after another",
        description="Each value is a fork of the same checkpoint; at the end, what came of each.",
    )
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument("name", metavar="LAMBDA", help="a term, or a published group of terms")
    parser.add_argument("values", metavar="VALUE", nargs="+", type=float, help="its values")
    _add_place(parser)
    add_low_priority(parser)
    add_json(parser, "print a list with what came of each value")
    add_checkpoints(parser)
    parser.set_defaults(run_command=_sweep)

    parser = commands.add_parser(
        "forks",
        help="what came of the forks of a run",
        description="Each fork's last tenth of steps against the same steps of the run: its terms, "
        "unweighted, and its last evaluation.",
    )
    parser.add_argument("run", metavar="RUN", help="name of the run")
    add_json(parser, "print a list with an object a fork")
    add_checkpoints(parser)
    parser.set_defaults(run_command=_forks)

    for name, what, run_command in (
        ("keep", "put a fork in the place of its run, which goes on from it", _keep),
        ("discard", "delete a fork", _discard),
    ):
        parser = commands.add_parser(name, help=what, description=f"{what.capitalize()}.")
        parser.add_argument("fork", metavar="FORK", help="name of the fork")
        add_json(parser, "print an object instead of a sentence")
        add_checkpoints(parser)
        parser.set_defaults(run_command=run_command)


def _add_place(parser: argparse.ArgumentParser) -> None:
    add_step(parser, default=LAST)
    parser.add_argument(
        "--steps",
        type=int,
        default=DEFAULT_STEPS,
        metavar="N",
        help=f"steps to make (default: {DEFAULT_STEPS})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Makes the fork and trains it; returns 0, or 1 when the training failed."""
    if arguments.low_priority:
        step_back()
    if arguments.name is not None:
        check_run_name(arguments.name)
    with Interrupt() as interrupt:
        fork = plan_fork(
            arguments.checkpoints,
            arguments.run,
            step=arguments.step,
            steps=arguments.steps,
            lambdas=given_lambdas(arguments),
            learning_rate=arguments.learning_rate,
            options=given_options(arguments),
        )
        name_loss(arguments.loss, fork.config)
        fields = fork.config.model_dump(mode="json")
        fields["loss"]["lambdas"] = dict(fork.lambdas)
        check_config(parse_config(fields), resumed=fork.run)
        folder = make_fork(fork, arguments.checkpoints, arguments.name)
        store = RunStore.open(folder, writable=True)
        store.set_status(state=RunState.STARTING, message="")
        return train_run(fork.config, store, interrupt, as_json=arguments.json)


def _sweep(arguments: argparse.Namespace) -> int:
    if arguments.low_priority:
        step_back()
    folder = find_run(arguments.checkpoints, arguments.run)
    config = read_run_config(folder)
    fields = config.model_dump(mode="json")
    fields["loss"]["lambdas"] = {arguments.name: 1.0}
    check_config(parse_config(fields), resumed=folder)
    with Interrupt() as interrupt:
        sweep = Sweep(
            folder,
            arguments.name,
            arguments.values,
            step=arguments.step,
            steps=arguments.steps,
            report=_say,
        )
        status = sweep.run(lambda: interrupt.by is not None)
    if status.state is JobState.FAILED:
        print(f"error: {status.message}", file=sys.stderr)
        return 1
    found = outcomes(sweep.folder)
    if arguments.json:
        rows = [dataclasses.asdict(each) for each in found]
        print(json.dumps(rows))
        return 0
    for each in found:
        score = each.metrics.get("map50")
        terms = "  ".join(f"{name} {value:.4g}" for name, value in each.terms.items())
        print(
            f"{arguments.name} {each.value:<10g} {each.fork}  {each.state or 'not begun'}  "
            f"mAP50 {'-' if score is None else f'{score:.3f}'}  {terms}"
        )
    return 0


def _forks(arguments: argparse.Namespace) -> int:
    folder = find_run(arguments.checkpoints, arguments.run)
    found = answers_of(arguments.checkpoints, folder.name)
    if arguments.json:
        print(json.dumps([each.plain() for each in found]))
        return 0
    if not found:
        print(f"{folder.name} has no forks.")
    for each in found:
        differs = ", ".join(each.differs) or "nothing differs"
        print(f"{each.fork}  {each.state}  step {each.step:,} of {each.steps:,}  {differs}")
        # A total under other lambdas is a sum of other things.
        metrics = {n: v for n, v in each.metrics.items() if n != "total" and "/" not in n}
        for name, (run_s, fork_s) in (each.terms | metrics).items():
            of_run = "-" if math.isnan(run_s) else f"{run_s:.4g}"
            print(f"  {name:<16} run {of_run:<10} fork {fork_s:.4g}")
    return 0


def _say(status: JobStatus) -> None:
    if status.message:
        print(status.message, file=sys.stderr)


def _keep(arguments: argparse.Namespace) -> int:
    run_folder, before = keep_fork(arguments.checkpoints, arguments.fork)
    if arguments.json:
        print(json.dumps({"run": run_folder.name, "before": before and before.name}))
    else:
        was = f" As it was without the fork it is now {before.name}." if before else ""
        print(
            f"{arguments.fork} is now {run_folder.name}; python -m yolo_core train --resume "
            f"{run_folder.name} goes on.{was}"
        )
    return 0


def _discard(arguments: argparse.Namespace) -> int:
    discard_fork(arguments.checkpoints, arguments.fork)
    print(json.dumps({"discarded": arguments.fork}) if arguments.json else "Discarded.")
    return 0
