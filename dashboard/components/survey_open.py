"""From a row or a bar of a survey to the sample on the Inspect page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.state import show_run
from yolo_core.survey.folder import SurveyFolder
from yolo_core.survey.records import KIND

INSPECT = "app_pages/inspect.py"
_ASKED = "survey sample to open"


def ask_for(sample: Any) -> None:
    """Remembers the sample of a clicked bar: pages are not changed inside a callback."""
    if isinstance(sample, str) and sample:
        st.session_state[_ASKED] = sample


def open_asked(folder: SurveyFolder) -> None:
    """Goes to the Inspect page if a sample was asked for; call it before drawing."""
    sample = st.session_state.pop(_ASKED, None)
    if sample is not None:
        # The run is bound to the address on this page, and may not be written there.
        show_run(folder.run.name)
        query = {"kind": KIND, "sample": sample, "step": str(folder.step)}
        st.switch_page(INSPECT, query_params=query)


def sample_rows(
    table: pd.DataFrame,
    samples: Sequence[str],
    *,
    key: str,
    columns: dict[str, Any] | None = None,
    row_height: int | None = None,
    height: int | str = "auto",
) -> None:
    """A table of which every row opens a sample.

    Args:
        table: The rows.
        samples: Name of the sample of each row.
        key: Stable name of the table on its page.
        columns: Streamlit's column configuration.
        row_height: Pixels a row.
        height: Pixels of the table.
    """

    def chosen() -> None:
        cells = st.session_state[key].selection.cells
        if cells and 0 <= cells[0][0] < len(samples):
            ask_for(samples[cells[0][0]])

    st.dataframe(
        table,
        key=key,
        hide_index=True,
        column_config=columns,
        row_height=row_height,
        height=height,
        on_select=chosen,
        selection_mode="single-cell",
    )


def csv_button(make: Callable[[], pd.DataFrame], *, name: str, folder: SurveyFolder) -> None:
    """A button that downloads a table, made when it is pressed."""
    st.download_button(
        "CSV",
        lambda: make().to_csv(index=False).encode("utf-8"),
        file_name=f"{folder.run.name}-{folder.name}-{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"csv {name}",
        on_click="ignore",
        type="tertiary",
        help="The whole table as a file for a spreadsheet.",
    )
