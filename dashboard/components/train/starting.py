"""From the press of Start or Resume to the run that it brings: said at once, whatever it takes."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.components.shared.errors import plain
from dashboard.state import checkpoints_folder, show_run
from yolo_core.training.launcher import start_training

_ASKED, _SAY_UNDER = "training asked for", "where to say why it did not start"
JUST_STARTED = "just started"
ON_ITS_WAY = (
    "The training process is still getting its data; the run comes into the list when it has it, "
    "and the page shows it when it is loaded again."
)


def ask_for_training(arguments: Sequence[str], *, say_under: str) -> None:
    """Draws the page again, which then starts a training; call it where a button was pressed.

    Args:
        arguments: As of `start_training`; the name of the run is the second one.
        say_under: Key of the session state for what there is to say when no run comes of it.
    """
    # The second click of a double click comes while the first one starts the process, so it is in
    # the very next run of the script.
    if not st.session_state.pop(JUST_STARTED, False):
        st.session_state[_ASKED], st.session_state[_SAY_UNDER] = list(arguments), say_under
    st.rerun()


def is_asked_for() -> bool:
    """Whether a training is about to be started; says so, in place of the run shown before."""
    if _ASKED not in st.session_state:
        return False
    name = st.session_state[_ASKED][1]
    st.info(f"Starting **{plain(name)}**.", icon=":material/hourglass_top:")
    return True


def start_asked_for() -> None:
    """Starts it, and draws the page again with the run."""
    with st.spinner("The training process comes up", show_time=True):
        arguments = st.session_state[_ASKED]
        said = ""
        try:
            name = start_training(arguments, checkpoints_folder())
            st.session_state[JUST_STARTED] = True
            if (checkpoints_folder() / name).exists():
                show_run(name)
            else:
                said = ON_ITS_WAY
        except ValueError as error:
            said = str(error)
        # Before anything is drawn, where a click that came meanwhile would end this run.
        del st.session_state[_ASKED]
        st.session_state[st.session_state.pop(_SAY_UNDER)] = said
    st.rerun()
