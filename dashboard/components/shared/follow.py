"""Following a live run: new snapshots come up by themselves, and nothing else moves."""

from __future__ import annotations

import streamlit as st

from dashboard.cache import cached_records
from dashboard.components.shared.errors import plain
from dashboard.components.shared.sample_picker import Choice
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import RunStatus, read_status


def follow(folder: RunFolder, choice: Choice) -> None:
    """Says how a run stands; while it is live, `poll_run` has this look for the next snapshot.

    Args:
        folder: The run.
        choice: What is shown. With "latest" chosen, the page is drawn again for a new snapshot.
    """
    status = read_status(folder)
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
