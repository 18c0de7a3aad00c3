"""A table as a file for a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st


def csv_button(make: Callable[[], pd.DataFrame], *, file: str, key: str) -> None:
    """A button that downloads a table, made when it is pressed.

    Args:
        make: Gives the table, without its index.
        file: Name of the file, without its suffix.
        key: Stable name of the button on its page.
    """
    st.download_button(
        "CSV",
        lambda: make().to_csv(index=False).encode("utf-8"),
        file_name=f"{file}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=key,
        on_click="ignore",
        type="tertiary",
        help="The whole table as a file for a spreadsheet.",
    )
