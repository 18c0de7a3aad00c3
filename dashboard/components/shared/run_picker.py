"""The run that a page shows: chosen in a list, kept in the URL."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.address import preset
from dashboard.components.shared.errors import say
from dashboard.state import RUN_KEY, checkpoints_folder, take_next_run
from yolo_core.runs.layout import RunFolder, list_runs
from yolo_core.runs.status import RunState, read_status

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
    """Shows the state of a run as a small coloured word, and keeps it true while the run lives.

    When the run ends, the whole page is drawn again: what polled a live run then stops.
    """
    live = read_status(folder).is_live
    st.fragment(_state_badge, run_every=1.0 if live else None)(folder, was_live=live)


def _state_badge(folder: RunFolder, *, was_live: bool) -> None:
    status = read_status(folder)
    st.badge(status.state.value, color=STATE_COLORS[status.state])
    if was_live and not status.is_live:
        st.rerun()


@st.fragment(run_every=3.0)
def rerun_when_gone(*folders: RunFolder) -> None:
    """Draws the whole page again once a run that it shows was removed, to show another one."""
    if not all(folder.is_run for folder in folders):
        st.rerun()


def pick_run() -> RunFolder | None:
    """A list of all runs, newest first, with the state of the chosen one beside it.

    The choice is the URL's query parameter "run", so that a link reopens the same run. Without
    one, the newest run is taken.

    Returns:
        The chosen run, or None while there is none (what to do then is the page's to say).
    """
    runs = {folder.name: folder for folder in list_runs(checkpoints_folder())}
    if not runs:
        return None
    asked = take_next_run() or st.session_state.get(RUN_KEY) or st.query_params.get(RUN_KEY)
    if asked and asked not in runs:
        say(f"There is no run {asked!r} in {checkpoints_folder()}; this is the newest one.")
    chosen = asked if asked in runs else next(iter(runs))
    preset(RUN_KEY, chosen)
    choice, badge = st.columns([4, 1], vertical_alignment="bottom")
    with choice:
        # No preset index: the name then always stands in the URL, also that of the newest run,
        # and a link goes on meaning the same run when there is a newer one. The options are
        # bare names because the URL holds what the list shows, and a state changes.
        name = st.selectbox(
            "Run", list(runs), index=None, key=RUN_KEY, bind="query-params", placeholder="Choose"
        )
    if name is None:
        return None
    with badge:
        state_badge(runs[name])
    rerun_when_gone(runs[name])
    return runs[name]
