"""`python -m yolo_core survey RUN`: looks at every sample of a split, by a checkpoint's weights."""

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import Any

from yolo_core.cli.options import add_checkpoints, add_json, add_low_priority, step_back
from yolo_core.cli.progress import print_progress
from yolo_core.cli.train_config import name_loss, native_notes_in
from yolo_core.evaluation.misses import MISS_WORDS
from yolo_core.jobs.interrupt import Interrupt
from yolo_core.jobs.status import JobState, JobStatus
from yolo_core.runs.layout import find_run
from yolo_core.runs.split_folder import SPLITS
from yolo_core.survey import statistics
from yolo_core.survey.table import SurveyTable, read_table
from yolo_core.survey.worker import Survey
from yolo_core.training.config import read_config

WORST = 10


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "survey",
        help="look at every sample of a split: worst ones, lost objects",
        description=__doc__,
    )
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument("--split", default="val", choices=SPLITS, help="default: val")
    parser.add_argument(
        "--count",
        type=int,
        metavar="N",
        help="samples, the first ones of the split (default: as many as an evaluation)",
    )
    parser.add_argument(
        "--step", type=int, metavar="N", help="step of the checkpoint (default: the latest)"
    )
    parser.add_argument(
        "--loss", metavar="FILE.py:NAME", help="a loss of your own, to say that it may be run"
    )
    add_low_priority(parser)
    add_json(parser, "print one object")
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Surveys; returns 0, also when it was asked to stop, or 1 when it failed."""
    if arguments.low_priority:
        step_back()
    folder = find_run(arguments.checkpoints, arguments.run)
    name_loss(arguments.loss, read_config(folder.config))
    with Interrupt() as interrupt:
        survey = Survey(
            folder,
            split=arguments.split,
            count=arguments.count,
            step=arguments.step,
            report=print_progress if sys.stderr.isatty() else None,
        )
        status = survey.run(
            lambda: interrupt.by is not None, loading=lambda: native_notes_in(survey.folder.log)
        )
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if status.state is JobState.FAILED:
        print(f"error: {status.message}", file=sys.stderr)
        return 1
    if not status.done:
        print("Stopped before the first samples.")
        return 0
    table = read_table(survey.folder.table)
    if arguments.json:
        where = {"run": arguments.run, "split": arguments.split, "step": survey.folder.step}
        done = status.state is JobState.FINISHED
        state = {"state": "done" if done else str(status.state)}
        state |= {"samples": status.done, "asked_for": status.total}
        print(json.dumps({**where, **state, **_json(table)}))
    else:
        print(_text(table, status, arguments.split))
    return 0


def _json(table: SurveyTable) -> dict[str, Any]:
    """Plain values; numbers that are not finite become None."""
    ledger = statistics.summary(table)
    order = statistics.worst_first(table, "total")[:WORST]
    missed = statistics.missed(table)
    return {
        "total": _finite(statistics.total(table)),
        "not_finite": int((~statistics.finite(table)).sum()),
        "objects": ledger.objects,
        "by_status": {each.name.lower(): count for each, count in ledger.by_status.items()},
        "by_miss": {each.name.lower(): count for each, count in ledger.by_miss.items()},
        "match_rate": _finite(ledger.share(ledger.trained)),
        "collisions": ledger.collisions,
        "best_possible_recall": _finite(ledger.share(ledger.reachable)),
        "recall": _finite(ledger.share(ledger.found)),
        "false_detections": ledger.false_detections,
        "slots_per_object": {
            "mean": _finite(float(ledger.slots.mean())) if ledger.objects else None,
            "most": int(ledger.slots.max(initial=0)),
            "without_any": int((ledger.slots == 0).sum()),
            "taken": ledger.taken,
        },
        "loss": {
            grouping: [
                {
                    "label": group.label,
                    "objects": group.objects,
                    "terms": dict(zip(table.term_names, group.loss.tolist(), strict=True)),
                    "worst": str(table.samples.name[group.worst]) if group.worst >= 0 else None,
                }
                for group in statistics.loss_by(table, grouping)
            ]
            for grouping in statistics.GROUPINGS
        },
        "worst": [
            {
                "sample": str(table.samples.name[at]),
                "total": _finite(float(table.samples.total[at])),
                "missed": int(missed[at]),
            }
            for at in order
        ],
    }


def _text(table: SurveyTable, status: JobStatus, split: str) -> str:
    """The survey for reading."""
    ledger = statistics.summary(table)
    count = len(table.samples.name)
    good = int(statistics.finite(table).sum())
    asked = "" if status.state is JobState.FINISHED else f" of the {status.total:,} asked for"
    lines = [
        f"{count:,} samples of {split}{asked} at step {table.step:,}, each a batch of one in "
        "inference mode.",
        f"loss: {statistics.total(table) / max(good, 1):.6g} a sample"
        + ("" if good == count else f"; {count - good} samples have a loss that is no number"),
    ]
    if ledger.objects:
        parts = " + ".join(f"{n:,} {s.name.lower()}" for s, n in ledger.by_status.items())
        lines += [
            f"ledger: {ledger.objects:,} objects = {parts}",
            f"matched: {ledger.share(ledger.trained):.1%}; best possible recall "
            f"{ledger.share(ledger.reachable):.1%}; found (score 0.3, IoU 0.5) "
            f"{ledger.share(ledger.found):.1%}; false detections {ledger.false_detections:,}",
            *filter(None, [ledger.slots_sentence]),
        ]
        missed = {each: n for each, n in ledger.by_miss.items() if n and each.name != "FOUND"}
        if missed:
            parts = ", ".join(f"{n:,} {MISS_WORDS[each]}" for each, n in missed.items())
            lines.append(f"missed: {parts}")
    lines.append("worst samples:")
    missed_of = statistics.missed(table)
    for at in statistics.worst_first(table, "total")[:WORST]:
        name, total = table.samples.name[at], table.samples.total[at]
        lines.append(f"  {name:<10}{total:>12.6g}   objects missed: {missed_of[at]}")
    return "\n".join(lines)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
