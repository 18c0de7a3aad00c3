"""A table that shows words as they are, whatever signs a class name or a term holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboard.components.shared.errors import plain


def show_table(
    table: pd.DataFrame | Sequence[Mapping[str, object]], *, names: bool = False
) -> None:
    """Shows a small table whole.

    Args:
        table: The table, or its rows.
        names: Whether its rows have names.
    """

    def words(each: object) -> str:
        return plain(str(each))

    table = pd.DataFrame(table).map(words).rename(index=words, columns=words)
    st.table(table, border="horizontal", hide_index=not names)
