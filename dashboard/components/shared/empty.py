"""What a page says while there is nothing to show: what to press, and what will come by itself."""

from __future__ import annotations

import streamlit as st

from dashboard.cache import cached_records
from dashboard.components.shared.errors import plain
from dashboard.components.shared.polling import poll
from dashboard.state import checkpoints_folder
from yolo_core.runs.layout import RunFolder, list_runs
from yolo_core.runs.status import read_status


def no_runs(
    then: str,
    *,
    press: str = "Open **Train** at the top and press **Start training**",
    icon: str = "arrow_upward",
) -> None:
    """What to press while there is no run; looks for one that is started meanwhile.

    Args:
        then: What comes of it.
        press: What leads there.
        icon: Points there.
    """
    poll(
        lambda: st.info(f"No runs yet. {press}: {then}", icon=f":material/{icon}:"),
        every=2.0,
        goes_on=lambda: not list_runs(checkpoints_folder()),
    )


def no_checkpoint(what: str, when: str) -> None:
    """Why nothing can be looked at with the weights of a run that has stored none."""
    st.info(
        f"This run has no checkpoint yet, so there are no weights to look at {what} with. It "
        f"writes one {when}",
        icon=":material/hourglass_top:",
    )


def no_snapshots(folder: RunFolder) -> None:
    """What to see while a run has no snapshot yet; draws the page again once it has one."""

    def waits() -> bool:
        if not read_status(folder).is_live:
            return False
        try:
            return not cached_records(folder)
        except ValueError:  # unreadable for a moment
            return True

    poll(_say_why_none, folder, every=1.0, goes_on=waits)


def _say_why_none(folder: RunFolder) -> None:
    status = read_status(folder)
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
