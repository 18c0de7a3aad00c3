"""Parts of a page look again by themselves, one of all tabs at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from dashboard.components.shared.polling import poll, poll_changes

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
