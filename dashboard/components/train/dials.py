"""A slider and a number field for every lambda and for the learning rate of a live run."""

from __future__ import annotations

import contextlib
import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.polling import poll
from dashboard.components.shared.run_commands import send
from dashboard.components.train.what_if.later import ask_later
from dashboard.figures.colors import TOTAL_COLOR, color_of
from yolo_core.runs.changes import DIALS, RATE, dial_of, undoable
from yolo_core.runs.commands import Command
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import Event
from yolo_core.runs.status import read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.config import read_config

KEY = "dials"
LEARNING_RATE = "learning rate"
# In the middle of the sliders where a run began with zero.
AT_ZERO, AT_ZERO_RATE = 1.0, 0.01
# Either way from the middle, and how finely.
_DECADES, _A_DECADE = 3, 20
RECENT_COMMANDS = 200


@dataclass(frozen=True)
class Dial:
    """One number of a run that can be changed while it trains.

    Attributes:
        name: The term whose lambda it is, or `LEARNING_RATE`.
        value: What was set last. For the learning rate, its schedule moves on from there.
        now: What the last step used.
        next_step: The step that a change would take effect at.
        start: What the run began with.
    """

    name: str
    value: float
    now: float
    next_step: int
    start: float

    @property
    def event_name(self) -> str:
        """What commands and events call it."""
        return RATE if self.name == LEARNING_RATE else self.name

    def arguments(self, value: float) -> tuple[str, dict[str, Any]]:
        """The command that sets it, and the command's arguments."""
        if self.name == LEARNING_RATE:
            return "set-learning-rate", {"value": value}
        return "set-lambda", {"name": self.name, "value": value}

    def answers(self, command: Command) -> bool:
        """Whether a command was about this dial."""
        if command.name in ("schedule", "undo"):
            return command.arguments.get("name") == self.event_name
        wanted, arguments = self.arguments(0.0)
        return command.name == wanted and command.arguments.get("name") == arguments.get("name")


def dials(row: dict[str, float] | None, events: Sequence[Event], rate: float) -> list[Dial]:
    """The dials of a run.

    Args:
        row: The last step row, or None before the first step.
        events: The events of the run.
        rate: The learning rate that the run was started with.

    Returns:
        A dial a lambda, in the order of the columns, then the learning rate; none before the
        first step.
    """
    if row is None:
        return []
    now = {
        column.removeprefix("lambda/"): value
        for column, value in row.items()
        if column.startswith("lambda/")
    }
    values = dict(now)
    values[LEARNING_RATE] = rate
    now[LEARNING_RATE] = row.get("learning_rate", rate)
    next_step = int(row["step"]) + 1
    for event in events:
        if event.kind == "set-learning-rate" and event.step <= next_step:
            values[LEARNING_RATE] = float(event.detail["value"])
        # A paused run has taken the change for a step that has no row yet.
        elif event.kind == "set-lambda" and event.step == next_step:
            name = event.detail["name"]
            if name in values:
                values[name] = float(event.detail["value"])
    starts = {name: next(_befores(events, name), value) for name, value in values.items()}
    starts[LEARNING_RATE] = rate
    return [
        Dial(name, _short(value), _short(now[name]), next_step, _short(starts[name]))
        for name, value in values.items()
        if math.isfinite(value)  # a loop of somebody's own need not say its learning rate
    ]


def _short(value: float) -> float:
    """The shortest number that is the same in float32: 0.1 and not 0.10000000149."""
    return float(str(np.float32(value)))


def _befores(events: Sequence[Event], name: str) -> Iterator[float]:
    """What a dial stood at before each of its changes."""
    for event in events:
        before = event.detail.get("before")
        if event.kind in DIALS and dial_of(event) == name and isinstance(before, (int, float)):
            yield float(before)


def slider_options(start: float, value: float, at_zero: float) -> list[float]:
    """Where a slider can stand: zero, each decade in twenty steps, and a value of its own.

    Args:
        start: What the run began with, in the middle; it never moves under anybody's hand.
        value: Another one that it has to show.
        at_zero: What is in the middle where a run began with zero.
    """
    middle = start if math.isfinite(start) and start > 0 else at_zero
    steps = range(-_DECADES * _A_DECADE, _DECADES * _A_DECADE + 1)
    grid = {float(f"{middle * 10 ** (step / _A_DECADE):.2g}") for step in steps}
    return sorted({0.0, *grid, middle, value})


