"""A number such as A-2 on a page opens what `docs/losses.md` says under it."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.errors import say
from yolo_core.compare.sources import section


def cite(number: str) -> None:
    """A small button with the number; behind it the published discrepancy, with its numbers."""
    with st.popover(number, type="tertiary", help="What was published, and what is done here"):
        try:
            st.markdown(section(number))
        except ValueError as error:
            say(error)
