"""`python -m yolo_core explain RUN --sample val/3`: every object of a picture, with its reason."""

from __future__ import annotations

import argparse
import json
from typing import Any

from yolo_core.cli.options import add_checkpoints, add_json
from yolo_core.explain.report import Report, explain
from yolo_core.runs.layout import RunFolder, find_run
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.store import RunStore


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "explain", help="say why each object has its slot, or none", description=__doc__
    )
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument("--sample", required=True, metavar="val/3", help="name of the sample")
    parser.add_argument(
        "--step", default="last", metavar="N|last", help="step of the snapshot (default: last)"
    )
    add_json(parser, "print one object")
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the report of one sample."""
    folder = find_run(arguments.checkpoints, arguments.run)
    record = snapshot_record(folder, arguments.sample, arguments.step)
    view = read_snapshot(record.file).sample(arguments.sample)
    # What was recorded of a training batch is the loss of all its samples, not of this one.
    is_alone = record.kind == "pinned"
    report = explain(view, recorded_total=record.total if is_alone else None)
    if arguments.json:
        where = {"run": folder.name, "sample": record.sample, "step": record.step}
        print(json.dumps({**where, "kind": record.kind, **report.to_json()}))
    else:
        print(_text(report, record))
    return 0


def _text(report: Report, record: SnapshotRecord) -> str:
    """The report for reading."""
    masks = report.masks
    lines = [
        f"{record.sample} at step {record.step}: {masks.slots} slots = {masks.object} object "
        f"+ {masks.no_object} no object + {masks.ignore} ignored."
    ]
    for item in report.objects:
        box = ", ".join(f"{value:.3f}" for value in item.box)
        lines.append(
            f"object {item.index}, class {item.class_name}, box ({box}): {item.status.name}. "
            f"{item.reason}"
        )
    lines.append(f"{'term':<16}{'value':>12}{'lambda':>10}{'weighted':>12}")
    for term, value in report.terms.items():
        weight = report.lambdas[term]
        lines.append(f"{term:<16}{value:>12.6g}{weight:>10.4g}{weight * value:>12.6g}")
    if record.kind == "pinned":
        said = f"the training recorded {record.total:.6g}."
    else:
        said = f"its share of {record.total:.6g}, the recorded loss of that step's batch."
    lines.append(f"total {report.total:.6g}; {said}")
    return "\n".join(lines)


def snapshot_record(folder: RunFolder, sample: str, step: str) -> SnapshotRecord:
    """The snapshot that `--sample` and `--step` mean.

    Args:
        folder: The run.
        sample: Name of the sample.
        step: A number, or "last".

    Raises:
        ValueError: There is none; the message says which there are.
    """
    with RunStore.open(folder) as store:
        records = store.snapshots(sample=sample)
        if not records:
            known = dict.fromkeys(r.sample for r in store.snapshots(kind="pinned"))
            names = ", ".join(known) or "none yet"
            raise ValueError(
                f"Run {folder.name!r} has no snapshot of {sample!r}; it has {names}. "
                f"python -m yolo_core command {folder.name} pin SAMPLE... adds others."
            )
    # Where a sample is pinned and in the training batch of the same step, the one with its own
    # loss: "pinned" comes after "batch".
    if step == "last":
        return records[-1]
    if not step.isascii() or not step.isdigit():
        raise ValueError(f"--step takes a number or last; received {step!r}.")
    for record in reversed(records):
        if record.step == int(step):
            return record
    steps = ", ".join(str(r.step) for r in {r.step: r for r in records}.values())
    raise ValueError(f"There is no snapshot of {sample!r} at step {step}; there is at {steps}.")
