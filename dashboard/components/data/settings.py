"""What enters the network, and with which anchors: asked for by what depends on it."""

from __future__ import annotations

import streamlit as st

from dashboard.components.data.opened import Opened, resized
from dashboard.components.shared.anchor_pairs import HELP, read_pairs
from dashboard.components.shared.errors import say

ANCHORS = "data anchors"
_SIZE, _FIT = "data image size", "data fit"


def ask_size(opened: Opened) -> Opened | None:
    """Asks for image size and fit; the data at that size, or None where it cannot be."""
    for key, value in ((_SIZE, str(opened.config.image_size)), (_FIT, opened.config.fit)):
        # Streamlit forgets the fields while they are not shown.
        kept = st.session_state.setdefault(f"{key} of {opened.config.source}", value)
        st.session_state.setdefault(key, kept)
    size, fit = st.columns(2, vertical_alignment="bottom")
    with size:
        asked = st.text_input(
            "Image size", key=_SIZE, help="What enters the network: 416 or 320x256."
        )
    with fit:
        how = st.segmented_control(
            "Fit",
            ["stretch", "letterbox"],
            key=_FIT,
            required=True,
            disabled=getattr(opened.source, "parts", None) is None,
        )
    for key in (_SIZE, _FIT):
        st.session_state[f"{key} of {opened.config.source}"] = st.session_state[key]
    try:
        return resized(opened, asked.strip(), how)
    except ValueError as error:
        say(error)
        return None


def ask_anchors(opened: Opened) -> list[list[float]] | None:
    """Asks for anchors; as fractions, None for those that a training fits to the data.

    Raises:
        ValueError: They are no pairs above zero.
    """
    kept = st.session_state.setdefault(f"{ANCHORS} kept", "")
    st.session_state.setdefault(ANCHORS, kept)
    typed = st.text_input(
        "Anchors, px",
        key=ANCHORS,
        placeholder="those that a training fits to the data",
        help=f"{HELP} For a loss that takes anchors.",
    ).strip()
    st.session_state[f"{ANCHORS} kept"] = typed
    if not typed:
        return None
    return read_pairs(typed, lambda: opened.source.image_shape)
