"""What pages send to a run's training process, and how long things take, in words."""

from __future__ import annotations

from typing import Any

import streamlit as st

from yolo_core.runs.layout import RunFolder
from yolo_core.runs.store import RunStore


def send(folder: RunFolder, name: str, arguments: dict[str, Any] | None = None) -> int | None:
    """Sends a command to a run's training process and does not wait for the answer.

    Returns:
        The command's id; None when it could not be sent, which the page then says.
    """
    try:
        with RunStore.open(folder) as store:
            return store.send(name, {**(arguments or {}), "by": "page"})
    except ValueError as error:
        st.session_state["not sent"] = str(error)
        return None


def duration(seconds: float) -> str:
    """A duration in words: "48 s", "3 min 20 s", "2 h 05 min"."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
