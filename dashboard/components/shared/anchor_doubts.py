"""A word on anchors that can hardly be meant."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.errors import plain
from yolo_core.anchors import doubtful_anchors
from yolo_core.views import SampleView


def say_doubts(view: SampleView) -> None:
    """Warns of the anchors of a sample's loss that are absurd for its picture or its grid."""
    for sentence in doubtful_anchors(view.layout, view.image.shape):
        st.warning(plain(sentence), icon=":material/warning:")
