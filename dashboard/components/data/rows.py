"""A table of which one row is chosen: the pictures of that are shown beside it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard.components.shared.headings import headings

_FEW = 8


def pick_row(table: pd.DataFrame, *, key: str, **columns: Any) -> int:
    """Shows a table; returns the row that was clicked, the first one at the beginning.

    Args:
        table: At least one row.
        key: Stable name of the table on its page.
        **columns: Streamlit's column configuration, by column.
    """
    event = st.dataframe(
        table,
        key=key,
        hide_index=True,
        placeholder="–",
        column_config=headings(table.columns, columns),
        height="stretch" if len(table) > _FEW else "content",
        on_select="rerun",
        selection_mode="single-cell",
    )
    cells = event.selection.cells
    row = cells[0][0] if cells else 0
    return row if row < len(table) else 0
