"""The run that a page shows: chosen in a list, kept in the URL."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.gone import gone
from dashboard.components.shared.polling import poll
from dashboard.state import checkpoints_folder
from yolo_core.runs.layout import RunFolder, list_runs
from yolo_core.runs.status import RunState, read_status

RUN = UrlChoice("run")
STATE_COLORS = {
    RunState.STARTING: "blue",
    RunState.RUNNING: "green",
    RunState.PAUSED: "orange",
    RunState.FINISHED: "gray",
    RunState.STOPPED: "gray",
    RunState.FAILED: "red",
    RunState.LOST: "red",
    RunState.UNREADABLE: "red",
}


def state_badge(folder: RunFolder) -> None:
    """The state of a run as a small coloured word; with another one the page is drawn anew."""
    state = read_status(folder).state
    st.badge(state.value, color=STATE_COLORS[state])
    poll(None, every=2.0, goes_on=lambda: (status := read_status(folder)).is_live and status.state)


def rerun_when_gone(*folders: RunFolder) -> None:
    """Draws the whole page again once a run that it shows was removed, to show another one."""
    poll(None, every=3.0, goes_on=lambda: all(folder.is_run for folder in folders))


def pick_run() -> RunFolder | None:
    """A list of all runs, newest first, with the state of the chosen one beside it, in a row.

    The choice is the URL's query parameter "run", so that a link reopens the same run. Without
    one, the newest run is taken.

    Returns:
        The chosen run, or None while there is none (what to do then is the page's to say).
    """
    folder = checkpoints_folder()
    runs = {run.name: run for run in list_runs(folder)}
    if not runs:
        return None
    choice, badge = st.container(width=210), st.container(width="content")
    with choice:
        # The options are bare names because the URL holds what the list shows, and a state changes.
        name = RUN.pick(
            st.selectbox,
            "Run",
            list(runs),
            missing=lambda asked: gone(
                f"There is no run {asked!r} in {folder}; this is the newest."
            ),
            placeholder="Choose",
        )
    with badge:
        state_badge(runs[name])
    if not read_status(runs[name]).is_live:  # one that is gone is not live either
        rerun_when_gone(runs[name])
    return runs[name]
