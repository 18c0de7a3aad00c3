"""The table of what was changed while the run trained, and the last change taken back."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.components.shared.csv_button import csv_button
from dashboard.components.shared.errors import say
from dashboard.components.shared.headings import headings
from dashboard.components.shared.run_commands import send
from yolo_core.runs.changes import Change, changes_of, dial_of, undoable
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import read_status
from yolo_core.runs.store import RunStore


def change_table(folder: RunFolder) -> None:
    """Shows the changes of a run, the newest first."""
    try:
        with RunStore.open(folder) as store:
            events = store.events()
            last = (store.last_step() or {}).get("step", 0)
    except ValueError as error:
        say(error)
        return
    found = changes_of(events)
    if not found:
        st.caption("Nothing was changed while this run trained: every dial stands as it started.")
        return
    next_undone = undoable(events)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Undo the last change",
            icon=":material/undo:",
            key=f"{folder.name}/undo",
            on_click=send,
            args=(folder, "undo"),
            disabled=next_undone is None or not read_status(folder).is_live,
            help="Nothing is left to take back."
            if next_undone is None
            else f"{dial_of(next_undone)} of step {next_undone.step:,}.",
        )
        csv_button(lambda: _table(found, last), file=f"{folder.name}-changes", key="changes/csv")
    table = _table(found[::-1], last)
    st.dataframe(
        table,
        column_config=headings(table.columns),
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(found), 320),
    )
    st.caption(
        "Each change with the first step that it affects. The total before and after a change of a "
        "lambda is the sum of other things, so totals across it cannot be compared: look at the "
        "unweighted terms. Wrong: a change that nobody here made."
    )


def _table(found: list[Change], last: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "step": [each.step for each in found],
            "what": [each.kind.replace("-", " ") for each in found],
            "dial": [each.dial.replace("_", " ") for each in found],
            "old": [_value(each.old) for each in found],
            "new": [_value(each.new) for each in found],
            "by": [each.by for each in found],
            "more": [_more(each, last) for each in found],
        }
    )


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:,.6g}"


def _more(change: Change, last: float) -> str:
    words = [change.words] if change.words else []
    words += ["taken back"] * change.undone
    words += ["not reached yet"] * (change.step > last + 1 and not change.undone)
    return ", ".join(words)
