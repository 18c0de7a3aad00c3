"""`python -m yolo_core evaluate RUN`: how good a checkpoint is on a split, and what it gets wrong.

Average precision as COCO and as PASCAL VOC count it, by class and by size, what a score threshold
means in counts, and each kind of error with what it costs.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from yolo_core.cli.options import add_checkpoints, add_json, add_low_priority, step_back
from yolo_core.cli.progress import print_progress
from yolo_core.cli.train_config import name_loss, native_notes_in
from yolo_core.evaluation.errors import ERROR_WORDS, ErrorKind
from yolo_core.evaluation.job.worker import Evaluation
from yolo_core.evaluation.summary import summary
from yolo_core.evaluation.table import read_table
from yolo_core.jobs.interrupt import Interrupt
from yolo_core.jobs.status import JobState, JobStatus
from yolo_core.runs.checkpoints import BEST, LAST
from yolo_core.runs.layout import RunFolder, find_run
from yolo_core.runs.split_folder import SPLITS
from yolo_core.training.config import read_config


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "evaluate",
        help="average precision, curves and kinds of errors on a split",
        description=__doc__,
    )
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument("--split", default="test", choices=SPLITS, help="default: test")
    add_step(parser)
    parser.add_argument(
        "--count",
        type=int,
        metavar="N",
        help="samples, the first ones of the split (default: all; where they never run out, as "
        "many as the run's own evaluations look at)",
    )
    parser.add_argument(
        "--threshold",
        type=score,
        metavar="SCORE",
        help="score from which a detection counts (default: the one with the highest F1)",
    )
    parser.add_argument(
        "--loss", metavar="FILE.py:NAME", help="a loss of your own, to say that it may be run"
    )
    add_low_priority(parser)
    add_json(parser, "print one object")
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def add_step(parser: argparse.ArgumentParser, *, default: str = BEST) -> None:
    """Adds `--step N|best|last`."""
    parser.add_argument(
        "--step",
        type=_step,
        default=default,
        metavar="N|best|last",
        help="checkpoint: of a step, the last one, or the best by validation mAP50 "
        f"(default: {default})",
    )


def score(text: str) -> float:
    """A number of 0 to 1, for argparse."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"takes a number of 0 to 1; received {text}")
    return value


def _step(text: str) -> int | str:
    if text in (BEST, LAST):
        return text
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"takes a step, best or last; received {text!r}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Evaluates; returns 0, also when it was asked to stop, or 1 when it failed."""
    if arguments.low_priority:
        step_back()
    folder = find_run(arguments.checkpoints, arguments.run)
    name_loss(arguments.loss, read_config(folder.config))
    evaluation, status = evaluated(folder, arguments.split, arguments.step, arguments.count)
    if status.state is JobState.FAILED:
        print(f"error: {status.message}", file=sys.stderr)
        return 1
    if status.state is not JobState.FINISHED:
        print("Stopped before all samples were looked at; nothing of it is kept.")
        return 0
    said = summary(read_table(evaluation.folder.table), arguments.threshold)
    print(json.dumps({"run": arguments.run, **said}) if arguments.json else _text(said))
    return 0


def evaluated(
    folder: RunFolder, split: str, step: int | str, count: int | None
) -> tuple[Evaluation, JobStatus]:
    """Evaluates until all is done or somebody presses Ctrl-C, and says how far it is.

    Args:
        folder: The run.
        split: As of `Evaluation`, and the others.
        step: Likewise.
        count: Likewise.

    Returns:
        The evaluation and how it ended.
    """
    with Interrupt() as interrupt:
        evaluation = Evaluation(
            folder,
            split=split,
            step=step,
            count=count,
            report=print_progress if sys.stderr.isatty() else None,
        )
        status = evaluation.run(
            lambda: interrupt.by is not None,
            loading=lambda: native_notes_in(evaluation.folder.log),
        )
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return evaluation, status


def _text(said: dict[str, Any]) -> str:
    """The evaluation for reading."""
    width, height = said["image_size"]
    at = said["at_threshold"]
    lines = [
        f"{said['samples']:,} samples of {said['split']} by the weights of step {said['step']:,}: "
        f"{said['objects']:,} objects.",
        f"mAP50 {_number(said['map50'])}   mAP50-95 {_number(said['map50_95'])}   "
        f"VOC2007 {_number(said['voc2007'])}   VOC2012 {_number(said['voc2012'])}",
        f"sizes in pixels of the network's input, {width} x {height}: "
        + ", ".join(
            f"{name} {_number(each['map50'])} ({each['objects']:,} objects)"
            for name, each in said["by_size"].items()
        ),
        f"from a score of {said['threshold']:.2f} on: {at['found']:,} found, {at['missed']:,} "
        f"missed, {at['false']:,} false detections",
    ]
    names = [str(row["class"])[:24] for row in said["by_class"]]
    wide = max(map(len, (*names, "class")))
    columns = ("AP50", "AP50-95", "VOC2007", "VOC2012", "objects", "found", "missed", "false")
    lines.append(f"{'class':<{wide}}" + "".join(f"{name:>9}" for name in columns))
    for name, row in zip(names, said["by_class"], strict=True):
        scores = (_number(row[key]) for key in ("map50", "map50_95", "voc2007", "voc2012"))
        counts = (row["at_threshold"][key] for key in ("found", "missed", "false"))
        cells = (*scores, row["objects"], *counts)
        lines.append(f"{name:<{wide}}" + "".join(f"{cell:>9}" for cell in cells))
    lines.append("what each kind of error costs of mAP50, repaired alone:")
    for kind in ErrorKind:
        word, means = ERROR_WORDS[kind]
        each = said["errors"][kind.name.lower()]
        lines.append(f"  {word:<13}{each['costs']:>7.3f}  {each['count']:>7,}  {means}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
