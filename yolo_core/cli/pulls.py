"""`python -m yolo_core pulls RUN`: how hard each term pulls, and the lambda that balances it."""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

from yolo_core.cli.csv_rows import print_csv
from yolo_core.cli.options import add_checkpoints, add_json
from yolo_core.runs.layout import find_run
from yolo_core.runs.pulls import Pulls, all_pulls, last_pulls
from yolo_core.runs.store import RunStore


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "pulls",
        help="how hard each term of the loss pulls at the network",
        description="The share of each term in the loss and in the gradient on the last layer that "
        "all predictions share, the cosines between their gradients, and the lambda with which a "
        "term would pull as hard as the others: the newest measurement, or all of them as CSV or "
        "JSON. train --pulls-every says how often it is measured.",
    )
    parser.add_argument("run", metavar="RUN", help="name of the run")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print a row a term and measurement")
    add_json(form, "print a list with an object a measurement")
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints what was measured."""
    with RunStore.open(find_run(arguments.checkpoints, arguments.run)) as store:
        if arguments.json or arguments.csv:
            found = [each.plain() for each in all_pulls(store)]
        else:
            last = last_pulls(store)
            print(f"Not measured in {arguments.run}." if last is None else _text(last))
            return 0
    if arguments.json:
        print(json.dumps(found))
        return 0
    rows = [{"step": each["step"], **term} for each in found for term in each["terms"]]
    names = ("step", "name", "weight", "loss_share", "pull_share", "balanced", "verdict")
    print_csv(names, rows)
    return 0


def _text(found: Pulls) -> str:
    lines = [
        f"step {found.step:,}",
        f"{'term':<16}{'lambda':>10}{'of the loss':>14}{'of the gradient':>18}{'balanced by':>14}",
    ]
    for each in found.terms:
        balanced = "-" if each.balanced is None else f"{each.balanced:.3g}"
        lines.append(
            f"{each.name:<16}{each.weight:>10.4g}{_percent(each.loss_share):>14}"
            f"{_percent(each.pull_share):>18}{balanced:>14}  {each.verdict}".rstrip()
        )
    for (a, b), cosine in found.cosines.items():
        lines.append(f"cosine of {a} and {b}: {'-' if math.isnan(cosine) else f'{cosine:+.2f}'}")
    return "\n".join(lines)


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.1%}"
