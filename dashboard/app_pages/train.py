"""The Train page: start a training, watch it, steer it."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.empty import no_runs
from dashboard.components.shared.jobs import is_asked_for, start_asked_for
from dashboard.components.shared.polling import poll_run
from dashboard.components.shared.run_picker import pick_run
from dashboard.components.train.dials import dial_panel
from dashboard.components.train.live_curves import live_curves
from dashboard.components.train.log_tail import log_tail
from dashboard.components.train.new_training import new_training
from dashboard.components.train.run_controls import run_controls
from dashboard.data_folders import data_folders
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import RunState, read_status

ENDED_BADLY = (RunState.FAILED, RunState.LOST, RunState.UNREADABLE)


def show(folder: RunFolder) -> None:
    """A run: what it does, its buttons, its dials, its curves, its log."""
    state = read_status(folder).state
    poll_run(run_controls, folder)
    if state is not RunState.UNREADABLE:
        poll_run(dial_panel, folder)
        poll_run(live_curves, folder, every=2.0)
    ended_badly = state in ENDED_BADLY
    with st.expander("Log", icon=":material/notes:", expanded=ended_badly):
        poll_run(log_tail, folder, ended_badly, every=2.0)


starting = is_asked_for()
with st.sidebar:
    new_training(starting=starting)
if starting:
    start_asked_for()
# In one container, which what `start_asked_for` says takes the place of, with all that is in it.
with st.container():
    run = pick_run()
    if run is None:
        no_runs(
            "the settings there train a detector of your own pictures."
            if data_folders()
            else "the settings there train a detector of digits in about a minute on two CPU "
            "cores.",
            press="Press **Start training** on the left",
            icon="arrow_back",
        )
    else:
        show(run)
