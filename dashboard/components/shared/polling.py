"""When a page is drawn: again by itself while something goes on, and the answer first."""

from __future__ import annotations

import contextlib
import functools
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import read_status

# One tab looks again at a time. Streamlit runs every tab in a thread of its own, and a
# tab that begins its next run drops what the event loop has not sent of the last one
# (`ForwardMsgQueue.clear`, Streamlit 1.67). With more threads computing than processors the loop
# hardly gets to run, and nothing is ever sent: of 30 tabs on a live run one saw one update in 15
# seconds. While a tab waits here, its ticks become one, so that more tabs look less often.
_TURN = threading.Semaphore()


# While a thread computes, the event loop gets to run every 5 ms (`sys.getswitchinterval`). To send
# what a page has said takes it about a dozen turns (`Runtime._loop_coroutine`, Streamlit 1.67).
_SENDING_SECONDS = 0.06

_LOOKS = "what is looked at again"


def send_answer() -> None:
    """Lets what the page has said so far go out before its figures are made.

    Else the browser would draw the figures before it shows the text.
    """
    time.sleep(_SENDING_SECONDS)


@dataclass
class _Part:
    """A part of the page that is looked at again.

    Attributes:
        every: Seconds between two looks.
        goes_on, concerns: As of `poll`.
        went_on: What `goes_on` said when the part was drawn.
        draws: Whether there is something to draw.
        next: When it is due, on the clock of `time.monotonic`.
    """

    every: float
    goes_on: Callable[[], object]
    concerns: str | None
    went_on: object
    draws: bool
    next: float = 0.0


@dataclass
class _Looks:
    """The parts of a page, which are looked at all at once.

    A look, whether anything is drawn or not, has the browser go through the whole page twice, at
    its begin and at its end (Streamlit 1.67): some 50 ms of a processor on which a training may
    run. So of all parts one has the browser look, and has those drawn that are due.

    Attributes:
        parts: {fragment's id: part}.
        every: Seconds between two looks; None until the part that leads is there.
    """

    parts: dict[str, _Part] = field(default_factory=dict)
    every: float | None = None

    def take(self, part: _Part) -> None:
        """Takes the part that is being drawn, in place of what it was before."""
        name = str(ThreadState.get().fragment_id)
        self.parts.pop(name, None)
        if part.went_on:
            part.next = time.monotonic() + part.every
            self.parts[name] = part

    def look(self) -> None:
        """Has what is due drawn, all of it in one run of the page."""
        context = get_script_run_ctx()
        if context is None or self.every is None:
            return
        now, due = time.monotonic(), []
        for name, part in list(self.parts.items()):
            if not context.fragment_storage.contains(name):  # drawn anew without it
                del self.parts[name]
            elif now > part.next - self.every / 2:
                part.next = now + part.every
                if part.goes_on() != part.went_on:
                    due += _fragments(part.concerns)
                elif part.draws:
                    due.append(name)
        if due:
            _draw(due)


def _fragments(key: str | None) -> list[str]:
    """The ids of the fragment of a key; for None the whole page is drawn anew, now."""
    context = get_script_run_ctx()
    if key is None or context is None:
        st.rerun()
    with contextlib.suppress(StreamlitAPIException):  # it is there no more
        return context.fragment_storage.resolve_target(key)
    return []


def _draw(fragments: list[str]) -> None:
    """`st.rerun(scope=...)`, which Streamlit 1.67 offers to callbacks only."""
    context = get_script_run_ctx()
    if context is not None and context.script_requests is not None:
        context.script_requests.request_rerun(
            RerunData(
                query_string=context.query_string,
                page_script_hash=context.page_script_hash,
                fragment_id_queue=list(dict.fromkeys(fragments)),
                cached_message_hashes=context.cached_message_hashes,
                context_info=context.context_info,
                is_auto_rerun=True,
            )
        )


def forget_looks() -> None:
    """For the begin of every page: what was looked at on the page before is there no more."""
    st.session_state.pop(_LOOKS, None)


@contextlib.contextmanager
def one_look() -> Iterator[None]:
    """What is polled within is looked at all at once: around all of a page."""
    st.session_state[_LOOKS] = looks = _Looks()
    yield
    least = min((part.every for part in looks.parts.values()), default=math.inf)
    if least < (looks.every or math.inf):
        poll(None, every=least, leads=True)


def poll(
    draw: Callable[..., object] | None,
    *arguments: Any,
    every: float,
    goes_on: Callable[[], object] = lambda: True,
    concerns: str | None = None,
    leads: bool = False,
) -> None:
    """Draws a part of the page, and draws it again by itself as long as something goes on.

    Args:
        draw: Draws the part; None where there is nothing to draw, only to see whether it goes on.
        *arguments: What it is given.
        every: Seconds between two looks; more where many tabs look.
        goes_on: Whether there is more to come, or what it is, if anything. When that has changed,
            the whole page is drawn anew, since what began or ended concerns more than this part.
        concerns: Key of the one fragment that is drawn anew then, see `poll_changes`.
        leads: The other parts of the page are looked at when this one is, which is drawn with
            every look. For the one that is looked at most often.
    """
    looks = None if get_script_run_ctx() is None else st.session_state.get(_LOOKS)
    went_on, drawn = goes_on(), False
    leads = leads and bool(went_on)
    # One that leads may still come, as long as the page is drawn for the first time.
    led = looks is not None and not leads and (looks.every is None or looks.every <= every)
    if looks is not None and leads:
        looks.every = every

    show = draw or _nothing

    @functools.wraps(show)
    def again() -> None:
        nonlocal drawn
        if not drawn:  # with the page, for which somebody waits
            drawn = True
            if looks is not None and led:
                looks.take(_Part(every, goes_on, concerns, went_on, draw is not None))
            show(*arguments)
            return
        with _TURN:
            if looks is not None and leads:
                looks.look()
            now = went_on if led else goes_on()
            if now != went_on:
                # What leads has the whole page drawn at its end, which needs another one.
                _draw(_fragments(None if leads and not now else concerns))
            show(*arguments)

    st.fragment(again, run_every=every if went_on and not led else None)()


def _nothing() -> None:
    """What a part without a picture draws."""


def poll_changes(
    draw: Callable[..., object],
    *arguments: Any,
    key: str,
    every: float,
    shows: Callable[[], object],
) -> None:
    """Draws a part of the page, and again by itself only when it would show something else.

    To draw a row of buttons or sliders anew costs the browser about 0.15 s of a processor, on which
    a training may run.

    Args:
        draw: Draws the part.
        *arguments: What it is given.
        key: A name of the part, its own on the page.
        every: Seconds between two looks at whether it would.
        shows: What it shows; nothing where that cannot change any more.
    """

    def part() -> None:
        # Before it is drawn: what changes meanwhile is drawn at the next look.
        poll(None, every=every, goes_on=shows, concerns=key)
        draw(*arguments)

    st.fragment(part, key=key)()


def poll_run(
    draw: Callable[..., object], folder: RunFolder, *arguments: Any, every: float = 1.0
) -> None:
    """`poll`, as long as a run has a training process.

    Args:
        draw: Draws the part, given the folder and the arguments.
        folder: The run.
        *arguments: What else it is given.
        every: Seconds between two looks.
    """
    poll(draw, folder, *arguments, every=every, goes_on=lambda: read_status(folder).is_live)
