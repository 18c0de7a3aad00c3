"""A lesson in the sandbox: what it says, and its change made with one press."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.sandbox.state import edits_now, state_now
from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.errors import plain, say
from dashboard.tensorflow_turn import tensorflow_turn
from yolo_core.losses.lessons import LESSONS, Lesson
from yolo_core.sandbox.edits import Edits
from yolo_core.sandbox.lessons import lesson_edits, lesson_words, open_lesson
from yolo_core.views import SampleView

if TYPE_CHECKING:
    from yolo_core.losses import DetectionLoss

LESSON = UrlChoice("lesson", bound=False)


def asked_lesson() -> str | None:
    """The lesson that the address asks for; one that there is not is said."""
    name = st.query_params.get(LESSON.key)
    if name is not None and name not in LESSONS:
        say(f"There is no lesson {name!r}; there are {', '.join(LESSONS)}.")
        return None
    return name


@st.cache_resource(max_entries=len(LESSONS), show_spinner=False)
def opened_lesson(name: str) -> tuple[DetectionLoss, SampleView]:
    """The loss and the sample of a lesson; do not change them."""
    with tensorflow_turn():
        return open_lesson(LESSONS[name])


def say_lesson(
    lesson: Lesson, view: SampleView, before: SampleView, after: SampleView
) -> DeltaGenerator:
    """Its three sentences, and a button that makes its change; a place for what can be taken away.

    Args:
        lesson: The lesson.
        view: Its sample.
        before: That, recomputed without edits.
        after: Likewise with the change of the lesson.
    """
    change = lesson_edits(lesson, view)
    title, button, share, gallery = st.columns([6, 2, 1, 1], vertical_alignment="center")
    title.subheader(plain(lesson.title))
    button.button(
        "Make the change",
        icon=":material/play_arrow:",
        disabled=edits_now() == change,
        on_click=_make,
        args=(change,),
        help="What the third sentence says; every edit can be taken back.",
    )
    gallery.markdown("[All lessons](lessons)")
    st.markdown("\n".join(f"1. {plain(each)}" for each in lesson_words(lesson, before, after)))
    return share


def _make(change: Edits) -> None:
    state = state_now()
    state.past.append(state.edits)
    state.take(change)
