"""The Survey page: where to look among all samples of a split."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.jobs import is_asked_for
from dashboard.components.shared.run_picker import pick_run
from dashboard.components.shared.survey_files import cached_table
from dashboard.components.survey.delete import delete_survey, say_if_not_deleted
from dashboard.components.survey.ledger import show_ledger
from dashboard.components.survey.loss import show_loss
from dashboard.components.survey.open import leave_if_asked, rerun_if_asked
from dashboard.components.survey.start import (
    SHOWN_KEY,
    pick_survey,
    show_progress,
    start_form,
)
from dashboard.components.survey.worst import show_worst
from dashboard.state import RUN_KEY, checkpoints_folder
from yolo_core.jobs.status import JobState, read_job
from yolo_core.runs.layout import RunFolder, list_runs
from yolo_core.survey.folder import SurveyFolder


@st.fragment(run_every=2.0)
def no_runs() -> None:
    """What to press while there is no run; looks for one that is started meanwhile."""
    if list_runs(checkpoints_folder()):
        st.rerun()
    st.info(
        "No runs yet. Open **Train** at the top and press **Start training**: as soon as it runs, "
        "all samples of a split can be looked at here.",
        icon=":material/arrow_upward:",
    )


def show(run: RunFolder) -> None:
    """What can be surveyed of a run, and the survey that is chosen."""
    start_form(run)
    choice, button = st.columns([9, 1], vertical_alignment="bottom")
    with choice:
        folder = pick_survey(run)
    say_if_not_deleted()
    if folder is None:
        st.info(
            "No survey of this run yet. Press **Start survey**: all samples of the split are "
            "looked at, and this page then shows the worst ones, which objects are lost and why, "
            "and where the loss is.",
            icon=":material/arrow_upward:",
        )
        return
    live = read_job(folder.status).is_live
    if not live:
        with button:
            delete_survey(folder)
    st.fragment(show_going, run_every=1.0 if live else None)(folder, live)
    # Seldomer: it is ten times the work, and a table that changes under the mouse is no help.
    st.fragment(show_found, run_every=4.0 if live else None)(folder, live)


def show_going(folder: SurveyFolder, was_live: bool) -> None:
    """How a survey goes, or how it ended."""
    if was_live != read_job(folder.status).is_live or is_asked_for():
        st.rerun()  # begins or ends the polling
    show_progress(folder)


def show_found(folder: SurveyFolder, live: bool) -> None:
    """What a survey has found so far."""
    rerun_if_asked()
    state = read_job(folder.status).state
    if not folder.table.exists() and (live or state is not JobState.FINISHED):
        return
    try:
        table = cached_table(folder)
    except ValueError as error:
        say(error)
        st.caption("Start the survey again to make it anew.")
        return
    st.caption(
        f"{len(table.samples.name):,} samples of {folder.split} by the weights of step "
        f"{folder.step:,}, each a batch of this one picture in inference mode. Loss: "
        f"{plain(table.loss_name)}. {folder.bytes() / 1e6:,.0f} MB in {plain(folder.name)}."
    )
    show_worst(folder, table)
    show_loss(folder, table)
    show_ledger(folder, table)


if not leave_if_asked(st.query_params.get(RUN_KEY), st.query_params.get(SHOWN_KEY)):
    run_folder = pick_run()
    if run_folder is None:
        no_runs()
    else:
        show(run_folder)
