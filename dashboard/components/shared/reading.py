"""Reading data beside a page: how far it is, with a button that ends it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from dashboard.components.shared.background import Work, forget, made
from dashboard.components.shared.errors import say
from dashboard.components.shared.polling import poll
from dashboard.components.shared.run_commands import duration


def read_beside(key: Hashable, read: Callable[[Callable[[int, int], None]], Any]) -> Work | None:
    """What is read of data, once it is; else says how far it is, or why it cannot be.

    Args:
        key: Of the work, as for `made`.
        read: Reads it, given what is to be told how far it is.

    Returns:
        The work, which is done and has a result; None before, and without one.
    """
    work = made(key, read)
    if not work.is_done:
        poll(_say_how_far, work, every=0.5, goes_on=lambda: not work.is_done)
        return None
    if work.was_stopped:
        st.info("Reading was stopped; nothing of it is kept.", icon=":material/pause_circle:")
        st.button("Read them", icon=":material/play_arrow:", on_click=forget, args=(key,))
        return None
    if work.error is not None:
        say(work.error)
        return None
    return work


def _say_how_far(work: Work) -> None:
    share = min(work.done / work.total, 1.0) if work.total else 0.0
    files = f": {work.done:,} of {work.total:,} files" if work.total else " …"
    left = work.seconds_left
    rest = "" if left is None else f" · {duration(left)} left"
    st.progress(share, text=f"Reading the annotations{files}{rest}")
    st.button(
        "Stop",
        icon=":material/stop:",
        key="stop reading",
        on_click=work.stop,
        disabled=work.stopping,
        help="Ends it; what was read until then is not kept.",
    )
