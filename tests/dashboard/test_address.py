"""What stands in the address: who wins, link or widget, and what a late message cannot undo."""

from __future__ import annotations

import pytest
import streamlit as st

from dashboard.components.shared import address
from dashboard.components.shared.address import UrlChoice, choose, hold_choices


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    state: dict[str, object] = {"row": 3, "step": "10"}
    monkeypatch.setattr(st, "session_state", state)
    return state


@pytest.fixture
def url(state: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The address, while no widget holds anything."""
    url: dict[str, str] = {}
    state.clear()
    monkeypatch.setattr(st, "query_params", url)
    return url


def test_a_bound_widget_counts_and_before_there_is_one_the_link(
    state: dict[str, object], url: dict[str, str]
) -> None:
    kind = UrlChoice("kind")
    assert kind.asked() is None
    url["kind"] = "batch"
    assert kind.asked() == "batch"
    state["kind"] = "pinned"
    assert kind.asked() == "pinned"
    kind.preset("pinned")
    assert url == {"kind": "batch"}, "Streamlit writes it"


def test_a_value_that_the_address_lacks_is_put_there(
    state: dict[str, object], url: dict[str, str]
) -> None:
    UrlChoice("row").preset(3)
    assert (state["row"], url["row"]) == (3, "3")


def test_without_a_bound_widget_a_link_and_the_back_button_count(
    state: dict[str, object], url: dict[str, str]
) -> None:
    step = UrlChoice("step", bound=False)
    url["step"] = "10"
    assert step.asked() == "10"
    step.preset("10")
    step.write("10")
    state["step"] = "20"  # its user moved the slider
    assert step.asked() == "20"
    step.write("20")
    assert url["step"] == "20"
    url["step"] = "10"  # Back
    assert step.asked() == "10"
    del url["step"]  # the page was left and opened again
    state.pop("step")
    assert step.asked() == "20"


def test_nothing_is_a_value_like_any_other(url: dict[str, str]) -> None:
    slips = UrlChoice("slips", bound=False)
    slips.write("one,two")
    url["slips"] = ""  # Back to the page before the first switch
    assert slips.asked() == ""
    slips.write(None)
    assert "slips" not in url
    assert not slips.moved()
    slips.write("one")
    slips.forget()
    assert (slips.asked(), url) == (None, {})


def test_for_a_moment_the_address_is_what_it_was_before(url: dict[str, str]) -> None:
    edits = UrlChoice("edits", bound=False, hold=60.0)
    edits.write("new")
    url["edits"] = "old"  # the browser has not heard of it
    assert not edits.moved()
    patient = UrlChoice("edits", bound=False)
    assert patient.moved()
    assert patient.follow() == "old"
    assert not patient.moved()


@pytest.mark.usefixtures("url")
def test_what_is_chosen_for_the_next_run_of_the_page_is_shown_once(
    state: dict[str, object],
) -> None:
    run = UrlChoice("run")
    state["run"] = "old"
    run.then("new")
    assert [run.asked(), run.asked()] == ["new", "old"]


def test_what_a_late_message_undid_is_put_back(state: dict[str, object]) -> None:
    choose({"row": 4})
    assert state["row"] == 4
    state["row"] = 3  # what the widget still showed
    hold_choices("step")
    assert state["row"] == 3  # not asked for here
    hold_choices("row")
    assert state["row"] == 4


def test_a_message_that_knows_a_part_of_it_is_no_late_one(state: dict[str, object]) -> None:
    choose({"row": 4, "step": "20"})
    state["row"] = 3
    hold_choices("row", "step")
    assert (state["row"], state["step"]) == (3, "20")


def test_the_last_choice_counts(state: dict[str, object]) -> None:
    choose({"row": 4})
    choose({"row": 3})
    hold_choices("row")
    assert state["row"] == 3


def test_another_value_is_a_new_choice(state: dict[str, object]) -> None:
    choose({"row": 4})
    state["row"] = 5
    hold_choices("row")
    assert state["row"] == 5


def test_after_a_moment_the_value_before_is_one_like_any_other(
    state: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "HOLD_SECONDS", -1.0)
    choose({"row": 4})
    state["row"] = 3
    hold_choices("row")
    assert state["row"] == 3
