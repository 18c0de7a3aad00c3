"""From a row or a bar of a survey to the sample on the Inspect page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.cache import cached_snapshot
from dashboard.components.shared.cell_picker import (
    ANCHOR_KEY,
    CELL_OF_ANCHOR,
    PLACE_KEYS,
    cell_clicked,
)
from dashboard.components.shared.slot_picker import ABOUT, OBJECT
from dashboard.components.shared.survey_files import cached_survey_records
from dashboard.state import checkpoints_folder
from yolo_core.runs.layout import find_run
from yolo_core.survey.folder import SurveyFolder
from yolo_core.survey.records import KIND
from yolo_core.survey.spots import Spot, read_spot, slot_of

INSPECT = "app_pages/inspect.py"
_ASKED, _LEAVING = "survey sample to open", "address of the survey sample to open"

_AGAIN = st.components.v2.component(
    "survey_again",
    html="<span></span>",
    js="export default ({ setTriggerValue }) => { setTriggerValue('again', true); };",
)


def ask_for(spot: Any) -> None:
    """Remembers where a clicked bar leads: pages are not changed inside a callback.

    Args:
        spot: `Spot.text`; anything else leads nowhere.
    """
    if isinstance(spot, str) and spot:
        st.session_state[_ASKED] = spot


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
        _select(leaving)
        st.switch_page(INSPECT, query_params=leaving)
    asked = st.session_state.pop(_ASKED, None)
    if asked is None or not run or not survey:
        return False
    try:
        spot = read_spot(asked)
    except ValueError:
        return False
    # The run's picker is bound to the address, and until the page was drawn without it Streamlit
    # lets nobody write "run" there: so it is drawn once with nothing but what draws it again.
    step = survey.rpartition("-")[2]
    address = {"run": run, "kind": KIND, "sample": spot.sample, "step": step}
    st.session_state[_LEAVING] = address | _place(run, spot, step)
    _AGAIN(key="survey again", on_again_change=lambda: None)
    return True


def _place(run: str, spot: Spot, step: str) -> dict[str, str]:
    """Where the spot is on its sample, as query parameters of the Inspect page."""
    chosen = {} if spot.object is None else {OBJECT.key: str(spot.object)}
    try:
        records = cached_survey_records(find_run(checkpoints_folder(), run))
        found = [r for r in records if r.sample == spot.sample and str(r.step) == step]
        view = cached_snapshot(found[0].file).sample(spot.sample)
        slot = slot_of(view, spot)
    except (LookupError, ValueError):
        # A damaged file: the Inspect page says which.
        return chosen
    # Without a head where there is only one: it is not asked for then.
    keys = PLACE_KEYS[len(view.layout.grids) == 1 :]
    return chosen | {key: str(int(getattr(view.layout, key)[slot])) for key in keys}


def _select(address: Mapping[str, str]) -> None:
    """Selects the place of an address: what was selected on the sample before would win."""
    OBJECT.forget()
    for key in (*PLACE_KEYS, CELL_OF_ANCHOR, ABOUT):
        st.session_state.pop(key, None)
    if ANCHOR_KEY in address:
        cell_clicked([int(address.get(key, 0)) for key in PLACE_KEYS])


def sample_rows(
    table: pd.DataFrame,
    spots: Sequence[Spot],
    *,
    key: str,
    columns: dict[str, Any] | None = None,
    row_height: int | None = None,
    height: int | str = "auto",
) -> None:
    """A table of which every row opens a sample at a spot.

    Args:
        table: The rows.
        spots: Where each row leads.
        key: Stable name of the table on its page.
        columns: Streamlit's column configuration.
        row_height: Pixels a row.
        height: Pixels of the table.
    """

    def chosen() -> None:
        cells = st.session_state[key].selection.cells
        if cells and 0 <= cells[0][0] < len(spots):
            ask_for(spots[cells[0][0]].text())

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
