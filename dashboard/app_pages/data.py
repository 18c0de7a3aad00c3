"""The Data page: one's pictures and labels before any training, and what would be lost of them."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

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
from dashboard.components.shared.errors import plain
from dashboard.components.shared.screen import choices

SHOW = {
    PICTURES: show_pictures,
    NUMBERS: show_numbers,
    PROBLEMS: show_problems,
    DUPLICATES: show_duplicates,
    LOST: show_lost,
    ANCHORS: show_anchors,
}


def show(opened: Opened, row: DeltaGenerator) -> None:
    """The chosen view of the data."""
    count = len(opened.overview.data.problems)
    with row:
        view = VIEW.pick(
            st.segmented_control,
            "View",
            VIEWS,
            format_func=lambda name: f"{name} ({count:,})" if name == PROBLEMS else name,
            missing=lambda asked: st.caption(plain(f"There is no view {asked}.")),
            required=True,
            width="content",
        )
    SHOW[view](opened)


choice = choices()
data = open_chosen(choice)
if data is not None:
    show(data, choice)
