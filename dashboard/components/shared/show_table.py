"""A table that shows words as they are, whatever signs a class name or a term holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboard.components.shared.errors import plain

_LONG = re.compile(r"(\S{32})(?=\S)")


def show_table(
    table: pd.DataFrame | Sequence[Mapping[str, object]], *, names: bool = False
) -> None:
    """Shows a small table whole.

    Args:
        table: The table, or its rows.
        names: Whether its rows have names.
    """

    def words(each: object) -> str:
        # However long a word is, a line can end in it: no table is wider than its place.
        return plain(_LONG.sub("\\1\u200b", str(each)))

    table = pd.DataFrame(table).map(words).rename(index=words, columns=words)
    st.table(table, border="horizontal", hide_index=not names)
