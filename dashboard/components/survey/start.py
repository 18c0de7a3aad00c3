"""What a survey is to be of, the button that starts it, and how it goes."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.run_commands import duration
from yolo_core.jobs.status import JobState, JobStatus, read_job, stop_job
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.store import RunStore
from yolo_core.survey.folder import SPLITS, SurveyFolder, list_surveys
from yolo_core.survey.launcher import start_survey
from yolo_core.survey.worker import MOST_SAMPLES
from yolo_core.training.config import read_config

SHOWN_KEY = "survey"
_NEXT, _NOT_STARTED, _NOT_STOPPED = "next survey", "survey not started", "survey not stopped"
_ASKED, _JUST_STARTED = "survey asked for", "survey just started"
_STOPPING = "process of the survey that was asked to stop"
_LATEST = "latest"


def start_form(run: RunFolder) -> None:
    """Asks for split, count and checkpoint; says why nothing can be started where it cannot."""
    try:
        count = read_config(run.config).data.validation_scenes
        with RunStore.open(run) as store:
            steps = [each.step for each in store.checkpoints()]
    except ValueError as error:
        say(error)
        return
    # A survey that was stopped has kept its weights when the training deletes its own.
    steps = sorted({*steps, *(s.step for s in list_surveys(run) if s.weights.is_file())})
    if not steps:
        st.info(
            "This run has no checkpoint yet, so there are no weights to look at samples with. It "
            "writes one at its start, and then every few hundred steps.",
            icon=":material/hourglass_top:",
        )
        return
    split_place, count_place, step_place, button_place = st.columns(
        [2, 2, 2, 3], vertical_alignment="bottom"
    )
    with split_place:
        split = st.segmented_control(
            "Samples of", SPLITS, default="val", key="survey split", required=True
        )
    with count_place:
        wanted = st.number_input(
            "How many",
            1,
            MOST_SAMPLES,
            min(count, MOST_SAMPLES),
            key=f"survey count {run.name}",
            help="The first ones of the split. The default is as many as an evaluation looks at.",
        )
    with step_place:
        names = {_LATEST: f"latest (step {steps[-1]:,})"}
        names |= {str(step): f"step {step:,}" for step in reversed(steps)}
        step = st.selectbox(
            "Weights of", list(names), format_func=names.__getitem__, key=f"survey step {run.name}"
        )
    with button_place:
        st.button(
            "Start survey",
            icon=":material/travel_explore:",
            type="primary",
            on_click=_ask,
            args=(run, split, int(wanted), None if step == _LATEST else int(step)),
            disabled=is_asked_for(),
            help="Looks at every sample in inference mode, each as a batch of its own. A process "
            "of its own does it: the page can be closed, and a training goes on meanwhile.",
        )
    if is_asked_for():
        _start_asked_for()
    st.session_state.pop(_JUST_STARTED, None)
    error = st.session_state.pop(_NOT_STARTED, None)
    if error:
        say(error)


def is_asked_for() -> bool:
    """Whether a survey is about to be started, which takes a whole run of the page."""
    return _ASKED in st.session_state


def pick_survey(run: RunFolder) -> SurveyFolder | None:
    """The survey that is shown, chosen among those that there are; None without one."""
    surveys = {each.name: each for each in list_surveys(run)}
    if not surveys:
        return None
    newest = max(surveys.values(), key=lambda each: _changed(each)).name
    asked = st.session_state.pop(_NEXT, None) or st.query_params.get(SHOWN_KEY)
    chosen = asked if asked in surveys else newest
    # Not bound: which surveys there are differs from run to run.
    if st.session_state.get(SHOWN_KEY) not in surveys or st.session_state[SHOWN_KEY] != chosen:
        st.session_state[SHOWN_KEY] = chosen
    st.segmented_control(
        "Shown",
        list(surveys),
        format_func=lambda name: survey_words(surveys[name]),
        key=SHOWN_KEY,
        required=True,
        on_change=_remember,
    )
    if st.query_params.get(SHOWN_KEY) != chosen:
        st.query_params[SHOWN_KEY] = chosen
    return surveys[chosen]


def survey_words(folder: SurveyFolder) -> str:
    """A survey in words, such as "val, step 2,500"."""
    return f"{folder.split}, step {folder.step:,}"


def show_progress(folder: SurveyFolder, status: JobStatus) -> None:
    """How far a survey is, with its Stop button; or how it ended, where there is more to say."""
    if status.is_live:
        bar, button = st.columns([8, 1], vertical_alignment="bottom")
        with bar:
            share = min(status.done / status.total, 1.0) if status.total else 0.0
            stopping = st.session_state.get(_STOPPING) == status.process
            st.progress(share, text=plain(progress_text(status)) + " · stopping" * stopping)
        with button:
            st.button(
                "Stop",
                icon=":material/stop:",
                key="survey stop",
                on_click=_stop,
                args=(folder,),
                disabled=stopping,
                help="Keeps what is there; Continue then goes on from there.",
            )
    elif status.state is not JobState.FINISHED:
        notice, button = st.columns([8, 1], vertical_alignment="center")
        with notice:
            _say_how_it_ended(status)
        if status.total:
            with button:
                st.button(
                    "Continue",
                    icon=":material/play_arrow:",
                    key="survey continue",
                    on_click=_ask,
                    args=(folder.run, folder.split, status.total, folder.step),
                    help=f"Goes on to all {status.total:,} samples of {survey_words(folder)}.",
                )
    elif status.message:
        st.caption(plain(status.message))
    error = st.session_state.pop(_NOT_STOPPED, None)
    if error:
        say(error)


def _say_how_it_ended(status: JobStatus) -> None:
    if status.state is JobState.STOPPED:
        st.warning(
            f"Stopped after {status.done:,} of {status.total:,} samples"
            + (", which are shown." if status.done else "."),
            icon=":material/pause_circle:",
        )
    else:
        shown = f" The {status.done:,} samples it had are shown." if status.done else ""
        say(f"{status.message}{shown}")


def progress_text(status: JobStatus) -> str:
    """Samples, rate and time left as one line."""
    parts = [f"{status.done:,} of {status.total:,} samples"]
    if status.state is JobState.STARTING and status.message:
        parts.append(status.message.removesuffix("."))
    if status.rate:
        parts.append(f"{status.rate:,.0f} a second")
    if status.seconds_left is not None:
        parts.append(f"{duration(status.seconds_left)} left")
    return " · ".join(parts)


def _ask(run: RunFolder, split: str, count: int, step: int | None) -> None:
    """Has the page start a survey once it has been drawn; the second click of two is not meant."""
    if not st.session_state.pop(_JUST_STARTED, False):
        st.session_state[_ASKED] = (run, split, count, step)


def _start_asked_for() -> None:
    run, split, count, step = st.session_state[_ASKED]
    st.info(f"Starting the survey of {split}.", icon=":material/hourglass_top:")
    with st.spinner("The surveying process comes up", show_time=True):
        try:
            started = start_survey(run, split=split, count=count, step=step)
            if started is not None:
                st.session_state[_NEXT] = started.name
        except ValueError as error:
            st.session_state[_NOT_STARTED] = str(error)
        # Before anything is drawn, where a click that came meanwhile would end this run.
        del st.session_state[_ASKED]
        st.session_state[_JUST_STARTED] = True
    st.rerun()


def _stop(folder: SurveyFolder) -> None:
    st.session_state[_STOPPING] = read_job(folder.status).process
    try:
        stop_job(folder.status)
    except ValueError as error:
        if read_job(folder.status).is_live:
            st.session_state[_NOT_STOPPED] = str(error)
            st.session_state[_STOPPING] = None


def _remember() -> None:
    st.session_state[_NEXT] = st.session_state[SHOWN_KEY]


def _changed(folder: SurveyFolder) -> float:
    try:
        return folder.status.stat().st_mtime
    except OSError:
        return 0.0
