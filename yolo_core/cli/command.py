"""`python -m yolo_core command RUN ...`: tell a training what to do, and hear what came of it."""

from __future__ import annotations

import argparse
import json
from typing import Any

from yolo_core.cli.options import add_checkpoints, add_json
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
    "schedule": (
        ("name", str, False),
        ("shape", str, False),
        ("last", int, False),
        ("stop", float, False),
    ),
    "undo": (),
    "pin": (("samples", str, True),),
}
# Option -> (the commands that take it, type, what it says).
_OPTIONS: dict[str, tuple[tuple[str, ...], type, str]] = {
    "at_step": (
        ("set-lambda", "set-learning-rate"),
        int,
        "the step that it takes effect at (default: the next)",
    ),
    "first": (("schedule",), int, "step that a schedule begins at (default: the next)"),
    "start": (("schedule",), float, "value that it begins with (default: what there is)"),
    "jumps": (("schedule",), int, "jumps of the shape steps (default: 4)"),
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
        help="step N | set-lambda NAME VALUE | set-learning-rate VALUE | schedule NAME "
        "constant|linear|cosine|steps|warm-up LAST STOP | undo [NAME] | pin SAMPLE...",
    )
    for name, (whose, kind, what) in _OPTIONS.items():
        told = f"{what}; of {' and '.join(whose)}"
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=told)
    parser.add_argument(
        "--timeout", type=float, default=30.0, help="seconds to wait for the answer (default: 30)"
    )
    add_json(parser, "print an object instead of a sentence")
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Sends the command and prints the answer."""
    folder = find_run(arguments.checkpoints, arguments.run)
    values = _values(arguments.name, arguments.values) | _options(arguments)
    values["by"] = "command line"
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
    if arguments.json:
        said = {"command": arguments.name, "step": answer.step}
        print(json.dumps({"run": folder.name, **said, "arguments": values}))
    else:
        planned = arguments.at_step is not None or arguments.first is not None
        takes = "takes" if planned else "took"
        print(f"{arguments.name}: {takes} effect at step {answer.step}.")
    return 0


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    given = {name: getattr(arguments, name) for name in _OPTIONS}
    given = {name: value for name, value in given.items() if value is not None}
    for name in given:
        if arguments.name not in _OPTIONS[name][0]:
            whose = " and ".join(_OPTIONS[name][0])
            raise ValueError(
                f"--{name.replace('_', '-')} is an option of {whose}, not of {arguments.name}."
            )
    return given


def _values(name: str, values: list[str]) -> dict[str, Any]:
    if name == "undo" and len(values) == 1:
        return {"name": values[0]}
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
