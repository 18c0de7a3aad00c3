"""The Lessons page: a gallery of made-up samples, each of which shows one rule of a loss."""

from __future__ import annotations

import html

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from yolo_core.data.config import DataConfig
from yolo_core.data.digits.scenes import open_scenes
from yolo_core.losses.families import family_of
from yolo_core.losses.lessons import LESSONS, SIDE

A_ROW = 3
_PIXELS = 2  # of the screen for one of the picture


@st.cache_data(show_spinner=False)
def pictures() -> dict[str, np.ndarray]:
    """(height, width) uint8 of each lesson."""
    scenes = open_scenes(DataConfig(image_size=SIDE))
    drawn = {name: scenes.composed(name, each.digits).image for name, each in LESSONS.items()}
    return {
        name: np.kron(image[:, :, 0], np.ones((_PIXELS, _PIXELS), np.uint8))
        for name, image in drawn.items()
    }


st.header("Lessons")
st.caption(
    "Each opens a sample in the Sandbox, with three sentences on what the loss makes of it, and "
    "with everything there to be moved and changed. No run is needed, and none is touched."
)
columns: list[DeltaGenerator] = []
for at, (name, lesson) in enumerate(LESSONS.items()):
    if at % A_ROW == 0:
        columns = st.columns(A_ROW)
    with columns[at % A_ROW], st.container(border=True, height="stretch"):
        picture, words = st.columns([1, 2], vertical_alignment="center")
        picture.image(pictures()[name], width=_PIXELS * SIDE)
        # In this tab, as any page of the bar at the top.
        words.html(
            f'<h3 class="lesson"><a href="sandbox?lesson={name}" target="_self">'
            f"{html.escape(lesson.title)}</a>"
            f"</h3><p>{html.escape(family_of(lesson.loss).label)}</p>"
        )
