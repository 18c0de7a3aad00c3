"""From the press of Start or Resume to the run that it brings."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import streamlit as st

from dashboard.components.shared.carried import form_has_begun
from dashboard.components.shared.errors import plain
from dashboard.components.shared.jobs import ask_for
from dashboard.components.shared.run_picker import RUN
from dashboard.state import checkpoints_folder
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import RunState, RunStatus
from yolo_core.training.launcher import start_training

CAN_RESUME = (RunState.STOPPED, RunState.FAILED, RunState.LOST)
ON_ITS_WAY = (
    "The training process is still getting its data; the run comes into the list when it has it, "
    "and the page shows it when it is loaded again."
)


def ask_for_training(arguments: Sequence[str], *, say_under: str) -> None:
    """Draws the page again, which then starts a training; call it where a button was pressed.

    Args:
        arguments: As of `start_training`; the name of the run is the second one.
        say_under: Key of the session state for what there is to say when no run comes of it.
    """
    start = functools.partial(_start, list(arguments))
    ask_for(f"**{plain(arguments[1])}**", start, say_under=say_under)
    st.rerun()


def _start(arguments: list[str]) -> str | None:
    name = start_training(arguments, checkpoints_folder())
    if not (checkpoints_folder() / name).exists():
        return ON_ITS_WAY
    RUN.then(name)
    form_has_begun()
    return None


def can_resume(folder: RunFolder, status: RunStatus) -> bool:
    """Whether a training can be gone on with: it ended before its time, and says what it was."""
    return status.state in CAN_RESUME and folder.restarts
