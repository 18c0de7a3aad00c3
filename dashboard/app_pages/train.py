"""The Train page: start a training, watch it, steer it."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.jobs import is_asked_for, start_asked_for
from dashboard.components.shared.run_picker import pick_run
from dashboard.components.train.dials import dial_panel
from dashboard.components.train.live_curves import live_curves
from dashboard.components.train.log_tail import log_tail
from dashboard.components.train.new_training import new_training
from dashboard.components.train.run_controls import run_controls
from dashboard.state import checkpoints_folder
from yolo_core.runs.layout import RunFolder, list_runs
from yolo_core.runs.status import RunState, read_status

ENDED_BADLY = (RunState.FAILED, RunState.LOST, RunState.UNREADABLE)


@st.fragment(run_every=2.0)
def no_runs() -> None:
    """What to press while there is no run; looks for one that is started in a terminal."""
    if list_runs(checkpoints_folder()):
        st.rerun()
    st.info(
        "No runs yet. Press **Start training** on the left: the settings there train a detector "
        "of digits in about a minute on two CPU cores.",
        icon=":material/arrow_back:",
    )


def show(folder: RunFolder) -> None:
    """A run: what it does, its buttons, its dials, its curves, its log."""
    status = read_status(folder)
    run_controls(folder, polling=status.is_live)
    if status.state is not RunState.UNREADABLE:
        dial_panel(folder, polling=status.is_live)
        live_curves(folder, polling=status.is_live)
    log_tail(folder, polling=status.is_live, ended_badly=status.state in ENDED_BADLY)


starting = is_asked_for()
with st.sidebar:
    new_training(starting=starting)
if starting:
    start_asked_for()
# In one container, which what `start_asked_for` says takes the place of, with all that is in it.
with st.container():
    run = pick_run()
    if run is None:
        no_runs()
    else:
        show(run)
