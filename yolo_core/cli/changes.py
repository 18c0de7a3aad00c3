"""`python -m yolo_core changes RUN`: what was changed while a run trained, when and by whom."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

from yolo_core.cli.csv_rows import print_csv
from yolo_core.cli.options import add_checkpoints, add_json
from yolo_core.runs.changes import Change, changes_of
from yolo_core.runs.layout import find_run
from yolo_core.runs.store import RunStore


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "changes",
        help="what was changed while a run trained",
        description="Lambdas, learning rate, schedules, pauses and forks, each with its step, the "
        "old and the new value and who changed it.",
    )
    parser.add_argument("run", metavar="RUN", help="name of the run")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print them as CSV")
    add_json(form, "print a list of objects")
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the changes in the order they happened."""
    with RunStore.open(find_run(arguments.checkpoints, arguments.run)) as store:
        found = changes_of(store.events())
    rows = [dataclasses.asdict(each) for each in found]
    if arguments.json:
        print(json.dumps(rows))
    elif arguments.csv:
        print_csv([field.name for field in dataclasses.fields(Change)], rows)
    elif not found:
        print(f"Nothing was changed while {arguments.run} trained.")
    else:
        for each in found:
            print(_line(each))
    return 0


def _line(change: Change) -> str:
    values = ""
    if change.new is not None:
        old = "?" if change.old is None else f"{change.old:g}"
        values = f"{old} to {change.new:g}"
    taken_back = "taken back" if change.undone else ""
    said = (change.kind, change.dial, values, change.words, change.by, taken_back)
    words = "  ".join(filter(None, said))
    return f"step {change.step:>9,}  {''.join(c if c.isprintable() else ' ' for c in words)}"
