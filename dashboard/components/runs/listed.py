"""Which runs are listed, in which order, and which of them are ticked."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboard.cache import cached_overview
from dashboard.components.shared.address import HOLD_SECONDS, UrlChoice
from dashboard.components.shared.polling import poll
from yolo_core.runs.disk import DiskUse
from yolo_core.runs.overview import RunOverview

TICKED = UrlChoice("ticked", bound=False, hold=HOLD_SECONDS)
"""The names of the ticked runs with commas between them, which no name holds."""
_SHOWN, _TABLES, _CHANGED = "runs ticked in the table", "tables of runs", "runs were ticked"
_ROWS, _ROW_HEIGHT = 8, 35

Listed = Mapping[str, tuple[RunOverview, DiskUse]]
"""{name: a run in a line, and what it takes on disk}, the newest first."""


def _low_first(value: float | None) -> float:
    return math.inf if value is None else value


def _high_first(value: float | None) -> float:
    return math.inf if value is None else -value


# What is not known comes last, also turned round.
_ORDERS: dict[str, Callable[[RunOverview, DiskUse], float | str | None]] = {
    "newest": lambda _run, _disk: None,
    "name": lambda run, _: run.folder.name.lower(),
    "state": lambda run, _: run.status.state.value,
    "mAP50": lambda run, _: _high_first(run.map50),
    "best mAP50": lambda run, _: _high_first(run.best_map50),
    "total": lambda run, _: _low_first(run.total),
    "steps": lambda run, _: -run.status.step,
    "time trained": lambda run, _: -run.status.seconds,
    "disk use": lambda _, disk: -disk.total,
    "loss": lambda run, _: run.loss,
    "data": lambda run, _: run.data,
}


def pick_listed(found: Listed) -> list[str]:
    """Asks for words to look for, an order, and whether only starred runs are listed.

    Returns:
        The names, in that order.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Search",
            max_chars=100,
            key="search",
            bind="query-params",
            placeholder="Name, note, loss, data or state",
            icon=":material/search:",
        )
        order = st.selectbox("Sort by", list(_ORDERS), key="sort", bind="query-params", width=170)
        turned = st.toggle("Turned round", key="turned", bind="query-params")
        starred = st.toggle("Only starred", key="starred", bind="query-params")
    names = [
        name
        for name, (run, _) in found.items()
        if matches(run, words or "") and (run.note.starred or not starred)
    ]
    return sorted_runs(found, names, order, turned=turned)


def sorted_runs(found: Listed, names: Sequence[str], order: str, *, turned: bool) -> list[str]:
    """The names in an order; those in which two are alike stay as they came."""
    key = _ORDERS[order]
    rank = {name: key(*found[name]) for name in names}
    if order == "newest":
        return [*names][::-1] if turned else [*names]
    known = [name for name in names if rank[name] not in (math.inf, "")]
    unknown = [name for name in names if rank[name] in (math.inf, "")]
    known.sort(key=lambda name: rank[name], reverse=turned)
    return [*known, *unknown]


def matches(run: RunOverview, words: str) -> bool:
    """Whether each of the words stands in what is said of a run, be it small or capital."""
    said = (run.folder.name, run.note.text, run.loss, run.data, run.status.state.value)
    text = "\n".join(said).casefold()
    return all(word in text for word in words.casefold().split())


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


def show_runs(found: Listed, names: Sequence[str], ticked: Sequence[str]) -> None:
    """The table, drawn again while one of its runs trains."""
    folders = [found[name][0].folder for name in names]

    def any_live() -> bool:
        return any(cached_overview(folder).status.is_live for folder in folders)

    poll(_table, found, list(names), list(ticked), every=3.0, goes_on=any_live)


def _table(found: Listed, names: list[str], ticked: list[str]) -> None:
    if st.session_state.pop(_CHANGED, False):
        st.rerun()
    rows = [(cached_overview(found[name][0].folder), found[name][1]) for name in names]
    # Another table wherever its rows are others: a browser counts what is ticked by rows.
    key = f"runs/{st.session_state[_TABLES]}/{hash(tuple(names))}"

    def chosen() -> None:
        there = [names[row] for row in st.session_state[key].selection.rows if row < len(names)]
        hidden = [name for name in ticked if name not in names]
        kept = [name for name in ticked if name in there]
        now = [*hidden, *kept, *(name for name in there if name not in kept)]
        st.session_state[_SHOWN] = now
        st.session_state[_CHANGED] = True
        tick(now)

    at = {name: row for row, name in enumerate(names)}
    st.dataframe(
        runs_table(rows),
        key=key,
        hide_index=True,
        placeholder="–",
        on_select=chosen,
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [at[name] for name in ticked if name in at]}},
        column_config={
            "★": st.column_config.TextColumn(width=30),
            "note": st.column_config.TextColumn(width="medium"),
            "mAP50": st.column_config.NumberColumn(format="%.3f"),
            "best mAP50": st.column_config.NumberColumn(format="%.3f"),
            "total": st.column_config.NumberColumn(format="%.4g"),
            "trained, min": st.column_config.NumberColumn(format="%.1f"),
            "disk, MB": st.column_config.NumberColumn(format="%.1f"),
            "started": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
        },
        row_height=_ROW_HEIGHT,
        height=_ROW_HEIGHT * (min(max(len(names), 1), _ROWS) + 1) + 3,
        alt="The runs, a row each; tick rows to see their curves and what differs between them.",
    )


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
