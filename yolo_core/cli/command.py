"""`python -m yolo_core command RUN ...`: tell a training what to do, and hear what came of it."""

from __future__ import annotations

import argparse
from typing import Any

from yolo_core.cli.options import add_checkpoints
from yolo_core.runs.layout import find_run
from yolo_core.runs.status import read_status
from yolo_core.runs.store import RunStore

# Name -> its positional arguments: (argument, type, several).
_COMMANDS: dict[str, tuple[tuple[str, type, bool], ...]] = {
    "pause": (),
    "resume": (),
    "step": (("count", int, False),),
    "stop": (),
    "checkpoint": (),
    "evaluate": (),
    "set-lambda": (("name", str, False), ("value", float, False)),
    "set-learning-rate": (("value", float, False),),
    "pin": (("samples", str, True),),
}


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "command", help="pause, resume, step, stop or steer a training", description=__doc__
    )
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument("name", choices=tuple(_COMMANDS), help="what it is to do")
    parser.add_argument(
        "values",
        nargs="*",
        metavar="VALUE",
        help="step N | set-lambda NAME VALUE | set-learning-rate VALUE | pin SAMPLE...",
    )
    parser.add_argument(
        "--timeout", type=float, default=30.0, help="seconds to wait for the answer (default: 30)"
    )
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Sends the command and prints the answer."""
    folder = find_run(arguments.checkpoints, arguments.run)
    values = _values(arguments.name, arguments.values)
    if not arguments.timeout >= 0:
        raise ValueError(f"--timeout takes seconds from 0; received {arguments.timeout:g}.")
    with RunStore.open(folder) as store:
        sent = store.send(arguments.name, values)
        answer = store.wait_for_answer(sent, arguments.timeout)
    status = read_status(folder)
    if answer.state == "pending" and not status.is_live:
        raise ValueError(
            f"Run {folder.name!r} ended before it answered: it is {status.state}. {status.message}"
        )
    if answer.state == "pending":
        raise ValueError(
            f"Run {folder.name!r} has not answered within {arguments.timeout:g} seconds; "
            "the command stands, and is carried out when the run gets to it, unless the training "
            "process ends before: then it is dropped."
        )
    if answer.error is not None:
        raise ValueError(answer.error)
    print(f"{arguments.name}: took effect at step {answer.step}.")
    return 0


def _values(name: str, values: list[str]) -> dict[str, Any]:
    wanted = _COMMANDS[name]
    several = bool(wanted) and wanted[-1][2]
    if (not several and len(values) != len(wanted)) or (several and not values):
        expected = " ".join(w[0].upper() + ("..." if w[2] else "") for w in wanted) or "no value"
        received = " ".join(values) or "none"
        raise ValueError(f"{name} takes {expected}; received {received}.")
    if several:
        return {wanted[-1][0]: values}
    converted: dict[str, Any] = {}
    for (argument, kind, _), value in zip(wanted, values, strict=True):
        try:
            converted[argument] = kind(value)
        except ValueError:
            what = "a whole number" if kind is int else "a number"
            raise ValueError(f"{name} takes {what} as {argument}; received {value!r}.") from None
    return converted
