"""Which runs are listed, and in which order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.components.shared.run_table import Listed
from yolo_core.runs.disk import DiskUse
from yolo_core.runs.overview import RunOverview


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
