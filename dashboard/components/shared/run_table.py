"""The table of runs: a row each, some of them ticked; kept true while one of them trains."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboard.cache import cached_overview
from dashboard.components.shared.address import HOLD_SECONDS, UrlChoice
from dashboard.components.shared.headings import headings
from dashboard.components.shared.polling import poll
from yolo_core.runs.disk import DiskUse
from yolo_core.runs.overview import RunOverview

TICKED = UrlChoice("ticked", bound=False, hold=HOLD_SECONDS)
"""The names of the ticked runs with commas between them, which no name holds."""
_HEADINGS = 35  # pixels of the row of headings, however high the others are
_SHOWN, _TABLES, _CHANGED = "runs ticked in the table", "tables of runs", "runs were ticked"

Listed = Mapping[str, tuple[RunOverview, DiskUse]]
"""{name: a run in a line, and what it takes on disk}, the newest first."""


def ticked_runs(found: Listed) -> list[str]:
    """The names of the ticked runs that there are, in the order in which they were ticked."""
    asked = dict.fromkeys((TICKED.asked() or "").split(","))
    names = [name for name in asked if name in found]
    if names != st.session_state.get(_SHOWN):
        # Not ticked in the table that is there: another one, which shows them.
        st.session_state[_SHOWN] = names
        st.session_state[_TABLES] = st.session_state.get(_TABLES, 0) + 1
    TICKED.write(",".join(names) or None)
    return names


def tick(names: Sequence[str]) -> None:
    """Has the next run of the page show these as ticked."""
    TICKED.then(",".join(names))


def show_runs(
    found: Listed,
    names: Sequence[str],
    ticked: Sequence[str],
    *,
    most: int = 8,
    row_height: int = 35,
    order: Sequence[str] | None = None,
    lines: Mapping[str, str] | None = None,
    on_choice: Callable[[str], None] | None = None,
    every: float = 5.0,
) -> None:
    """The table, drawn again while one of its runs trains.

    Args:
        found: All runs.
        names: Those that are listed, in their order.
        ticked: Those that are ticked.
        most: Rows that are seen without scrolling.
        row_height: Pixels a row.
        order: The columns that are shown, in their order; None for all but "line".
        lines: {name: how its curves are drawn}, for the column "line".
        on_choice: Called with the name of the run whose row was clicked.
        every: Seconds between two drawings.
    """
    folders = [found[name][0].folder for name in names]

    def any_live() -> bool:
        return any(cached_overview(folder).status.is_live for folder in folders)

    def table() -> None:
        if st.session_state.pop(_CHANGED, False):
            st.rerun()
        rows = [(cached_overview(found[name][0].folder), found[name][1]) for name in names]
        # Another table wherever its rows are others: a browser counts what is ticked by rows.
        key = f"runs/{st.session_state[_TABLES]}/{hash(tuple(names))}"

        def chosen() -> None:
            selection = st.session_state[key].selection
            there = [names[row] for row in selection.rows if row < len(names)]
            hidden = [name for name in ticked if name not in names]
            kept = [name for name in ticked if name in there]
            now = [*hidden, *kept, *(name for name in there if name not in kept)]
            cells = [tuple(cell) for cell in selection.get("cells", ())]
            # A cell stays selected while other rows are ticked.
            if on_choice is not None and cells != st.session_state.get(f"{key} cells", []):
                for row, _ in cells:
                    on_choice(names[row])
            st.session_state[f"{key} cells"] = cells
            st.session_state[_SHOWN] = now
            st.session_state[_CHANGED] = True
            tick(now)

        at = {name: row for row, name in enumerate(names)}
        data = runs_table(rows)
        if lines is not None:
            data.insert(0, "line", [lines.get(name, "") for name in names])
        st.dataframe(
            data,
            key=key,
            hide_index=True,
            placeholder="–",
            on_select=chosen,
            selection_mode="multi-row" if on_choice is None else ["multi-row", "single-cell"],
            selection_default={"selection": {"rows": [at[name] for name in ticked if name in at]}},
            column_order=order,
            column_config=headings(
                data.columns,
                {
                    "line": st.column_config.TextColumn("", width=34),
                    "★": st.column_config.TextColumn(width=30),
                    "note": st.column_config.TextColumn(width="medium"),
                    "mAP50": st.column_config.NumberColumn(format="%.3f"),
                    "best mAP50": st.column_config.NumberColumn(format="%.3f"),
                    "total": st.column_config.NumberColumn(format="%.4g"),
                    "trained, min": st.column_config.NumberColumn(format="%.1f"),
                    "disk, MB": st.column_config.NumberColumn(format="%.1f"),
                    "started": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
                },
            ),
            row_height=row_height,
            height=_HEADINGS + row_height * min(max(len(names), 1), most) + 3,
            alt="The runs, a row each; tick rows to see their curves together.",
        )

    poll(table, every=every, goes_on=any_live)


def runs_table(rows: Sequence[tuple[RunOverview, DiskUse]]) -> pd.DataFrame:
    """A row a run."""
    runs = [run for run, _ in rows]
    return pd.DataFrame(
        {
            "★": ["★" if run.note.starred else "" for run in runs],
            "run": [run.folder.name for run in runs],
            "state": [run.status.state.value for run in runs],
            "step": [run.status.step for run in runs],
            "of": pd.array([run.status.steps for run in runs], dtype="Int64"),
            "mAP50": _floats(run.map50 for run in runs),
            "best mAP50": _floats(run.best_map50 for run in runs),
            "total": _floats(run.total for run in runs),
            "changes": pd.array([run.changes for run in runs], dtype="Int64"),
            "trained, min": _floats(run.status.seconds / 60 for run in runs),
            "loss": [run.loss for run in runs],
            "data": [run.data for run in runs],
            "disk, MB": _floats(disk.total / 1e6 for _, disk in rows),
            "started": [_date(run.started) for run in runs],
            "note": [" ".join(run.note.text.split()) for run in runs],
            "message": [" ".join(filter(None, (run.status.message, run.problem))) for run in runs],
        }
    )


def _floats(values) -> pd.Series:
    return pd.Series(list(values), dtype="float64")


def _date(seconds: float | None) -> datetime.datetime | None:
    """The time on this computer's clock; None for what no clock shows."""
    try:
        return None if seconds is None else datetime.datetime.fromtimestamp(seconds)
    except (OverflowError, OSError, ValueError):
        return None
