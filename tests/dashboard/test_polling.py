"""Parts of a page look again by themselves, one of all tabs at a time."""

from __future__ import annotations

import threading
import time
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest
import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from dashboard.components.shared import polling
from dashboard.components.shared.polling import one_look, poll, poll_changes

Fragment = tuple[Callable[[], None], float | None]


class RerunError(Exception):
    """Stands in for what Streamlit raises where the whole page is to be drawn anew."""


@pytest.fixture
def fragments(monkeypatch: pytest.MonkeyPatch) -> list[Fragment]:
    """Every part that was made: what a tick calls, and the seconds between two ticks."""
    made: list[Fragment] = []

    def fragment(
        look: Callable[[], None], *, run_every: float | None = None, **_: str
    ) -> Callable[[], None]:
        made.append((look, run_every))
        return look

    def rerun() -> None:
        raise RerunError

    monkeypatch.setattr(st, "fragment", fragment)
    monkeypatch.setattr(st, "rerun", rerun)
    return made


def test_it_is_drawn_at_once_and_again_as_long_as_it_goes_on(fragments: list[Fragment]) -> None:
    drawn: list[str] = []
    live = [True]
    poll(drawn.append, "it", every=2.0, goes_on=lambda: live[0])
    ((tick, every),) = fragments
    assert (drawn, every) == (["it"], 2.0)
    tick()
    assert drawn == ["it", "it"]
    live[0] = False
    with pytest.raises(RerunError):
        tick()
    assert drawn == ["it", "it"]


def test_what_has_ended_is_drawn_once(fragments: list[Fragment]) -> None:
    drawn: list[str] = []
    poll(drawn.append, "it", every=2.0, goes_on=lambda: False)
    assert drawn == ["it"]
    assert [every for _, every in fragments] == [None]


def test_a_part_is_drawn_again_when_it_would_show_something_else(
    fragments: list[Fragment],
) -> None:
    drawn: list[str] = []
    shown = ["step 1"]
    poll_changes(drawn.append, "it", key="part", every=2.0, shows=lambda: tuple(shown))
    assert drawn == ["it"]
    (part, _), (tick, every) = fragments
    assert every == 2.0
    tick()
    assert drawn == ["it"]
    shown[0] = "step 2"
    with pytest.raises(RerunError):  # in a browser the part alone: there is no session here
        tick()
    part()
    assert drawn == ["it", "it"]


def test_a_part_that_cannot_change_any_more_is_not_looked_at(fragments: list[Fragment]) -> None:
    poll_changes(lambda: None, key="part", every=2.0, shows=lambda: None)
    assert [every for _, every in fragments] == [None, None]


def test_of_many_tabs_one_looks_at_a_time_and_none_is_passed_over(
    fragments: list[Fragment],
) -> None:
    looking, most, looked = 0, 0, []

    def look(tab: int) -> None:
        nonlocal looking, most
        looking += 1
        most = max(most, looking)
        looked.append(tab)
        time.sleep(0.001)  # lets the others run
        looking -= 1

    for tab in range(30):
        poll(look, tab, every=1.0)
    looked.clear()
    threads = [threading.Thread(target=tick) for tick, _ in fragments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, sorted(looked)) == (1, list(range(30)))


def test_a_page_that_is_opened_waits_for_no_other_tab(fragments: list[Fragment]) -> None:
    opened: list[str] = []

    def look_and_open_another() -> None:
        if opened:
            poll(opened.append, "while the first one looks", every=1.0)
        opened.append("the first one")

    poll(look_and_open_another, every=1.0)
    fragments[0][0]()
    assert opened[1] == "while the first one looks"


def test_an_end_gives_the_turn_back(fragments: list[Fragment]) -> None:
    live = [True]
    for _ in range(2):
        poll(lambda: None, every=1.0, goes_on=lambda: live[0])
    live[0] = False
    for tick, _ in fragments:
        with pytest.raises(RerunError):
            tick()


def test_streamlit_still_drops_what_it_has_not_sent_when_a_tab_runs_again() -> None:
    """Why they take turns. Where this fails, Streamlit has mended it."""
    queue = ForwardMsgQueue()
    message = ForwardMsg()
    message.delta.fragment_id = "curves"
    message.delta.new_element.markdown.body = "step 60"
    message.metadata.delta_path[:] = [0, 1]
    queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["curves"])
    assert queue.flush() == []


@dataclass
class Tab:
    """A tab of a browser: the fragments of its page, and which of them were asked for anew."""

    ids: list[str] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)
    now: float = 0.0
    query_string: str = ""
    page_script_hash: str = ""
    cached_message_hashes: set[str] = field(default_factory=set)
    context_info: None = None

    @property
    def fragment_storage(self) -> types.SimpleNamespace:
        return types.SimpleNamespace(
            contains=self.ids.__contains__, resolve_target=lambda key: [f"fragment of {key}"]
        )

    @property
    def script_requests(self) -> types.SimpleNamespace:
        return types.SimpleNamespace(
            request_rerun=lambda data: self.asked.append(data.fragment_id_queue)
        )


