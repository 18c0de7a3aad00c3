"""What columns mean is said at their headings, beside how they are shown."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.headings import headings
from yolo_core.explain.glossary import GLOSSARY


def test_a_column_keeps_how_it_is_shown_and_gets_what_it_means() -> None:
    shown = st.column_config.NumberColumn(format="%.3f")
    found = headings(["total", "λ × xy", "file"], {"total": shown, "file": shown})
    assert found["total"]["type_config"] == shown["type_config"]
    assert found["total"]["help"] == "The loss: the sum of λ × term."
    assert found["λ × xy"]["help"] == GLOSSARY["xy"]
    assert found["file"] == shown
