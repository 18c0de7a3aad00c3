"""When a page is drawn: again by itself while something goes on, and the answer first."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

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
    concerns: str | None = None,
) -> None:
    """Draws a part of the page, and draws it again by itself as long as something goes on.

    Args:
        look: Draws the part.
        *arguments: What it is given.
        every: Seconds between two looks; more where many tabs look.
        goes_on: Whether there is more to come, or what it is, if anything. When that has changed,
            the whole page is drawn anew, since what began or ended concerns more than this part.
        concerns: Key of the one fragment that is drawn anew then, see `poll_changes`.
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
                _draw_anew(concerns)
            look(*arguments)

    st.fragment(again, run_every=every if went_on else None)()


def _draw_anew(key: str | None) -> None:
    """`st.rerun()`, or of one fragment alone, which Streamlit 1.67 offers to callbacks only."""
    context = get_script_run_ctx()
    if key is None or context is None or context.script_requests is None:
        st.rerun()
    context.script_requests.request_rerun(
        RerunData(
            query_string=context.query_string,
            page_script_hash=context.page_script_hash,
            fragment_id_queue=context.fragment_storage.resolve_target(key),
            cached_message_hashes=context.cached_message_hashes,
            context_info=context.context_info,
        )
    )


def poll_changes(
    look: Callable[..., None],
    *arguments: Any,
    key: str,
    every: float,
    shows: Callable[[], object],
) -> None:
    """Draws a part of the page, and again by itself only when it would show something else.

    To draw a row of buttons or sliders anew costs the browser about 0.15 s of a processor, on which
    a training may run. A look that draws nothing costs a third of that, so it is not to be often.

    Args:
        look: Draws the part.
        *arguments: What it is given.
        key: A name of the part, its own on the page.
        every: Seconds between two looks at whether it would.
        shows: What it shows; nothing where that cannot change any more.
    """

    def part() -> None:
        # Before it is drawn: what changes meanwhile is drawn at the next look.
        poll(lambda: None, every=every, goes_on=shows, concerns=key)
        look(*arguments)

    st.fragment(part, key=key)()


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
