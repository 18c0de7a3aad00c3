"""The Runs page: all runs, what differs between some, and their keeping."""

from __future__ import annotations

import shutil

import streamlit as st

from dashboard.cache import cached_disk_use, cached_overview
from dashboard.components.runs.kept import keep_runs
from dashboard.components.runs.listed import pick_listed
from dashboard.components.runs.overlaid import show_curves
from dashboard.components.runs.side_by_side import (
    show_configurations,
    show_disk_use,
    show_metrics,
)
from dashboard.components.shared.empty import no_runs
from dashboard.components.shared.errors import plain
from dashboard.components.shared.jobs import is_asked_for, start_asked_for
from dashboard.components.shared.polling import poll
from dashboard.components.shared.run_table import Listed, show_runs, ticked_runs
from dashboard.figures.colors import RUN_COLORS
from dashboard.state import checkpoints_folder
from yolo_core.runs.layout import list_runs


def show(found: Listed) -> None:
    """The table of all runs, and below it the ticked ones."""
    names = pick_listed(found)
    ticked = ticked_runs(found)
    if names:
        show_runs(found, names, ticked)
    else:
        st.info("No run is like that. Take a word out of the search, or turn the switch off.")
    st.caption(plain(_sums(found, names, ticked)))
    if not ticked:
        st.info(
            "Tick runs in the first column of the table: their curves come in one figure, what "
            "differs between them beside it, and they can be starred, renamed, resumed, trained "
            "again with changes, or deleted.",
            icon=":material/check_box:",
        )
        return
    shown = dict(zip(ticked, RUN_COLORS, strict=False))
    if len(shown) < len(ticked):
        st.caption(f"The first {len(shown)} of {len(ticked):,} ticked runs are shown.")
    keep_runs(found, shown, ticked)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        show_curves(shown, {name: found[name][0].folder for name in shown})
    with right:
        show_metrics([found[name][0] for name in shown])
    left, right = st.columns([3, 2], gap="medium")
    with left:
        show_configurations([found[name][0].folder for name in shown])
    with right:
        show_disk_use(found, shown)


def _sums(found: Listed, names: list[str], ticked: list[str]) -> str:
    listed = f"{len(found):,} runs" if len(found) > 1 else "One run"
    if len(names) < len(found):
        listed = f"{len(names):,} of {len(found):,} runs"
        hidden = [name for name in ticked if name not in names]
        if hidden:
            listed += f" (ticked, but not listed: {', '.join(hidden)})"
    size = sum(disk.total for _, disk in found.values()) / 1e6
    return (
        f"{listed}; all take {size:,.0f} MB, and "
        f"{shutil.disk_usage(checkpoints_folder()).free / 1e9:,.1f} GB of the disk are free. A "
        "click on the head of a column sorts here alone; what stands above goes into the link."
    )


if is_asked_for():
    start_asked_for()
with st.container():
    folders = list_runs(checkpoints_folder())
    if not folders:
        no_runs("this page then lists it.")
    else:
        there = [folder.name for folder in folders]
        poll(
            None,
            every=3.0,
            goes_on=lambda: [run.name for run in list_runs(checkpoints_folder())] == there,
        )
        show({each.name: (cached_overview(each), cached_disk_use(each)) for each in folders})
