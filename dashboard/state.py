"""Where the dashboard looks, and the names that its pages share."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
"""The repository root."""

RUN_KEY = "run"
"""Session key and URL query parameter of the run that a page shows."""

_NEXT_RUN = "next run"


def checkpoints_folder() -> Path:
    """The folder that holds the runs: $DETECTOR_CHECKPOINTS, or `checkpoints` in the root.

    It need not exist.
    """
    chosen = os.environ.get("DETECTOR_CHECKPOINTS")
    return Path(chosen).expanduser().resolve() if chosen else ROOT / "checkpoints"


def show_run(name: str) -> None:
    """Makes the next full rerun of the page show another run; call `st.rerun()` after it.

    The picker's own key may not be written once the picker has been drawn.
    """
    st.session_state[_NEXT_RUN] = name


def take_next_run() -> str | None:
    """The run that `show_run` asked for since the last time, or None."""
    return st.session_state.pop(_NEXT_RUN, None)
