"""The Evaluate page: how good a checkpoint is on a split, and every error with its picture."""

from __future__ import annotations

import functools
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.evaluate.costs import pick_listed, show_costs, show_matrix
from dashboard.components.evaluate.listed import address_of, show_errors
from dashboard.components.evaluate.numbers import (
    pick_threshold,
    show_classes,
    show_curves,
    show_scores,
    show_sizes,
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
from dashboard.components.shared.gone import say_gone
from dashboard.components.shared.jobs import start_if_asked
from dashboard.components.shared.open_sample import leave_if_asked
from dashboard.components.shared.polling import poll
from dashboard.components.shared.run_picker import pick_run
from dashboard.components.shared.screen import choices, panes, screen
from yolo_core.evaluation.job.folder import EvaluationFolder
from yolo_core.jobs.status import read_job
from yolo_core.runs.layout import RunFolder


def show(run: RunFolder, row: DeltaGenerator) -> None:
    """What can be evaluated of a run, and the evaluation that is chosen."""
    with row:
        folder = pick_evaluation(run)
        if folder is not None:
            with st.popover("New evaluation", icon=":material/add:"):
                wanted = start_form(run)
    if folder is None:
        wanted = start_form(run)
    with st.container(key="findings", gap="xxsmall"):
        say_gone()
        start_if_asked(NOT_STARTED)
    if folder is not None:
        poll(show_progress, folder, every=1.0, goes_on=functools.partial(is_live, folder))
    elif wanted is not None:
        st.info(
            "No evaluation of this run yet. Press **Start evaluation**: all samples of the split "
            "are looked at, and this page then shows average precision by class and size, what a "
            "threshold means, and every error with its picture.",
            icon=":material/arrow_upward:",
        )
    own = None if wanted is None else functools.partial(own_picture, run, wanted)
    if folder is not None and folder.table.exists():
        show_result(folder, own)
    elif own is not None:
        with st.expander("Your own picture", icon=":material/add_photo_alternate:"):
            own()


def is_live(folder: EvaluationFolder) -> bool:
    """Whether an evaluation has a process."""
    return read_job(folder.status).is_live


def show_result(folder: EvaluationFolder, own: Callable[[], None] | None) -> None:
    """What an evaluation found.

    Args:
        folder: The evaluation.
        own: Shows what the network finds in a picture of one's own; None where it cannot be asked.
    """
    try:
        result = read_result(folder)
    except ValueError as error:
        say(error)
        st.caption("Start the evaluation again to make it anew.")
        return
    with st.container(key="about", gap="xxsmall"):
        st.caption(what_it_is(result, folder.name))
        scores = st.container(key="counts", horizontal=True, gap="small")
    curves, matrix, errors = screen(1, 1, 1)
    with curves:
        threshold = pick_threshold(result)
        show_curves(result, threshold, folder.name)
    with scores:
        show_scores(result, threshold)
    listed = pick_listed(result, threshold)
    with curves:
        show_costs(folder, result)
    with matrix:
        show_matrix(folder, result, listed, threshold)
        makers = {
            "By class": lambda: show_classes(result, threshold),
            "By size": lambda: show_sizes(result),
        }
        panes(makers if own is None else {**makers, "Your own picture": own}, key="part")
    with errors:
        show_errors(folder, result, listed)


if not leave_if_asked(address_of):
    row = choices()
    with row:
        run_folder = pick_run()
    if run_folder is None:
        no_runs("as soon as it has a checkpoint, it can be evaluated here.")
    else:
        show(run_folder, row)
