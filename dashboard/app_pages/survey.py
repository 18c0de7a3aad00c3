"""The Survey page: where to look among all samples of a split."""

from __future__ import annotations

import functools

import streamlit as st

from dashboard.components.shared.empty import no_runs
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.jobs import start_if_asked
from dashboard.components.shared.open_sample import rerun_if_asked
from dashboard.components.shared.polling import poll
from dashboard.components.shared.run_picker import RUN, pick_run
from dashboard.components.shared.survey_files import cached_table
from dashboard.components.survey.delete import delete_survey, say_if_not_deleted
from dashboard.components.survey.ledger import show_ledger
from dashboard.components.survey.loss import show_loss
from dashboard.components.survey.open import leave_if_asked
from dashboard.components.survey.start import (
    NOT_STARTED,
    SHOWN,
    pick_survey,
    show_progress,
    start_form,
)
from dashboard.components.survey.worst import show_worst
from yolo_core.jobs.status import JobState, read_job
from yolo_core.runs.layout import RunFolder
from yolo_core.survey.folder import SurveyFolder


def show(run: RunFolder) -> None:
    """What can be surveyed of a run, and the survey that is chosen."""
    start_form(run)
    start_if_asked(NOT_STARTED)
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
    if not is_live(folder):
        with button:
            delete_survey(folder)
    goes_on = functools.partial(is_live, folder)
    poll(show_progress, folder, every=1.0, goes_on=goes_on)
    # Seldomer: it is ten times the work, and a table that changes under the mouse is no help.
    poll(show_found, folder, every=4.0, goes_on=goes_on)


def is_live(folder: SurveyFolder) -> bool:
    """Whether a survey has a process."""
    return read_job(folder.status).is_live


def show_found(folder: SurveyFolder) -> None:
    """What a survey has found so far."""
    rerun_if_asked()
    if not folder.table.exists() and read_job(folder.status).state is not JobState.FINISHED:
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


if not leave_if_asked(st.query_params.get(RUN.key), st.query_params.get(SHOWN.key)):
    run_folder = pick_run()
    if run_folder is None:
        no_runs("as soon as it runs, all samples of a split can be looked at here.")
    else:
        show(run_folder)
