"""The Survey page: where to look among all samples of a split."""

from __future__ import annotations

import functools

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.shared.empty import no_runs
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.gone import say_gone
from dashboard.components.shared.jobs import start_if_asked
from dashboard.components.shared.open_sample import rerun_if_asked
from dashboard.components.shared.polling import poll
from dashboard.components.shared.run_picker import pick_run
from dashboard.components.shared.screen import choices, panes, screen
from dashboard.components.shared.survey_files import cached_table
from dashboard.components.survey.chosen import show_chosen
from dashboard.components.survey.delete import delete_survey, say_if_not_deleted
from dashboard.components.survey.ledger import show_anchors, show_counts, show_objects
from dashboard.components.survey.loss import show_loss
from dashboard.components.survey.open import keep_shown, leave_if_asked
from dashboard.components.survey.start import (
    NOT_STARTED,
    pick_survey,
    show_progress,
    start_form,
)
from dashboard.components.survey.worst import show_worst
from yolo_core.jobs.status import JobState, read_job
from yolo_core.runs.layout import RunFolder
from yolo_core.survey.folder import SurveyFolder
from yolo_core.survey.statistics import summary


def show(run: RunFolder, row: DeltaGenerator) -> None:
    """What can be surveyed of a run, and the survey that is chosen."""
    with row:
        folder = pick_survey(run)
        if folder is not None:
            with st.popover("New survey", icon=":material/add:"):
                start_form(run)
            if not is_live(folder):
                delete_survey(folder)
    can_start = folder is None and start_form(run)
    with st.container(key="findings", gap="xxsmall"):
        say_gone()
        say_if_not_deleted()
        start_if_asked(NOT_STARTED)
    if can_start:
        st.info(
            "No survey of this run yet. Press **Start survey**: all samples of the split are "
            "looked at, and this page then shows the worst ones, which objects are lost and why, "
            "and where the loss is.",
            icon=":material/arrow_upward:",
        )
    if folder is None:
        return
    keep_shown(folder)
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
    counts = summary(table)
    with st.container(key="about", gap="xxsmall"):
        st.caption(
            f"{len(table.samples.name):,} samples of {folder.split} by the weights of step "
            f"{folder.step:,}, each a batch of this one picture in inference mode. Loss: "
            f"{plain(table.loss_name)}. {folder.bytes() / 1e6:,.0f} MB in {plain(folder.name)}."
        )
        if counts.objects:
            show_counts(counts)
    left, right = screen(11, 9)
    with left:
        panes(
            {
                "Worst samples": lambda: show_worst(folder, table),
                "Objects": lambda: show_objects(folder, table, counts),
                "Where the loss is": lambda: show_loss(folder, table),
                "Anchors": lambda: show_anchors(folder, table),
            },
            key="found",
        )
    with right:
        show_chosen(folder, table)


if not leave_if_asked():
    row = choices()
    with row:
        run_folder = pick_run()
    if run_folder is None:
        no_runs("as soon as it runs, all samples of a split can be looked at here.")
    else:
        show(run_folder, row)
