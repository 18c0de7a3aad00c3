"""The panes of the Inspect page's card: the open one alone is made, and links lead to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dashboard.page import assert_sound, button, opener, plots, table_with, words
from tests.dashboard.test_inspect_page import CURVES, PANES, PLOTS

open_page = opener("inspect")


@pytest.mark.parametrize("pane", PANES)
def test_every_pane_opens_alone(add_finished: Callable[[str], Path], pane: str) -> None:
    add_finished("yolov2-1")
    page = open_page(card=pane, pin="0.2.3.1")
    assert_sound(page)
    assert not page.error
    assert len(plots(page)) == PLOTS + {"Curves": CURVES, "Terms": 1, "Beside": 1}.get(pane, 0)
    opened = [tab.label for tab in page.tabs if tab.children]
    assert opened == [pane]


def test_a_link_from_before_there_were_panes_opens_its_pane(
    add_finished: Callable[[str], Path],
) -> None:
    add_finished("yolov2-1")
    page = open_page(term="no_object")
    assert [tab.label for tab in page.tabs if tab.children] == ["Terms"]
    assert page.selectbox(key="term").value == "no_object"


def test_a_pinned_slot_stands_beside_the_selected_one_at_two_steps(
    add_finished: Callable[[str], Path],
) -> None:
    add_finished("yolov2-1")
    page = open_page(sample="val/0", step="40", row="4", column="3", card="Beside", beside="10")
    assert_sound(page)
    assert table_with(page, "adds").columns.tolist() == ["this, step 40", "this, step 10"]
    button(page, "Pin").click().run()
    assert page.query_params["pin"] in ("0.4.3.1", ["0.4.3.1"])
    page.number_input(key="row").set_value(2).run()
    table = table_with(page, "adds")
    assert table.columns.tolist() == [
        "this, step 40",
        "this, step 10",
        "pinned, step 40",
        "pinned, step 10",
    ]
    assert table.loc["trained for", "pinned, step 40"] == "1\\: 4"
    assert table.loc["trained for", "this, step 40"] == "0\\: 4"
    # A slot that this network does not have is none.
    assert "pinned, step 40" not in table_with(open_page(card="Beside", pin="9.9.9.9"), "adds")


def test_the_loss_map_of_a_term(add_finished: Callable[[str], Path]) -> None:
    add_finished("yolov2-1")
    page = open_page(term="no_object")
    assert_sound(page)
    assert "What each slot adds to no_object, unweighted" in words(page)
    page.selectbox(key="term").set_value("weighted total").run()
    assert "What each slot adds to weighted total, every term times its lambda" in words(page)
