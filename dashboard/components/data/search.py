"""A search before training on the page: its button, how far it is, what it found."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.cache import file_version
from dashboard.components.data.opened import Opened
from dashboard.components.shared.errors import say
from dashboard.components.shared.jobs import (
    ask_for,
    show_job,
    start_if_asked,
)
from dashboard.components.shared.polling import poll
from dashboard.state import checkpoints_folder
from yolo_core.before.folder import BeforeFolder, folder_of, start
from yolo_core.jobs.status import JobState, read_job
from yolo_core.training.config import RunConfig

_NOT_STARTED = "search not started"


def search(
    kind: str,
    config: RunConfig,
    opened: Opened,
    read: Callable[[Path, Any], Any],
    *,
    label: str,
    what: str,
) -> Any:
    """What was found, or None; shows the button that looks, and how far that is.

    Args:
        kind: As of `folder_of`.
        config: What is asked.
        opened: The data.
        read: Reads the result, given its file and the pictures.
        label: Of the button.
        what: What is looked for, for "Starting ...".
    """
    folder = folder_of(checkpoints_folder(), kind, config)
    start_if_asked(_NOT_STARTED)
    job = read_job(folder.status) if folder.status.exists() else None
    state = None if job is None else job.state
    found, wrong = None, None
    if state is JobState.FINISHED:
        try:
            found = _kept(folder, opened, read)
        except ValueError as error:
            wrong = str(error)
    # Not by a callback: that would look for what was typed when the button was drawn.
    if (
        found is None
        and not (job is not None and job.is_live)
        and st.button(
            label,
            key=f"data start {kind}",
            type="primary",
            icon=":material/search:",
            help="A process of its own does it: the page can be closed.",
        )
    ):
        ask_for(what, functools.partial(start, folder, config), say_under=_NOT_STARTED)
        st.rerun()
    if wrong is not None:
        say(wrong)
    elif state is not None and state is not JobState.FINISHED:
        poll(
            lambda: show_job(folder.status, unit="pictures"),
            every=0.5,
            goes_on=lambda: read_job(folder.status).is_live,
        )
    return found


def _kept(folder: BeforeFolder, opened: Opened, read: Callable[[Path, Any], Any]) -> Any:
    """The result, read once for each state of the file and the data."""
    key = f"data found {folder.kind}"
    version = (str(folder.result), file_version(folder.result), opened.number)
    kept = st.session_state.get(key)
    if kept is None or kept[0] != version:
        kept = (version, read(folder.result, opened.overview.data))
        st.session_state[key] = kept
    return kept[1]
