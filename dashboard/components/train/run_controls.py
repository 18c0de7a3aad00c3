"""What a run is doing, and the buttons that steer it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.polling import poll
from dashboard.components.shared.run_commands import duration, send
from dashboard.components.shared.starting import ask_for_training, can_resume
from yolo_core.runs.commands import Command
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import RunState, RunStatus, read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.config import read_config

KEY = "run controls"
SHOWN_ANSWERS = 3
_BUTTON_PIXELS = 110


def progress_text(status: RunStatus, batch_size: int | None) -> str:
    """Step, what the process is busy with, rate and time left as one line.

    Args:
        status: The run's status.
        batch_size: Images a step; None where it is not known, and so no time left.
    """
    parts = [f"step {status.step:,}" + (f" of {status.steps:,}" if status.steps else "")]
    if status.is_live and status.message:
        parts.append(status.message.removesuffix("."))
    elif status.state is RunState.STARTING:
        parts.append("the process comes up")
    if status.state is RunState.RUNNING and status.images_per_second:
        parts.append(f"{status.images_per_second:,.0f} images a second")
    if status.seconds:
        parts.append(f"{duration(status.seconds)} trained")
    left = None if batch_size is None else status.seconds_left(batch_size)
    if left is not None:
        parts.append(f"{duration(left)} left")
    return " · ".join(parts)


def answer_text(command: Command, *, live: bool) -> str:
    """What became of a command, as a line."""
    what = {
        "set-lambda": "{name} = {value:g}",
        "set-learning-rate": "learning rate = {value:g}",
        "schedule": "{name} {shape} to {stop:g} by step {last}",
        "undo": "undo",
        "step": "step {count}",
        "pin": "pin",
    }.get(command.name, command.name)
    with contextlib.suppress(LookupError, ValueError, TypeError):
        what = what.format(**command.arguments)
    if command.state == "failed":
        return f"{what}: {command.error}"
    if command.state == "done":
        return f"{what}: took effect at step {command.step:,}"
    if not live:
        return f"{what}: not answered before the training process ended"
    return f"{what}: waiting for the training process"


def run_controls(folder: RunFolder) -> None:
    """State, progress, rate and time left of a run, its buttons, and what became of them."""
    status = read_status(folder)
    if status.state is RunState.UNREADABLE:
        say(status.message)
        return
    with st.container(key="run-buttons", horizontal=True, vertical_alignment="center", gap="small"):
        # Drawn with each look, so it is the one that has all the page looked at.
        shows = functools.partial(shown_of, folder)
        poll(_progress, folder, every=2.0, goes_on=shows, concerns=KEY, leads=True)
        if status.is_live:
            _live_buttons(folder, status)
        elif can_resume(folder, status):
            _resume_button(folder)
    with st.container(key="said", gap="xxsmall"):
        if problem := st.session_state.pop("not sent", None):
            say(problem)
        _message(status)
        _said(folder, live=status.is_live)


def shown_of(folder: RunFolder) -> object:
    """What is shown beside the progress of a run, as far as it changes; None once it has ended."""
    status = read_status(folder)
    if not status.is_live:
        return None
    try:
        with RunStore.open(folder) as store:
            commands, events = store.commands(SHOWN_ANSWERS), store.events()
    except ValueError as error:
        return str(error)
    said = sum(each.kind in ("note", "warning") for each in events)
    return status.state, [(each.id, each.state) for each in commands], said


def _progress(folder: RunFolder) -> None:
    status = read_status(folder)
    share = min(status.step / status.steps, 1.0) if status.steps else 0.0
    batch_size = None
    with contextlib.suppress(ValueError):  # said beside the dials
        batch_size = read_config(folder.config).training.batch_size
    # What is said of the run as long as it lives stands below the buttons.
    shown = status if status.message not in _notes(folder) else replace(status, message="")
    st.progress(share, text=plain(progress_text(shown, batch_size)))


def _notes(folder: RunFolder) -> set[str]:
    with contextlib.suppress(ValueError), RunStore.open(folder) as store:
        return {str(e.detail.get("message")) for e in store.events() if e.kind == "note"}
    return set()


def _live_buttons(folder: RunFolder, status: RunStatus) -> None:
    """The buttons of a run that has a training process."""
    paused = status.state is RunState.PAUSED
    hold = ("pause", "Pause", "pause", "Holds before the next step.")
    if paused:
        hold = ("resume", "Resume", "play_arrow", None)
    # One button by one key: else the new one stands beside the old one for a moment, and the others
    # move away under the pointer.
    _button(folder, *hold, key="hold", type="primary" if paused else "secondary")
    count = _step_count(folder)
    _button(
        folder,
        "step",
        "Step" if count == 1 else f"{count} steps",
        "skip_next",
        "Trains this many steps and holds again. Pause first.",
        lambda: {"count": _step_count(folder)},
        disabled=not paused,
    )
    with st.popover("More", icon=":material/more_horiz:", key=f"{folder.name}/more"):
        st.number_input(
            "Steps a press of Step",
            1,
            10_000,
            key=f"{folder.name}/count",
            disabled=not paused,
            help=None if paused else "Pause first.",
        )
        for command, icon, told in (
            ("checkpoint", "save", "Saves all weights now."),
            ("evaluate", "query_stats", "Measures validation mAP now."),
            ("stop", "stop", "Saves a checkpoint and ends; can be resumed."),
        ):
            _button(folder, command, command.capitalize(), icon, told)


def _step_count(folder: RunFolder) -> int:
    return st.session_state.get(f"{folder.name}/count", 1)


def _button(
    folder: RunFolder,
    command: str,
    label: str,
    icon: str,
    told: str | None,
    arguments: Callable[[], dict[str, Any] | None] = lambda: None,
    *,
    key: str = "",
    **how: Any,
) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"{folder.name}/{key or command}",
        on_click=lambda: send(folder, command, arguments()),
        help=told,
        # However long the label: a button beside it must not move under the pointer.
        width=_BUTTON_PIXELS,
        **how,
    )


def _resume_button(folder: RunFolder) -> None:
    """Starts a new training process that goes on from the last checkpoint."""
    if st.button("Resume training", icon=":material/play_arrow:", type="primary"):
        ask_for_training(["--resume", folder.name], say_under="not sent")


def _message(status: RunStatus) -> None:
    """What the run has to say: an error when it ended badly, else a quiet line."""
    if status.state in (RunState.FAILED, RunState.LOST):
        say(status.message or f"The run {status.state} without a reason.")
    elif status.message and not status.is_live:
        st.caption(plain(status.message))


def _said(folder: RunFolder, *, live: bool) -> None:
    """The last commands, from whatever tab or terminal, newest first; what the run began with."""
    try:
        with RunStore.open(folder) as store:
            commands, events = store.commands(SHOWN_ANSWERS), store.events()
    except ValueError as error:
        say(error)
        return
    for command in commands:
        if command.state == "failed":
            say(answer_text(command, live=live))
    quiet = [answer_text(c, live=live) for c in commands if c.state != "failed"]
    if quiet:
        st.caption(plain(" · ".join(quiet)))
    # One that was killed before its first checkpoint has said it twice.
    told = dict.fromkeys((e.kind, str(e.detail.get("message"))) for e in events)
    for kind, text in told:
        if kind == "warning":
            st.warning(plain(text), icon=":material/warning:")
    notes = [text for kind, text in told if kind == "note"]
    # Many would leave no room for the curves.
    place = contextlib.nullcontext()
    if len(notes) > 1:
        place = st.popover(f"{len(notes)} notes on how it began", type="tertiary")
    with place:
        for text in notes:
            st.caption(plain(text))
