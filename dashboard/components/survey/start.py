"""What a survey is to be of, the button that starts it, and how it goes."""

from __future__ import annotations

import functools

import streamlit as st

from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.empty import no_checkpoint, no_network
from dashboard.components.shared.errors import say
from dashboard.components.shared.jobs import (
    ask_for,
    is_asked_for,
    pick_shown,
    show_job,
    split_words,
)
from yolo_core.jobs.status import read_job
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.split_folder import SPLITS
from yolo_core.runs.store import RunStore
from yolo_core.survey.folder import SurveyFolder, list_surveys
from yolo_core.survey.launcher import start_survey
from yolo_core.survey.worker import MOST_SAMPLES
from yolo_core.training.config import read_config

# Not bound: which surveys there are differs from run to run.
SHOWN = UrlChoice("survey", bound=False)
NOT_STARTED = "survey not started"
_LATEST = "latest"


def start_form(run: RunFolder) -> bool:
    """Asks for split, count and checkpoint; says why nothing can be started where it cannot.

    Returns:
        Whether a survey can be started.
    """
    if no_network(run):
        return False
    try:
        count = read_config(run.config).data.validation_scenes
        with RunStore.open(run) as store:
            steps = [each.step for each in store.checkpoints()]
    except ValueError as error:
        say(error)
        return False
    # A survey that was stopped has kept its weights when the training deletes its own.
    steps = sorted({*steps, *(s.step for s in list_surveys(run) if s.weights.is_file())})
    if not steps:
        no_checkpoint(run, "samples", "at its start, and then every few hundred steps.")
        return False
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Samples of",
            SPLITS,
            default="val",
            key="survey split",
            required=True,
            width="content",
        )
        st.number_input(
            "How many",
            1,
            MOST_SAMPLES,
            min(count, MOST_SAMPLES),
            key=f"survey count {run.name}",
            help="The first ones of the split. The default is as many as an evaluation looks at.",
            width=160,
        )
        # Without its step: the browser goes on showing the one that it was a moment ago.
        names = {_LATEST: _LATEST}
        names |= {str(step): f"step {step:,}" for step in reversed(steps)}
        st.selectbox(
            "Weights of",
            list(names),
            format_func=names.__getitem__,
            key=f"survey step {run.name}",
            width=160,
        )
        st.button(
            "Start survey",
            icon=":material/travel_explore:",
            type="primary",
            on_click=_ask_chosen,
            args=(run,),
            disabled=is_asked_for(),
            help="Looks at every sample in inference mode, each as a batch of its own. A process "
            "of its own does it: the page can be closed, and a training goes on meanwhile.",
        )
    return True


def pick_survey(run: RunFolder) -> SurveyFolder | None:
    """The survey that is shown, chosen among those that there are; None without one."""
    return pick_shown(SHOWN, list_surveys(run))


def show_progress(folder: SurveyFolder) -> None:
    """How far a survey is, or how it ended."""
    if is_asked_for():
        st.rerun()  # Continue was pressed: the page starts it
    total = read_job(folder.status).total
    show_job(
        folder.status,
        unit="samples",
        go_on=functools.partial(_ask, folder.run, folder.split, total, folder.step),
        go_on_help=f"Goes on to all {total:,} samples of {split_words(folder)}.",
    )


def _ask_chosen(run: RunFolder) -> None:
    """Asks for what the fields hold at the press, which may not have been drawn yet."""
    step = st.session_state[f"survey step {run.name}"]
    _ask(
        run,
        st.session_state["survey split"],
        int(st.session_state[f"survey count {run.name}"]),
        None if step == _LATEST else int(step),
    )


def _ask(run: RunFolder, split: str, count: int, step: int | None) -> None:
    start = functools.partial(_start, run, split, count, step)
    ask_for(f"the survey of {split}", start, say_under=NOT_STARTED)


def _start(run: RunFolder, split: str, count: int, step: int | None) -> None:
    started = start_survey(run, split=split, count=count, step=step)
    if started is not None:
        SHOWN.then(started.name)
