"""A slider and a number field for every lambda and for the learning rate of a live run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from dashboard.components.errors import plain, say
from dashboard.components.run_controls import send
from dashboard.figures.colors import TOTAL_COLOR, color_of
from yolo_core.runs.commands import Command
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import Event
from yolo_core.runs.status import read_status
from yolo_core.runs.store import RunStore

LEARNING_RATE = "learning rate"
# Upper ends of the sliders while the value is below them.
LEAST_LAMBDA, LEAST_RATE = 10.0, 0.01
RECENT_COMMANDS = 200


@dataclass(frozen=True)
class Dial:
    """One number of a run that can be changed while it trains.

    Attributes:
        name: The term whose lambda it is, or `LEARNING_RATE`.
        value: What the run has on record.
    """

    name: str
    value: float

    def arguments(self, value: float) -> tuple[str, dict[str, Any]]:
        """The command that sets it, and the command's arguments."""
        if self.name == LEARNING_RATE:
            return "set-learning-rate", {"value": value}
        return "set-lambda", {"name": self.name, "value": value}

    def answers(self, command: Command) -> bool:
        """Whether a command was about this dial."""
        wanted, arguments = self.arguments(0.0)
        return command.name == wanted and command.arguments.get("name") == arguments.get("name")


def dials(row: dict[str, float] | None, events: Sequence[Event]) -> list[Dial]:
    """The dials of a run: what the last step used, and what has been set since for the next.

    Args:
        row: The last step row, or None before the first step.
        events: The events of the run.

    Returns:
        A dial a lambda, in the order of the columns, then the learning rate; none before the
        first step.
    """
    if row is None:
        return []
    values = {
        column.removeprefix("lambda/"): value
        for column, value in row.items()
        if column.startswith("lambda/")
    }
    if "learning_rate" in row:
        values[LEARNING_RATE] = row["learning_rate"]
    for event in events:
        # A paused run has taken the change for a step that has no row yet.
        if event.step > row["step"]:
            name = LEARNING_RATE if event.kind == "set-learning-rate" else event.detail.get("name")
            if event.kind in ("set-lambda", "set-learning-rate") and name in values:
                values[name] = float(event.detail["value"])
    # The shortest number that is the same in float32: 0.1 and not 0.10000000149.
    return [Dial(name, float(str(np.float32(value)))) for name, value in values.items()]


def slider_bound(value: float, least: float) -> float:
    """Upper end of a slider: `least`, or that times the first power of 4 that has room."""
    if not math.isfinite(value) or value <= least:
        return least
    return least * 4.0 ** math.ceil(math.log(value / least, 4.0))


def dial_panel(folder: RunFolder, *, polling: bool) -> None:
    """Shows the dials of a run; they take effect at the next step, and say at which.

    A dial follows what is on record, so that a change from another tab or from the command line
    shows here too, except while an own change waits for its answer.

    Args:
        folder: The run.
        polling: Whether to look again every second.
    """
    st.fragment(_dial_panel, run_every=1.0 if polling else None)(folder)


def _dial_panel(folder: RunFolder) -> None:
    live = read_status(folder).is_live
    try:
        with RunStore.open(folder) as store:
            found = dials(store.last_step(), store.events())
            commands = store.commands(RECENT_COMMANDS)
    except ValueError as error:
        if not live:
            say(error)
        return
    if not found:
        if live:
            st.caption("The lambdas and the learning rate can be moved from the first step on.")
        return
    for column, dial in zip(st.columns(len(found)), found, strict=True):
        answer = next((command for command in commands if dial.answers(command)), None)
        least = LEAST_RATE if dial.name == LEARNING_RATE else LEAST_LAMBDA
        with column:
            _draw(folder, dial, least, answer, live=live)


def _draw(
    folder: RunFolder, dial: Dial, least: float, answer: Command | None, *, live: bool
) -> None:
    """One dial: colour, number field, slider, and since when its value holds."""
    key = f"{folder.name}/dial/{dial.name}"
    number, slider, seen, asked = (f"{key}/{part}" for part in ("number", "slider", "seen", "id"))
    state = st.session_state
    # Own changes are waited for; a refused one goes back to what is on record.
    waiting = answer is not None and answer.id == state.get(asked) and answer.state == "pending"
    refused = answer is not None and answer.id == state.get(asked) and answer.state == "failed"
    if refused:
        del state[asked]
    if number not in state or refused or (state.get(seen) != dial.value and not waiting):
        state[number] = dial.value
    state[seen] = dial.value
    bound = slider_bound(state[number], least)
    # Another bound is another slider to Streamlit, which would begin at nothing.
    if state.get(slider) != state[number] or state.get(f"{key}/bound") != bound:
        state[slider] = state[number]
    state[f"{key}/bound"] = bound

    color = TOTAL_COLOR if dial.name == LEARNING_RATE else color_of(dial.name)
    st.html(f'<div style="height: 4px; border-radius: 2px; background: {color}"></div>')
    label = dial.name if dial.name == LEARNING_RATE else f"λ {dial.name}"
    moved = {"on_change": _moved, "disabled": not live}
    st.number_input(
        plain(label),
        min_value=0.0,
        step=bound / 100,
        format="%g",
        key=number,
        args=(folder, dial, key, number),
        **moved,
    )
    st.slider(
        plain(label),
        0.0,
        bound,
        step=bound / 200,
        format="%g",
        key=slider,
        label_visibility="collapsed",
        args=(folder, dial, key, slider),
        **moved,
    )
    if answer is None:
        st.caption("as started")
    elif answer.state == "failed":
        say(answer.error or "The training process refused this.")
    elif answer.state == "pending":
        st.caption("waiting for the next step" if live else "the training ended before this")
    else:
        st.caption(f"{answer.arguments['value']:g} took effect at step {answer.step:,}")


def _moved(folder: RunFolder, dial: Dial, key: str, source: str) -> None:
    """Sends the new value, and shows it on both widgets at once."""
    value = float(st.session_state[source])
    st.session_state[f"{key}/number"] = value
    st.session_state[f"{key}/id"] = command = send(folder, *dial.arguments(value))
    if command is None:
        st.session_state.pop(f"{key}/seen")
