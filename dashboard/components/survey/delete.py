"""Deleting a survey: asked twice, and never while it runs."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.errors import say
from dashboard.components.shared.jobs import split_words
from dashboard.components.survey.start import SHOWN
from yolo_core.jobs.status import read_job
from yolo_core.survey.folder import SurveyFolder

_NOT_DELETED = "survey not deleted"


def delete_survey(folder: SurveyFolder) -> None:
    """A button that says what would go, with the one in it that deletes it."""
    name = f"{folder.run.name} {folder.name}"
    # Keys of its own for each survey: open for one, it does not stay open for the next.
    with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"deleting {name}"):
        st.markdown(
            f"Delete the survey of **{split_words(folder)}**, {folder.bytes() / 1e6:,.0f} MB? Its "
            "samples can then no longer be opened. The run and its other surveys stay."
        )
        st.button(
            "Delete this survey",
            icon=":material/delete:",
            key=f"delete {name}",
            on_click=_delete,
            args=(folder,),
        )


def say_if_not_deleted() -> None:
    """Why the survey is still there, once."""
    error = st.session_state.pop(_NOT_DELETED, None)
    if error:
        say(error)


def _delete(folder: SurveyFolder) -> None:
    # Another tab or the command line can have started it again since the page was drawn.
    if read_job(folder.status).is_live:
        st.session_state[_NOT_DELETED] = (
            f"The survey of {split_words(folder)} runs, so it was not deleted. Stop it first."
        )
        return
    try:
        folder.remove()
    except ValueError as error:
        st.session_state[_NOT_DELETED] = str(error)
        return
    SHOWN.forget()