def number_step(value: float, at_zero: float) -> float:
    """What "+" adds: one in the second digit of the value, or of `at_zero` at zero."""
    value = value if math.isfinite(value) and value > 0 else at_zero
    return float(f"{10.0 ** (math.floor(math.log10(value)) - 1):.6g}")


def dial_panel(folder: RunFolder) -> None:
    """Shows the dials of a run; they take effect at the next step, and say at which.

    A dial follows what is on record, so that a change from another tab or from the command line
    shows here too, except while an own change waits for its answer.
    """
    live = read_status(folder).is_live
    try:
        found, events, commands = _read(folder)
    except ValueError as error:
        if not live:
            say(error)
        return
    if not found:
        if live:
            st.caption("The lambdas and the learning rate can be moved from the first step on.")
        return
    if not live:
        words = "  ·  ".join(f"{_label(dial)} {dial.now:,.4g}" for dial in found)
        st.caption(f"As it ended: {plain(words)}")
        return
    with st.container(key="dials"):
        columns = st.columns(len(found), gap="small")
    for column, dial in zip(columns, found, strict=True):
        with column:
            _draw(folder, dial, _answer(dial, commands), undoable(events, dial.event_name))
    if waiting := _pending(commands):
        poll(None, every=0.5, goes_on=lambda: waiting & _pending_now(folder), concerns=KEY)


def shown_of(folder: RunFolder) -> object:
    """What the dials of a run show, as far as it can change; None once it has ended.

    For `poll_changes`.
    """
    if not read_status(folder).is_live:
        return None
    try:
        found, events, commands = _read(folder)
    except ValueError:
        return "nothing that can be read"
    shown = []
    for dial in found:
        answer = _answer(dial, commands)
        ahead = answer is not None and (answer.step or 0) > dial.next_step
        shown.append((dial.name, dial.value, f"{dial.now:.2g}", answer, ahead))
        shown.append(undoable(events, dial.event_name))
    return repr(shown)  # in which not a number is what it is


def _read(folder: RunFolder) -> tuple[list[Dial], list[Event], list[Command]]:
    """The dials of a run, its events, and the commands that may be about them, newest first.

    Raises:
        ValueError: A file of the run cannot be read.
    """
    with RunStore.open(folder) as store:
        row = store.last_step()
        # Of somebody's own script: what was last on record.
        rate = (row or {}).get("learning_rate", math.nan)
        if folder.restarts:
            rate = read_config(folder.config).training.learning_rate
        events = store.events()
        return dials(row, events, rate), events, store.commands(RECENT_COMMANDS)


def _answer(dial: Dial, commands: Sequence[Command]) -> Command | None:
    return next((command for command in commands if dial.answers(command)), None)


def _pending(commands: Sequence[Command]) -> set[int]:
    """Ids of the commands that wait for the training."""
    return {command.id for command in commands if command.state == "pending"}


def _pending_now(folder: RunFolder) -> set[int]:
    with contextlib.suppress(ValueError), RunStore.open(folder) as store:
        return _pending(store.commands(RECENT_COMMANDS))
    return set()


def _draw(folder: RunFolder, dial: Dial, answer: Command | None, last: Event | None) -> None:
    """One dial: its name and buttons, number field and slider, and since when its value holds."""
    key = f"{folder.name}/dial/{dial.name}"
    at_zero = AT_ZERO_RATE if dial.name == LEARNING_RATE else AT_ZERO
    shown = st.session_state.setdefault(key, _Shown(key, dial.value, dial.value, dial.value))
    shown.follow(dial.value, answer)
    color = TOTAL_COLOR if dial.name == LEARNING_RATE else color_of(dial.name)
    label = _label(dial)
    with st.container(horizontal=True, vertical_alignment="center", gap=None):
        # The number field and the slider have the name for a label: here it is for the eyes.
        st.html(
            f'<div class="dial" aria-hidden="true" title="{html.escape(label)}">'
            f'<i style="background: {color}"></i>{html.escape(label)}</div>',
            width="stretch",
        )
        _more(folder, dial, last)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.number_input(
            plain(label),
            0.0,
            value=shown.value,
            step=number_step(shown.value, at_zero),
            format="%g",
            key=shown.number_key,
            label_visibility="collapsed",
            width=76,
            on_change=_moved,
            args=(folder, dial, shown, shown.number_key),
        )
        st.select_slider(
            plain(label),
            slider_options(dial.start, shown.own, at_zero),
            shown.value,
            format_func="{:g}".format,
            key=shown.slider_key,
            label_visibility="collapsed",
            on_change=_moved,
            args=(folder, dial, shown, shown.slider_key),
        )
    _say_since_when(dial, answer)


