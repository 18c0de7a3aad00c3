"""The last lines that the training process wrote."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from dashboard.components.shared.errors import say
from yolo_core.runs.layout import RunFolder
from yolo_core.training.launcher import output_file

LINES = 30
BYTES = 32_768


def tail(path: Path, lines: int = LINES) -> list[str]:
    """The last lines of a text file, however long it is; none when there is no file.

    Of a line that was drawn again and again with carriage returns, the last state.

    Raises:
        ValueError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            start = max(file.tell() - BYTES, 0)
            file.seek(start)
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    found = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    # The first one may have lost its beginning.
    return [line for line in found[1 if start else 0 :] if line.strip()][-lines:]


def log_tail(folder: RunFolder, ended_badly: bool) -> None:
    """Shows the end of the log.

    Args:
        folder: The run.
        ended_badly: Whether the reason is to be looked for: what the process printed is shown
            beside its log.
    """
    shown = False
    for path in (folder.log, output_file(folder)):
        # Mostly the same lines as the log; what a crash printed stands only there.
        if shown and not ended_badly:
            break
        try:
            lines = tail(path)
        except ValueError as error:
            say(error)
            continue
        if lines:
            shown = True
            st.caption(f"The end of {path.name}")
            st.code("\n".join(lines), language=None, wrap_lines=True)
    if not shown:
        st.caption("Nothing was written yet.")
