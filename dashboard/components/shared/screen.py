"""A page as one screen: a row of choices, and columns that fill the window and scroll alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def choices() -> DeltaGenerator:
    """One row for what can be chosen; its labels are for screen readers alone."""
    return st.container(
        key="choices", horizontal=True, vertical_alignment="center", gap="small", border=False
    )


def screen(*widths: float) -> list[DeltaGenerator]:
    """Columns of the height that is left in the window, each of which scrolls alone.

    Args:
        widths: Of the columns, relative to each other.
    """
    with st.container(key="screen"):
        return st.columns(widths, gap="small")


def panes(makers: Mapping[str, Callable[[], None]], *, key: str) -> None:
    """Tabs, of which the open one alone is made; they fill a column down to its end.

    Args:
        makers: {title: makes what is in it}, the first one open at first.
        key: Query parameter of the open one.
    """
    tabs = st.tabs(list(makers), key=key, bind="query-params", height="stretch")
    for tab, make in zip(tabs, makers.values(), strict=True):
        if tab.open:
            with tab:
                make()
