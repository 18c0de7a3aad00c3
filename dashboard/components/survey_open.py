"""From a row or a bar of a survey to the sample on the Inspect page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from yolo_core.survey.folder import SurveyFolder
from yolo_core.survey.records import KIND

INSPECT = "app_pages/inspect.py"
_ASKED, _LEAVING = "survey sample to open", "address of the survey sample to open"

_AGAIN = st.components.v2.component(
    "survey_again",
    html="<span></span>",
    js="export default ({ setTriggerValue }) => { setTriggerValue('again', true); };",
)


def ask_for(sample: Any) -> None:
    """Remembers the sample of a clicked bar: pages are not changed inside a callback."""
    if isinstance(sample, str) and sample:
        st.session_state[_ASKED] = sample


def rerun_if_asked() -> None:
    """Draws the page anew if a sample was asked for; for the beginning of a fragment."""
    if _ASKED in st.session_state:
        st.rerun()


def leave_if_asked(run: str | None, survey: str | None) -> bool:
    """Goes to the Inspect page if a sample was asked for; for the beginning of the page.

    Args:
        run: Name of the run that the page shows.
        survey: Name of the survey, such as "val-2500".

    Returns:
        Whether the page is to be left: nothing else is drawn then.
    """
    leaving = st.session_state.pop(_LEAVING, None)
    if leaving is not None:
        st.switch_page(INSPECT, query_params=leaving)
    sample = st.session_state.pop(_ASKED, None)
    if sample is None or not run or not survey:
        return False
    # The run's picker is bound to the address, and until the page was drawn without it Streamlit
    # lets nobody write "run" there: so it is drawn once with nothing but what draws it again.
    step = survey.rpartition("-")[2]
    st.session_state[_LEAVING] = {"run": run, "kind": KIND, "sample": sample, "step": step}
    _AGAIN(key="survey again", on_again_change=lambda: None)
    return True


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