def _label(dial: Dial) -> str:
    return dial.name if dial.name == LEARNING_RATE else f"λ {dial.name}"


def _say_since_when(dial: Dial, answer: Command | None) -> None:
    """What became of the last change of a dial."""
    if answer is not None and answer.state == "failed":
        # In a sentence above, too.
        st.caption(f":red[{plain(answer.error or 'The training process refused this.')}]")
        return
    if answer is None:
        text = "as started" if dial.value == dial.start else f"{dial.start:g} at the start"
    elif answer.state == "pending":
        text = "waiting for the next step"
    elif answer.step > dial.next_step:
        # Planned; or resumed from a checkpoint before it: the training makes the change again.
        text = f"{_set_to(answer)} takes effect at step {answer.step:,}"
    else:
        text = f"{_set_to(answer)} took effect at step {answer.step:,}"
    now = f"{dial.now:.2g}"
    if dial.name == LEARNING_RATE and now != f"{dial.value:.2g}":
        text += f", now {now} by schedule"
    st.caption(text)


def _set_to(answer: Command) -> str:
    if answer.name == "undo":
        return "taking back"
    if answer.name == "schedule":
        return f"{answer.arguments['shape']} to {answer.arguments['stop']:g}"
    return f"{answer.arguments['value']:g}"


def _more(folder: RunFolder, dial: Dial, last: Event | None) -> None:
    """Back to the start; the last change taken back; a value for a later step, or a schedule."""
    key = f"{folder.name}/{dial.name}"
    before = None if last is None else last.detail.get("before")
    st.button(
        f"As started: {dial.start:.4g}",
        icon=":material/first_page:",
        key=f"{key}/start",
        type="tertiary",
        disabled=dial.value == dial.start and last is None,
        on_click=send,
        args=(folder, *dial.arguments(dial.start)),
        help=f"Back to {dial.start:.4g}, which the run began with.",
    )
    st.button(
        "Back" if before is None else f"Back to {float(before):.4g}",
        icon=":material/undo:",
        key=f"{key}/undo",
        type="tertiary",
        disabled=last is None,
        on_click=send,
        args=(folder, "undo", {"name": dial.event_name}),
        help="Takes back the last change of this dial; pressed again, the one before.",
    )
    ask_later(folder, dial, key)


@dataclass
class _Shown:
    """What a browser tab shows of a dial.

    No widget's value is ever written to: a poll that was under way then brings the old value back,
    which looks as if its user had moved it, and two tabs would go on undoing each other's changes.
    Another value means another widget instead, counted here.

    Attributes:
        key: Beginning of the keys of its widgets.
        recorded: What was on record when last looked at.
        value: What number field and slider show.
        own: What the slider began with, which need not be one of its steps.
        numbers: How many number fields there were before this one.
        sliders: How many sliders there were before this one.
        asked: Id of the own command that has not been answered yet.
    """

    key: str
    recorded: float
    value: float
    own: float
    numbers: int = 0
    sliders: int = 0
    asked: int | None = None

    @property
    def number_key(self) -> str:
        """Key of the number field."""
        return f"{self.key}/number/{self.numbers}"

    @property
    def slider_key(self) -> str:
        """Key of the slider; one with other steps is another slider to Streamlit anyway."""
        return f"{self.key}/slider/{self.sliders}"

    def follow(self, recorded: float, answer: Command | None) -> None:
        """Takes over what is on record, unless an own change has not been answered."""
        mine = answer is not None and answer.id == self.asked
        if mine and answer.state == "pending":
            return
        refused = mine and answer.state == "failed"
        if recorded != self.recorded or refused:
            self.show(recorded)
        self.recorded = recorded
        self.asked = None

    def show(self, value: float, *, moved: str = "") -> None:
        """Shows a value; the widget whose key is `moved` shows it already."""
        if value == self.value:
            return
        self.value = value
        self.numbers += moved != self.number_key
        if moved != self.slider_key:
            self.sliders += 1
            self.own = value


def _moved(folder: RunFolder, dial: Dial, shown: _Shown, key: str) -> None:
    """Sends the value that a widget was moved to, and shows it on the other one too."""
    # A widget that has been replaced still reports its value while the browser holds on to it.
    if key not in (shown.number_key, shown.slider_key):
        return
    value = float(st.session_state[key])
    if value == shown.value:
        return
    shown.show(value, moved=key)
    shown.asked = send(folder, *dial.arguments(value))
    if shown.asked is None:
        shown.show(shown.recorded)
