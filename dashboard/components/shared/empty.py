"""What a page says while there is nothing to show: what to press, and what will come by itself."""

from __future__ import annotations

import contextlib

import streamlit as st

from dashboard.cache import cached_records
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.polling import poll
from dashboard.state import checkpoints_folder
from yolo_core.runs.layout import RunFolder, list_runs
from yolo_core.runs.status import read_status
from yolo_core.training.config import RecordedConfig, read_config


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


def no_network(run: RunFolder) -> bool:
    """Says why the network of a run cannot be asked about anything new, where it cannot.

    Returns:
        Whether that is so: of some runs of somebody's own script.
    """
    if not run.is_recorded:
        return False
    try:
        config = read_config(run.config)
    except ValueError as error:
        say(error)
        return True
    why = config.script.network if isinstance(config, RecordedConfig) else ""
    if why:
        st.info(plain(why), icon=":material/info:")
    return bool(why)


def no_checkpoint(run: RunFolder, what: str, when: str) -> None:
    """Why nothing can be looked at with the weights of a run that has stored none."""
    if run.is_recorded:
        when = (
            "when **Checkpoint** on the Train page is pressed while it trains, and every 250 steps "
            "where its script says RunRecorder(..., checkpoint_every=250)."
        )
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
    with contextlib.suppress(ValueError):
        if folder.is_recorded and cached_records(folder):
            st.info(
                "This run has pictures of its training batches alone, and this page is about "
                "samples by themselves: its script can give some, RunRecorder(..., samples=...), "
                "and around a loop predict=... with them.",
                icon=":material/image_not_supported:",
            )
            return
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
