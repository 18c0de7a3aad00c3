"""Following a live run: new snapshots come up by themselves, and nothing else moves."""

from __future__ import annotations

import streamlit as st

from dashboard.cache import cached_records
from dashboard.components.shared.errors import plain
from dashboard.components.shared.sample_picker import Choice
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import RunStatus, read_status

SECONDS = 1.0


def follow(folder: RunFolder, choice: Choice) -> None:
    """Says how the run stands; while it is live, looks for the next snapshot every second.

    Args:
        folder: The run.
        choice: What is shown. With "latest" chosen, the page is drawn again for a new snapshot.
    """
    live = read_status(folder).is_live
    st.fragment(_follow, run_every=SECONDS if live else None)(folder, choice, live)


def await_snapshots(folder: RunFolder) -> None:
    """What to see while a run has no snapshot yet; draws the page again once it has one."""
    live = read_status(folder).is_live
    st.fragment(_await_snapshots, run_every=SECONDS if live else None)(folder, live)


def _follow(folder: RunFolder, choice: Choice, was_live: bool) -> None:
    status = read_status(folder)
    if was_live and not status.is_live:
        st.rerun()  # ends the polling, and shows how it ended
    if not status.is_live:
        if status.message:
            st.caption(plain(f"The run is {status.state}. {status.message}"))
        return
    shown = choice.record
    try:
        newest = max(r.step for r in cached_records(folder) if r.kind == shown.kind)
    except ValueError:  # unreadable for a moment: the next look will tell
        newest = shown.step
    if choice.follows and newest > shown.step:
        st.rerun()
    st.caption(_sentence(status, shown.step, newest, follows=choice.follows))


def _sentence(status: RunStatus, shown: int, newest: int, *, follows: bool) -> str:
    of = "" if status.steps is None else f" of {status.steps:,}"
    training = f"The run is {status.state}, at step {status.step:,}{of}"
    if follows:
        return (
            f"{training}. Step {shown:,} is its latest snapshot; the next one comes up by itself."
        )
    return (
        f"{training}, its latest snapshot is of step {newest:,}. This page stays at step "
        f"{shown:,}; pull the step to the right end to follow."
    )


def _await_snapshots(folder: RunFolder, was_live: bool) -> None:
    status = read_status(folder)
    try:
        found = bool(cached_records(folder))
    except ValueError:
        found = False
    if found or status.is_live != was_live:
        st.rerun()
    if status.is_live:
        st.info(
            f"The run is {status.state}. Its first pictures come with step 0, before anything is "
            "trained; they show here by themselves.",
            icon=":material/hourglass_top:",
        )
    else:
        st.info(
            f"This run is {status.state} and wrote no snapshot, so there is no picture to show. "
            + plain(status.message or "Choose another run above."),
            icon=":material/image_not_supported:",
        )
