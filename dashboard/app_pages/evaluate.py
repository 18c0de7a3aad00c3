"""The Evaluate page: how good a checkpoint is on a split, and every error with its picture."""

from __future__ import annotations

import functools

import streamlit as st

from dashboard.components.evaluate.listed import address_of, show_errors
from dashboard.components.evaluate.numbers import (
    pick_threshold,
    show_curves,
    show_scores,
    show_tables,
    what_it_is,
)
from dashboard.components.evaluate.own_picture import own_picture
from dashboard.components.evaluate.result import read_result
from dashboard.components.evaluate.start import (
    NOT_STARTED,
    pick_evaluation,
    show_progress,
    start_form,
)
from dashboard.components.shared.empty import no_runs
from dashboard.components.shared.errors import say
from dashboard.components.shared.jobs import start_if_asked
from dashboard.components.shared.open_sample import leave_if_asked
from dashboard.components.shared.polling import poll
from dashboard.components.shared.run_picker import pick_run
from yolo_core.evaluation.job.folder import EvaluationFolder
from yolo_core.jobs.status import read_job
from yolo_core.runs.layout import RunFolder


def show(run: RunFolder) -> None:
    """What can be evaluated of a run, and the evaluation that is chosen."""
    wanted = start_form(run)
    start_if_asked(NOT_STARTED)
    if wanted is not None:
        with st.expander("Your own picture", icon=":material/add_photo_alternate:"):
            own_picture(run, wanted)
    folder = pick_evaluation(run)
    if folder is None:
        st.info(
            "No evaluation of this run yet. Press **Start evaluation**: all samples of the split "
            "are looked at, and this page then shows average precision by class and size, what a "
            "threshold means, and every error with its picture.",
            icon=":material/arrow_upward:",
        )
        return
    poll(show_progress, folder, every=1.0, goes_on=functools.partial(is_live, folder))
    if folder.table.exists():
        show_result(folder)


def is_live(folder: EvaluationFolder) -> bool:
    """Whether an evaluation has a process."""
    return read_job(folder.status).is_live


def show_result(folder: EvaluationFolder) -> None:
    """What an evaluation found."""
    try:
        result = read_result(folder)
    except ValueError as error:
        say(error)
        st.caption("Start the evaluation again to make it anew.")
        return
    st.caption(what_it_is(result, folder.name))
    threshold = pick_threshold(result)
    show_scores(result, threshold)
    show_curves(result, threshold, folder.name)
    show_errors(folder, result, threshold)
    show_tables(result, threshold)


if not leave_if_asked(address_of):
    run_folder = pick_run()
    if run_folder is None:
        no_runs("as soon as it has a checkpoint, it can be evaluated here.")
    else:
        show(run_folder)
