"""The dials of a live run in a real browser: two tabs, a schedule, undo, and what pulls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.training.runs_by_command import SMALL, start, wait_for_step
from tests.waiting import wait_for
from yolo_core.runs.changes import changes_of
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.store import RunStore

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = ("--steps", "1000000", "--evaluate-every", "1000000", "--checkpoint-every", "1000000")
STARTING = 300
NO_OBJECT = re.compile(r"^λ no.?_object$")


@pytest.fixture
def live(checkpoints: Path) -> Iterator[RunStore]:
    """A run that trains as long as the test goes on, open for reading."""
    process = start("--run", "live", *SMALL, *LONG, checkpoints=checkpoints)
    try:
        wait_for_step(checkpoints, "live", 10, timeout=STARTING)
        with RunStore.open(RunFolder(checkpoints / "live")) as store:
            yield store
    finally:
        process.kill()
        process.communicate()


def test_dials_of_a_live_run(page: Page, live: RunStore) -> None:
    two_tabs_with_one_lambda(page, live)
    a_schedule_is_drawn_and_taken_back(page, live)
    a_term_that_starves_is_balanced_by_a_press(page, live)
    assert page.get_by_test_id("stException").count() == 0


def two_tabs_with_one_lambda(page: Page, live: RunStore) -> None:
    """The last one wins, and both see it."""
    from playwright.sync_api import expect

    other = page.context.new_page()
    for tab in (page, other):
        tab.goto("/?run=live")
        number(tab).wait_for()
    for tab, value in ((page, "7"), (other, "3"), (page, "11")):
        # For a moment, while a dial takes a value from elsewhere, the old field is there as well.
        expect(number(tab)).to_have_count(1)
        number(tab).fill(value)
        number(tab).press("Enter")
        for each in (page, other):
            # Once on the page, and once for those who hear it.
            told = re.compile(rf"^{value} took effect at step [\d,]+$")
            each.get_by_test_id("stMainBlockContainer").get_by_text(told).wait_for()
            each.wait_for_function(
                "([label, value]) => [...document.querySelectorAll('input[type=number]')]"
                ".some(e => new RegExp(label).test(e.ariaLabel) && e.value === value)",
                arg=["no.?_object", value],
            )
    other.close()
    found = [(c.dial, c.new, c.by) for c in changes_of(live.events())]
    assert found == [("no_object", value, "page") for value in (7, 3, 11)]
    assert live.last_step()["lambda/no_object"] == 11


def a_schedule_is_drawn_and_taken_back(page: Page, live: RunStore) -> None:
    """Nothing that is typed is lost while the run goes on; undo of one dial, and of the last."""
    later(page).click()
    inside = page.get_by_test_id("stPopoverBody")
    inside.get_by_text("linear", exact=True).click()
    until = inside.get_by_label("Until step", exact=True)
    until.fill("900000")
    until.press("Tab")
    to = inside.get_by_label("To", exact=True)
    to.fill("0.5")
    to.press("Tab")
    inside.get_by_role("figure", name=re.compile("^What it will be at each step")).wait_for()
    step = live.last_step()["step"]
    wait_for(lambda: live.last_step()["step"] > step + 20)
    assert (until.input_value(), to.input_value()) == ("900000", "0.5")
    assert live.last_step()["lambda/no_object"] == 11
    inside.get_by_role("button", name="Apply").click()
    inside.wait_for(state="detached")
    wait_for(lambda: live.last_step()["lambda/no_object"] < 11)

    page.get_by_test_id("stMain").get_by_role("button", name=re.compile("Back to 11")).click()
    wait_for(lambda: live.last_step()["lambda/no_object"] == 11)
    page.get_by_role("radio", name="Changes").or_(
        page.get_by_text("Changes", exact=True)
    ).first.click()
    page.get_by_role("button", name="Undo the last change").click()
    wait_for(lambda: live.last_step()["lambda/no_object"] == 3)
    last = changes_of(live.events())[-1]
    assert (last.old, last.new, last.words) == (11, 3, "undo")


def a_term_that_starves_is_balanced_by_a_press(page: Page, live: RunStore) -> None:
    """Advice with the lambda that balances, and a button that sets it."""
    live.wait_for_answer(live.send("set-lambda", {"name": "no_object", "value": 1e-6}), 60)
    page.goto("/?run=live&pane=What+pulls")
    page.get_by_text(re.compile(r"no_object hardly moves the network")).wait_for()
    row = page.get_by_test_id("stHorizontalBlock").filter(
        has_text=re.compile("^no_object hardly moves")
    )
    press = row.get_by_role("button", name=re.compile("^Set λ to"))
    press.last.click()
    wait_for(lambda: live.last_step()["lambda/no_object"] > 1e-5)
    (command,) = live.commands(1)
    assert (command.name, command.arguments["by"]) == ("set-lambda", "page")


def number(page: Page) -> Locator:
    return page.get_by_role("spinbutton", name=NO_OBJECT)


def later(page: Page) -> Locator:
    """The button beside the dial of no_object."""
    dial = page.get_by_test_id("stColumn").filter(has=number(page))
    return dial.get_by_role("button", name=re.compile("Later")).last
