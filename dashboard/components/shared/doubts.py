"""A word on anchors that can hardly be meant, and on a loss that reads its labels otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard.components.shared.errors import plain
from yolo_core.anchors import doubtful_anchors
from yolo_core.explain.by_label import place_doubts, target_doubts
from yolo_core.views import SampleView


def say_doubts(views: Mapping[str, SampleView]) -> None:
    """Warns of anchors that are absurd for the picture or the grid, of places and targets off the
    labels.

    Args:
        views: {what the loss is called here: the sample under it}; one alone is not named.
    """
    found: dict[str, list[str]] = {}
    for label, view in views.items():
        for sentence in (
            *doubtful_anchors(view.layout, view.image.shape),
            *place_doubts(view),
            *target_doubts(view),
        ):
            found.setdefault(sentence, []).append(label)
    for sentence, labels in found.items():
        whose = f"{', '.join(labels)}: " if len(views) > 1 else ""
        st.warning(plain(whose + sentence), icon=":material/warning:")
