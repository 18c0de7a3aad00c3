"""The Train page: start a training, watch it, steer it."""

from __future__ import annotations

import functools

import streamlit as st

from dashboard.cache import cached_disk_use, cached_overview
from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.carried import close_form, is_form_open, open_form
from dashboard.components.shared.empty import no_runs
from dashboard.components.shared.gone import say_gone
from dashboard.components.shared.jobs import (
    JUST_STARTED,
    is_asked_for,
    start_asked_for,
    start_if_asked,
)
from dashboard.components.shared.polling import one_look, poll, poll_changes, poll_run
from dashboard.components.shared.run_picker import RUN, pick_run
from dashboard.components.shared.run_table import show_runs, ticked_runs
from dashboard.components.train import dials, latest_picture, run_controls
from dashboard.components.train.changes import change_table
from dashboard.components.train.live_curves import live_curves
from dashboard.components.train.log_tail import log_tail
from dashboard.components.train.new_training import new_training
from dashboard.components.train.open_inspect import leave_if_asked
from dashboard.components.train.pulls import show_pulls
from dashboard.components.train.what_if.ask import NOT_FORKED, ask_fork
from dashboard.components.train.what_if.outcome import show_forks, show_sweeps
from dashboard.data_folders import data_folders
from dashboard.state import checkpoints_folder
from yolo_core.runs.layout import RunFolder, list_runs
from yolo_core.runs.status import RunState, read_status

CURVES, PULLS, CHANGES, WHAT_IF, LOG = PANES = (
    *("Curves", "What pulls", "Changes", "What if from here", "Log"),
)
PANE = UrlChoice("pane")
COLUMNS = (
    *("line", "★", "run", "state", "step", "of", "mAP50", "best mAP50", "total", "changes"),
    *("disk, MB", "note", "loss", "data", "started"),
)
# Line styles of the runs that are ticked, and how they look in a table.
DASHES = {"dash": "╌╌╌", "dot": "┈┈", "dashdot": "╌·╌", "longdash": "— —"}
LOOK = 4.0
"""Seconds between two looks at most of the page: drawn together, it costs little more than one."""
ENDED_BADLY = (RunState.FAILED, RunState.LOST, RunState.UNREADABLE)


def show() -> None:
    """The runs; of the chosen one what it does, its buttons, its dials, its curves, its log."""
    runs = list_runs(checkpoints_folder())
    there = [each.name for each in runs]
    # One that is started elsewhere comes into the table, too.
    poll(
        None,
        every=LOOK,
        goes_on=lambda: [run.name for run in list_runs(checkpoints_folder())] == there,
    )
    found = {each.name: (cached_overview(each), cached_disk_use(each)) for each in runs}
    table = st.container()
    with st.container(key="choices", horizontal=True, gap="small"):
        st.button("New training", icon=":material/add:", on_click=open_form)
        folder = pick_run()
        with st.container(key="controls"):
            if folder is not None:
                st.fragment(run_controls.run_controls, key=run_controls.KEY)(folder)
    say_gone()
    if folder is None:
        return
    ticked = ticked_runs(found)
    others = [name for name in ticked if name != folder.name]
    beside = dict(zip(others, DASHES, strict=False))
    with table:
        show_runs(
            found,
            there,
            ticked,
            most=4,
            row_height=28,
            order=COLUMNS,
            lines={folder.name: "▶", **{name: DASHES[dash] for name, dash in beside.items()}},
            on_choice=RUN.then,
            every=2 * LOOK,
        )
    state = read_status(folder).state
    ended_badly = state in ENDED_BADLY
    if state is RunState.UNREADABLE:
        poll_run(log_tail, folder, ended_badly, every=2.0)
        return
    # An answer that is waited for is looked for by itself.
    shows = functools.partial(dials.shown_of, folder)
    poll_changes(dials.dial_panel, folder, key=dials.KEY, every=LOOK, shows=shows)
    pane = PANE.pick(
        st.segmented_control,
        "Below",
        PANES,
        default=LOG if ended_badly else CURVES,
        label_visibility="collapsed",
        required=True,
    )
    if pane == CURVES:
        # As long as any of the runs that are drawn goes on.
        drawn = [folder, *(each for each in runs if each.name in beside)]
        poll(
            live_curves,
            folder,
            beside,
            every=LOOK,
            goes_on=lambda: any(read_status(each).is_live for each in drawn),
        )
        shows = functools.partial(latest_picture.shown_of, folder)
        picture = latest_picture.latest_picture
        poll_changes(picture, folder, key="latest", every=2 * LOOK, shows=shows)
        return
    with st.container(key="other-pane"):
        if pane == PULLS:
            poll_run(show_pulls, folder, every=2.0)
        elif pane == CHANGES:
            poll_run(change_table, folder)
        elif pane == WHAT_IF:
            left, right = st.columns([2, 3], gap="large")
            with left:
                what_if(folder)
            with right:
                show_forks(folder)
                show_sweeps(folder)
        else:
            poll_run(log_tail, folder, ended_badly, every=2.0)


def what_if(folder: RunFolder) -> None:
    """Forks and sweeps: the form."""
    start_if_asked(NOT_FORKED)
    if folder.config.is_file():
        ask_fork(folder)
    else:
        st.info(
            "A script of your own recorded this run, so its training cannot be repeated from "
            "here: run that script from its checkpoint.",
            icon=":material/info:",
        )


@st.dialog("New training", width="large", on_dismiss=close_form)
def form_in_dialog() -> None:
    """The form over the page."""
    new_training()


def first_page() -> None:
    """What there is to do while there is no run: the form itself."""
    no_runs(
        "the settings below it train a detector of your own pictures."
        if data_folders()
        else "the settings below it train a detector of digits in about a minute on two CPU cores.",
        press="Press **Start training**",
        icon="arrow_downward",
    )
    new_training()


if is_asked_for():
    start_asked_for()
# In one container, which what `start_asked_for` says takes the place of, with all that is in it.
with st.container(key="train", gap="xsmall"), one_look():
    if not list_runs(checkpoints_folder()):
        first_page()
    elif not leave_if_asked():
        if is_form_open():
            form_in_dialog()
        show()
# A second click comes in the very next run, if at all.
st.session_state.pop(JUST_STARTED, None)