@pytest.fixture
def tab(monkeypatch: pytest.MonkeyPatch, fragments: list[Fragment]) -> Tab:
    made = Tab()
    inside: list[str] = []

    def fragment(
        look: Callable[[], None], *, run_every: float | None = None, key: str | None = None
    ) -> Callable[[], None]:
        # At the same place in another one it is the same, however often that is drawn.
        name = key or (f"in {inside[-1]}" if inside else f"fragment {len(fragments)}")

        def run() -> None:
            inside.append(name)
            try:
                look()
            finally:
                inside.pop()

        fragments.append((run, run_every))
        made.ids.append(name)
        return run

    monkeypatch.setattr(st, "fragment", fragment)
    monkeypatch.setattr(st, "session_state", {})
    monkeypatch.setattr(polling, "get_script_run_ctx", lambda: made)
    monkeypatch.setattr(
        polling, "ThreadState", types.SimpleNamespace(get=lambda: Inside(inside[-1]))
    )
    monkeypatch.setattr(polling.time, "monotonic", lambda: made.now)
    return made


class Inside(NamedTuple):
    """Which fragment is being drawn."""

    fragment_id: str


def test_one_part_has_all_of_the_page_looked_at(tab: Tab, fragments: list[Fragment]) -> None:
    drawn: list[str] = []
    shown = ["dials at step 1"]
    with one_look():
        poll(None, every=4.0)  # looked at, and nothing to draw
        poll(drawn.append, "progress", every=2.0, leads=True)
        poll(drawn.append, "curves", every=4.0)
        poll_changes(drawn.append, "dials", key="dials", every=4.0, shows=lambda: tuple(shown))
    assert drawn == ["progress", "curves", "dials"]
    # The browser has one of them look.
    assert [every for _, every in fragments if every] == [2.0]
    (look,) = [run for run, every in fragments if every]
    tab.now = 2.0
    look()
    assert (drawn[3:], tab.asked) == (["progress"], [])
    tab.now, shown[0] = 4.1, "dials at step 4"
    look()
    # What is due in one request: the curves, which are the third fragment, and the dials.
    assert tab.asked == [["fragment 2", "fragment of dials"]]
    tab.now = 6.1
    look()
    assert len(tab.asked) == 1


def test_an_end_that_concerns_the_page_has_it_drawn(tab: Tab, fragments: list[Fragment]) -> None:
    state = ["running"]
    with one_look():
        poll(None, every=2.0, goes_on=lambda: state[0])
        poll(lambda: None, every=2.0, leads=True)
    (look,) = [run for run, every in fragments if every]
    state[0], tab.now = "paused", 2.0
    with pytest.raises(RerunError):
        look()


def test_the_end_of_the_one_that_leads_has_the_page_drawn(
    tab: Tab, fragments: list[Fragment]
) -> None:
    """With another one that leads: else nothing of the page would be looked at any more."""
    state = ["running"]
    with one_look():
        poll(lambda: None, every=2.0, goes_on=lambda: state[0], concerns="buttons", leads=True)
    (look,) = [run for run, every in fragments if every]
    state[0] = "paused"
    look()
    assert tab.asked == [["fragment of buttons"]]
    state[0] = ""
    with pytest.raises(RerunError):
        look()


@pytest.mark.usefixtures("tab")
def test_a_page_without_one_that_leads_is_looked_at_too(
    fragments: list[Fragment],
) -> None:
    with one_look():
        poll(lambda: None, every=5.0)
        poll(lambda: None, every=3.0)
        poll(lambda: None, every=3.0, goes_on=lambda: False, leads=True)  # has ended
    assert [every for _, every in fragments if every] == [3.0]


@pytest.mark.usefixtures("tab")
def test_what_is_to_be_looked_at_more_often_looks_for_itself(
    fragments: list[Fragment],
) -> None:
    with one_look():
        poll(lambda: None, every=2.0, leads=True)
    poll(lambda: None, every=0.5)
    assert [every for _, every in fragments if every] == [2.0, 0.5]


def test_a_part_that_is_there_no_more_is_not_asked_for(tab: Tab, fragments: list[Fragment]) -> None:
    with one_look():
        poll(lambda: None, every=2.0, leads=True)
        poll(lambda: None, every=2.0)
    (look,) = [run for run, every in fragments if every]
    tab.ids.remove("fragment 1")
    tab.now = 2.0
    look()
    assert tab.asked == []


def test_a_part_drawn_anew_takes_the_place_of_what_it_was(
    tab: Tab, fragments: list[Fragment]
) -> None:
    """Else what it went by before would be another thing at each look, and drawn for ever."""
    step = [1]
    with one_look():
        poll(lambda: None, every=2.0, leads=True)
        poll_changes(lambda: None, key="dials", every=2.0, shows=lambda: step[0])
    (look,) = [run for run, every in fragments if every]
    part = fragments[1][0]
    step[0], tab.now = 2, 2.0
    look()
    part()
    tab.now = 4.0
    look()
    assert tab.asked == [["fragment of dials"]]


@pytest.mark.usefixtures("tab")
def test_another_page_is_looked_at_for_itself(fragments: list[Fragment]) -> None:
    """Its parts were taken by what had looked at the page before, and never drawn again."""
    with one_look():
        poll(lambda: None, every=2.0, leads=True)
    polling.forget_looks()
    poll(lambda: None, every=2.0)
    assert [every for _, every in fragments if every] == [2.0, 2.0]
