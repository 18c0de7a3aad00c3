"""From a row or a bar of one page to a sample on the Inspect page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.components.shared.cell_picker import (
    ANCHOR_KEY,
    CELL_OF_ANCHOR,
    PLACE_KEYS,
    cell_clicked,
)
from dashboard.components.shared.headings import headings
from dashboard.components.shared.polling import poll
from dashboard.components.shared.slot_picker import ABOUT, OBJECT

INSPECT = "app_pages/inspect.py"
PAGE = "page"
"""In an address, another page than Inspect."""
LOST_SECONDS = 1.0
"""After which a page that was not drawn again by itself is."""
ASKED, _LEAVING = "sample to open", "address of the sample to open"

_AGAIN = st.components.v2.component(
    "draw_again",
    html="<span></span>",
    js="export default ({ setTriggerValue }) => { setTriggerValue('again', true); };",
)


def ask_for(spot: Any) -> None:
    """Remembers where a click leads: pages are not changed inside a callback.

    Args:
        spot: A text that `address` of `leave_if_asked` understands; anything else leads nowhere.
    """
    if isinstance(spot, str) and spot:
        st.session_state[ASKED] = spot


def rerun_if_asked() -> None:
    """Draws the page anew if a sample was asked for; for the beginning of a fragment."""
    if ASKED in st.session_state:
        st.rerun()


def leave_if_asked(address: Callable[[str], Mapping[str, str] | None]) -> bool:
    """Goes to the Inspect page if a sample was asked for; for the beginning of the page.

    Args:
        address: From what was asked for to the query parameters of the Inspect page, or of another
            one that it names under `PAGE`; None where it leads nowhere.

    Returns:
        Whether the page is to be left: nothing else is drawn then.
    """
    leaving = st.session_state.pop(_LEAVING, None)
    if leaving is not None:
        page = leaving.pop(PAGE, INSPECT)
        if page == INSPECT:
            _select(leaving)
        st.switch_page(page, query_params=leaving)
    asked = st.session_state.pop(ASKED, None)
    found = None if asked is None else address(asked)
    if found is None:
        return False
    # The run's picker is bound to the address, and until the page was drawn without it Streamlit
    # lets nobody write "run" there: so it is drawn once with nothing but what draws it again.
    st.session_state[_LEAVING] = dict(found)
    _AGAIN(key="draw again", on_again_change=lambda: None)
    # On a busy machine what it says may be lost (twice in thirty times), and the page stayed blank.
    poll(st.empty, every=LOST_SECONDS, goes_on=_is_first_look())
    return True


def _is_first_look() -> Callable[[], bool]:
    """For `poll`: True when asked for the first time, so that the first look redraws the page."""
    answers = iter((True,))
    return lambda: next(answers, False)


def _select(address: Mapping[str, str]) -> None:
    """Selects the place of an address: what was selected on the sample before would win."""
    OBJECT.forget()
    for key in (*PLACE_KEYS, CELL_OF_ANCHOR, ABOUT):
        st.session_state.pop(key, None)
    if ANCHOR_KEY in address:
        cell_clicked([int(address.get(key, 0)) for key in PLACE_KEYS])


def sample_rows(
    table: pd.DataFrame,
    spots: Sequence[str | None],
    *,
    key: str,
    columns: dict[str, Any] | None = None,
    row_height: int | None = None,
    height: int | str = "auto",
    choose: Callable[[Any], None] = ask_for,
) -> None:
    """A table of which every row opens a sample at a spot, or chooses it.

    Args:
        table: The rows.
        spots: Where each row leads; None for nowhere.
        key: Stable name of the table on its page.
        columns: Streamlit's column configuration.
        row_height: Pixels a row.
        height: Pixels of the table.
        choose: Called with where the clicked row leads.
    """

    def chosen() -> None:
        cells = st.session_state[key].selection.cells
        if cells and 0 <= cells[0][0] < len(spots):
            choose(spots[cells[0][0]])

    st.dataframe(
        table,
        key=key,
        hide_index=True,
        placeholder="–",
        column_config=headings(table.columns, columns),
        row_height=row_height,
        height=height,
        on_select=chosen,
        selection_mode="single-cell",
    )
