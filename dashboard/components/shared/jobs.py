"""A job on a page: from the press of its button to its process, how far it is, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import streamlit as st

from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.gone import gone
from dashboard.components.shared.run_commands import duration
from yolo_core.jobs.status import JobState, JobStatus, read_job, stop_job
from yolo_core.runs.split_folder import SplitFolder

Folder = TypeVar("Folder", bound=SplitFolder)

JUST_STARTED = "just started"
_ASKED = "job asked for"
_STOPPING, _NOT_STOPPED = "process that was asked to stop", "job not stopped"


def ask_for(what: str, start: Callable[[], str | None], *, say_under: str) -> None:
    """Has the next run of the page start a job, so that the press is answered at once.

    Args:
        what: What is started, in markdown, for "Starting ...".
        start: Starts it; returns what there is to say where nothing is to be seen of it yet.
        say_under: Key of the session state for that, or for why it did not start; else it is "".
    """
    # The second click of a double click comes while the first one starts the process, so it is in
    # the very next run of the script.
    if not st.session_state.pop(JUST_STARTED, False):
        st.session_state[_ASKED] = (what, start, say_under)


def is_asked_for() -> bool:
    """Whether a job is about to be started, which takes a whole run of the page."""
    return _ASKED in st.session_state


def start_asked_for() -> None:
    """Says what is started, starts it, and draws the page again."""
    what, start, say_under = st.session_state[_ASKED]
    st.info(f"Starting {what}.", icon=":material/hourglass_top:")
    with st.spinner("The process comes up", show_time=True):
        try:
            said = start() or ""
            st.session_state[JUST_STARTED] = True
        except ValueError as error:
            said = str(error)
        # Before anything is drawn, where a click that came meanwhile would end this run.
        del st.session_state[_ASKED]
        st.session_state[say_under] = said
    st.rerun()


def start_if_asked(not_started: str) -> None:
    """Starts what a press asked for; says why it did not start.

    Args:
        not_started: Key of the session state for that, as given to `ask_for`.
    """
    if is_asked_for():
        start_asked_for()
    st.session_state.pop(JUST_STARTED, None)
    error = st.session_state.pop(not_started, None)
    if error:
        say(error)


def split_words(folder: SplitFolder) -> str:
    """What a job was of, such as "val, step 2,500"."""
    return f"{folder.split}, step {folder.step:,}"


def pick_shown(choice: UrlChoice, folders: Sequence[Folder]) -> Folder | None:
    """The one that is shown of what jobs left, the last one at the beginning; None without any."""
    there = {each.name: each for each in folders}
    if not there:
        return None
    shown = choice.pick(
        st.selectbox,
        "Shown",
        list(there),
        default=max(folders, key=_changed).name,
        format_func=lambda name: split_words(there[name]),
        width=190,
        missing=lambda name: gone(f"There is no {name} of this run any more."),
    )
    return there[shown]


def _changed(folder: SplitFolder) -> float:
    try:
        return folder.status.stat().st_mtime
    except OSError:
        return 0.0


def show_job(
    file: Path,
    *,
    unit: str,
    go_on: Callable[[], None] | None = None,
    go_on_help: str = "",
    stop_help: str = "Keeps what is there; Continue then goes on from there.",
) -> None:
    """How far a job is, with its Stop button; or how it ended, where there is more to say.

    Args:
        file: Its status file.
        unit: What its work comes in, such as "samples".
        go_on: Called where somebody asks for the rest of one that ended before its time.
        go_on_help: What that means.
        stop_help: What stopping it means.
    """
    status = read_job(file)
    if status.is_live:
        bar, button = st.columns([8, 1], vertical_alignment="bottom")
        with bar:
            share = min(status.done / status.total, 1.0) if status.total else 0.0
            text = plain(progress_text(status, unit)) + " · stopping" * _is_stopping(status)
            st.progress(share, text=text)
        with button:
            stop_button(file, status, stop_help)
    elif status.state is not JobState.FINISHED:
        notice, button = st.columns([8, 1], vertical_alignment="center")
        with notice:
            _say_how_it_ended(status, unit)
        if status.total and go_on is not None:
            with button:
                st.button(
                    "Continue",
                    icon=":material/play_arrow:",
                    key=f"continue {file}",
                    on_click=go_on,
                    help=go_on_help,
                )
    elif status.message:
        st.caption(plain(status.message))
    say_not_stopped()


def stop_button(file: Path, status: JobStatus, what_it_means: str) -> None:
    """The button that stops a job; `say_not_stopped` belongs below it.

    Args:
        file: Its status file.
        status: What is in it, live.
        what_it_means: Said where the pointer rests on it.
    """
    st.button(
        "Stop",
        icon=":material/stop:",
        key=f"stop {file}",
        on_click=_stop,
        args=(file,),
        disabled=_is_stopping(status),
        help=what_it_means,
    )


def say_not_stopped() -> None:
    """Says why the job whose Stop was pressed could not be stopped."""
    error = st.session_state.pop(_NOT_STOPPED, None)
    if error:
        say(error)


def _is_stopping(status: JobStatus) -> bool:
    return st.session_state.get(_STOPPING) == status.process


def progress_text(status: JobStatus, unit: str) -> str:
    """How much is done, rate and time left as one line."""
    parts = [f"{status.done:,} of {status.total:,} {unit}"]
    if status.state is JobState.STARTING and status.message:
        parts.append(status.message.removesuffix("."))
    if status.rate:
        parts.append(f"{status.rate:,.0f} a second")
    if status.seconds_left is not None:
        parts.append(f"{duration(status.seconds_left)} left")
    return " · ".join(parts)


def _say_how_it_ended(status: JobStatus, unit: str) -> None:
    if status.state is JobState.STOPPED:
        st.warning(
            f"Stopped after {status.done:,} of {status.total:,} {unit}"
            + (", which are shown." if status.done else "."),
            icon=":material/pause_circle:",
        )
    else:
        shown = f" The {status.done:,} {unit} it had are shown." if status.done else ""
        say(f"{status.message}{shown}")


def _stop(file: Path) -> None:
    st.session_state[_STOPPING] = read_job(file).process
    try:
        stop_job(file)
    except ValueError as error:
        if read_job(file).is_live:
            st.session_state[_NOT_STOPPED] = str(error)
            st.session_state[_STOPPING] = None
