"""What a reader may ask of a training process, and how the process answers."""

from __future__ import annotations

import dataclasses
import math
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any

from yolo_core.foreign_files import parse_json
from yolo_core.runs.records import to_json

REPLAYED = ("set-lambda", "set-learning-rate", "schedule", "cancel", "pin")
"""What changes the numbers of later steps. A training that is resumed or forked makes these changes
again at the steps where they were made."""


@dataclasses.dataclass(frozen=True)
class Command:
    """A row that the training process picks up between two steps.

    Attributes:
        id: Ascending in the order of sending.
        time: When it was sent, seconds since 1970.
        name: "set-lambda", "pause", ...
        arguments: What the name takes; "by" says who sent it.
        state: "pending", "done" or "failed".
        step: The first step that it affected; None while pending, or where it affects none.
        error: Why it failed, else None.
    """

    id: int
    time: float
    name: str
    arguments: dict[str, Any]
    state: str = "pending"
    step: int | None = None
    error: str | None = None


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_step(value: Any) -> bool:
    return type(value) is int and value >= 1


_Test = tuple[Callable[[Any], bool], str]
_WORD: _Test = (lambda v: isinstance(v, str) and 0 < len(v) <= 64, "1 to 64 letters")
_STEP: _Test = (_is_step, "a whole number of at least 1")
_LAMBDA: _Test = (lambda v: _finite(v) and v >= 0, "a finite number of at least 0")
_RATE: _Test = (lambda v: _finite(v) and v > 0, "a finite number above 0")

# Name -> {argument: (test, what it must be)}.
_ARGUMENTS: dict[str, dict[str, _Test]] = {
    "set-lambda": {
        "name": (lambda v: isinstance(v, str) and v != "", "the name of a term"),
        "value": _LAMBDA,
    },
    "set-learning-rate": {"value": _RATE},
    "schedule": {
        "name": (lambda v: isinstance(v, str) and v != "", "the name of a term, or learning_rate"),
        "shape": _WORD,
        "last": _STEP,
        "stop": _LAMBDA,
    },
    "undo": {},
    "pause": {},
    "resume": {},
    "step": {"count": _STEP},
    "stop": {},
    "checkpoint": {},
    "evaluate": {},
    "pin": {
        "samples": (
            lambda v: (
                isinstance(v, (list, tuple)) and bool(v) and all(isinstance(s, str) for s in v)
            ),
            "a list of sample names",
        )
    },
}
# What may be left out: who sent it, of every command; and of these more.
_SENDER: dict[str, _Test] = {"by": _WORD}
_OPTIONAL: dict[str, dict[str, _Test]] = {
    "set-lambda": {"at_step": _STEP},
    "set-learning-rate": {"at_step": _STEP},
    "schedule": {"first": _STEP, "start": _LAMBDA, "jumps": _STEP},
    "undo": {"name": _WORD},
}


def check_command(name: str, arguments: Mapping[str, Any]) -> None:
    """Refuses what no training process would understand.

    Raises:
        ValueError: The name is unknown, or an argument is missing, unknown or out of range.
    """
    if name not in _ARGUMENTS:
        raise ValueError(f"Commands are {', '.join(_ARGUMENTS)}; received {name!r}.")
    wanted, optional = _ARGUMENTS[name], _OPTIONAL.get(name, {}) | _SENDER
    given = set(arguments)
    if not set(wanted) <= given or given - set(wanted) - set(optional):
        expected = ", ".join(wanted) or "no arguments"
        received = ", ".join(map(str, arguments)) or "none"
        raise ValueError(f"The command {name} takes {expected}; received {received}.")
    for argument, value in arguments.items():
        test, expected = (wanted | optional)[argument]
        if not test(value):
            raise ValueError(
                f"The command {name} needs {expected} as {argument}; received {value!r}."
            )


def insert_command(connection: sqlite3.Connection, name: str, arguments: Mapping[str, Any]) -> int:
    """Adds a pending command; returns its id."""
    cursor = connection.execute(
        "INSERT INTO commands (time, name, arguments) VALUES (?, ?, ?)",
        (time.time(), name, to_json(dict(arguments))),
    )
    return int(cursor.lastrowid or 0)


def read_commands(
    connection: sqlite3.Connection, where: str = "1", arguments: tuple[Any, ...] = ()
) -> list[Command]:
    """Commands that meet a condition, in the order of sending unless it says otherwise."""
    rows = connection.execute(
        f"SELECT id, time, name, arguments, state, step, error FROM commands WHERE {where}",
        arguments,
    )
    return [
        Command(i, at, name, parse_json(text), state, step, error)
        for i, at, name, text, state, step, error in rows
    ]


def answer_command(
    connection: sqlite3.Connection, command: int, step: int | None, error: str | None
) -> bool:
    """Marks a pending command as done, or as failed with an error; whether it was pending."""
    cursor = connection.execute(
        "UPDATE commands SET state = ?, step = ?, error = ? WHERE id = ? AND state = 'pending'",
        ("done" if error is None else "failed", step, error, command),
    )
    return cursor.rowcount == 1
