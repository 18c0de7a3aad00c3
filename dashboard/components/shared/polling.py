"""When a page is drawn: again by itself while something goes on, and the answer first."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import read_status

# One part of all tabs looks again at a time. Streamlit runs every tab in a thread of its own, and a
# tab that begins its next run drops what the event loop has not sent of the last one
# (`ForwardMsgQueue.clear`, Streamlit 1.67). With more threads computing than processors the loop
# hardly gets to run, and nothing is ever sent: of 30 tabs on a live run one saw one update in 15
# seconds. While a tab waits here, its ticks become one, so that more tabs look less often.
_TURN = threading.Semaphore()


# While a thread computes, the event loop gets to run every 5 ms (`sys.getswitchinterval`). To send
# what a page has said takes it about a dozen turns (`Runtime._loop_coroutine`, Streamlit 1.67).
_SENDING_SECONDS = 0.06


def send_answer() -> None:
    """Lets what the page has said so far go out before its figures are made.

    Else the browser would draw the figures before it shows the text.
    """
    time.sleep(_SENDING_SECONDS)


def poll(
    look: Callable[..., None],
    *arguments: Any,
    every: float,
    goes_on: Callable[[], object] = lambda: True,
) -> None:
    """Draws a part of the page, and draws it again by itself as long as something goes on.

    Args:
        look: Draws the part.
        *arguments: What it is given.
        every: Seconds between two looks; more where many tabs look.
        goes_on: Whether there is more to come, or what it is, if anything. When that has changed,
            the whole page is drawn anew, since what began or ended concerns more than this part.
    """
    went_on, drawn = goes_on(), False

    @functools.wraps(look)
    def again() -> None:
        nonlocal drawn
        if not drawn:  # with the page, for which somebody waits
            drawn = True
            look(*arguments)
            return
        with _TURN:
            if goes_on() != went_on:
                st.rerun()
            look(*arguments)

    st.fragment(again, run_every=every if went_on else None)()


def poll_run(
    look: Callable[..., None], folder: RunFolder, *arguments: Any, every: float = 1.0
) -> None:
    """`poll`, as long as a run has a training process.

    Args:
        look: Draws the part, given the folder and the arguments.
        folder: The run.
        *arguments: What else it is given.
        every: Seconds between two looks.
    """
    poll(look, folder, *arguments, every=every, goes_on=lambda: read_status(folder).is_live)
