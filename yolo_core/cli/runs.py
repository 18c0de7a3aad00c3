"""`python -m yolo_core runs`: the runs that there are, and how they are."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from yolo_core.cli.options import add_checkpoints, add_json
from yolo_core.runs.layout import RunFolder, list_runs
from yolo_core.runs.status import read_status


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser("runs", help="list the runs", description=__doc__)
    add_checkpoints(parser)
    add_json(parser, "print a list of objects instead of a table")
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the runs, the newest first."""
    described = [_describe(folder) for folder in list_runs(arguments.checkpoints)]
    if arguments.json:
        print(json.dumps(described))
    elif not described:
        print(
            f"No runs in {arguments.checkpoints}. "
            "python -m yolo_core train starts one, and so does the dashboard."
        )
    else:
        width = max(len(item["run"]) for item in described)
        for item in described:
            steps = f"{item['step']}/{item['steps'] or '?'}"
            line = f"{item['run']:<{width}}  {item['state']:<10}  {steps:>13}  {item['message']}"
            print(line.rstrip())
    sys.stdout.flush()
    return 0


def _describe(folder: RunFolder) -> dict[str, Any]:
    status = read_status(folder)
    return {
        "run": folder.name,
        "state": str(status.state),
        "step": status.step,
        "steps": status.steps,
        "seconds": status.seconds,
        "images_per_second": status.images_per_second,
        "pid": status.process.pid if status.process and status.is_live else None,
        "message": status.message,
    }
