"""A choice holds against what a browser sends that has not heard of it yet."""

from __future__ import annotations

import pytest
import streamlit as st

from dashboard.components.shared import address
from dashboard.components.shared.address import choose, hold_choices


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    state: dict[str, object] = {"row": 3, "step": "10"}
    monkeypatch.setattr(st, "session_state", state)
    return state


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
