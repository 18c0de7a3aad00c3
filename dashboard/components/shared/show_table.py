"""A table that shows words as they are, whatever signs a class name or a term holds."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.components.shared.errors import plain


def show_table(table: pd.DataFrame, *, hide_index: bool = False) -> None:
    """Shows a small table whole."""
    table = table.map(lambda cell: plain(str(cell)))
    table = table.rename(index=_words, columns=_words)
    st.table(table, border="horizontal", hide_index=hide_index)


def _words(name: object) -> str:
    return plain(str(name))
