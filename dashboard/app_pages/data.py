"""The Data page: one's pictures and labels before any training, and what would be lost of them."""

from __future__ import annotations

import streamlit as st

from dashboard.components.data.anchors import show_anchors
from dashboard.components.data.duplicates import show_duplicates
from dashboard.components.data.gallery import show_pictures
from dashboard.components.data.lost import show_lost
from dashboard.components.data.numbers import show_numbers
from dashboard.components.data.opened import Opened, open_chosen
from dashboard.components.data.problems import show_problems
from dashboard.components.data.views import (
    ANCHORS,
    DUPLICATES,
    LOST,
    NUMBERS,
    PICTURES,
    PROBLEMS,
    VIEW,
    VIEWS,
)

SHOW = {
    PICTURES: show_pictures,
    NUMBERS: show_numbers,
    PROBLEMS: show_problems,
    DUPLICATES: show_duplicates,
    LOST: show_lost,
    ANCHORS: show_anchors,
}


def show(opened: Opened) -> None:
    """The chosen view of the data."""
    count = len(opened.overview.data.problems)
    view = VIEW.pick(
        st.segmented_control,
        "View",
        VIEWS,
        format_func=lambda name: f"{name} ({count:,})" if name == PROBLEMS else name,
        required=True,
        label_visibility="collapsed",
    )
    SHOW[view](opened)


data = open_chosen()
if data is not None:
    show(data)
