"""What somebody changed while a run trained, read from its events; and what undo takes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from yolo_core.runs.records import Event

RATE = "learning_rate"
"""The name of the one dial that is no lambda."""
DIALS = ("set-lambda", "set-learning-rate", "schedule")
"""Kinds of events that change what a dial stands at."""
OTHERS = ("pause", "resume", "forked", "kept", "cancel")
"""What else stands in the table."""


@dataclasses.dataclass(frozen=True)
class Change:
    """One change.

    Attributes:
        event: Id of its event.
        step: The first step that it affects.
        time: Seconds since 1970.
        kind: Kind of the event, such as "set-lambda".
        dial: A term, a published group of terms, or "learning_rate"; "" of what is no dial.
        old: What the dial stood at; None where it is not known.
        new: What it was set to; of a schedule, what it ends at.
        by: "page", "command line", "fork", or "" where an earlier version recorded it.
        undone: Whether it was taken back since, by undo.
        words: What else is to be said, such as of which run it is a fork.
    """

    event: int
    step: int
    time: float
    kind: str
    dial: str
    old: float | None
    new: float | None
    by: str
    undone: bool
    words: str


def changes_of(events: Sequence[Event]) -> list[Change]:
    """The table of changes of a run, in the order they happened."""
    undone = {event.detail.get("undoes") for event in events} - {None}
    found = []
    for event in events:
        if event.kind not in (*DIALS, *OTHERS):
            continue
        detail = event.detail
        found.append(
            Change(
                event=event.id,
                step=event.step,
                time=event.time,
                kind=event.kind,
                dial=dial_of(event),
                old=_number(detail.get("before")),
                new=_number(detail.get("stop" if event.kind == "schedule" else "value")),
                by=str(detail.get("by", "")),
                undone=event.id in undone,
                words=_words(event),
            )
        )
    return found


def dial_of(event: Event) -> str:
    """The dial that an event changed; "" where it changed none."""
    if event.kind == "set-learning-rate":
        return RATE
    return str(event.detail.get("name", "")) if event.kind in (*DIALS, "cancel") else ""


def undoable(events: Sequence[Event], dial: str | None = None) -> Event | None:
    """The change that undo would take back.

    Undoing twice takes back the last two changes, never the first undo.

    Args:
        events: The events of the run, in the order they happened.
        dial: Of this dial; None for the last change of any.

    Returns:
        None where nothing is left to take back.
    """
    stack: list[Event] = []
    for event in events:
        undoes = event.detail.get("undoes")
        if undoes is not None:
            stack = [each for each in stack if each.id != undoes]
        elif event.kind in DIALS:
            stack.append(event)
    return next((e for e in reversed(stack) if dial is None or dial_of(e) == dial), None)


def _words(event: Event) -> str:
    detail: dict[str, Any] = event.detail
    match event.kind:
        case "schedule":
            return (
                f"{detail.get('shape')} from {detail.get('start')} to {detail.get('stop')} over "
                f"steps {detail.get('first')} to {detail.get('last')}"
            )
        case "forked":
            return f"from step {detail.get('step')} of {detail.get('run')}"
        case "kept":
            return f"in the place of {detail.get('run')} after step {detail.get('step')}"
    return "undo" if "undoes" in detail else ""


def _number(value: Any) -> float | None:
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if known else None
