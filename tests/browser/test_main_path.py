"""The way a newcomer goes: train, pull a lambda, take one step, open a picture, click a cell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.figures import click_a_cell
from tests.waiting import wait_for
from yolo_core.runs.layout import find_run
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Importing TensorFlow and compiling the first step take this long on a busy machine.
STARTING_MS = 120_000


def test_train_pull_a_lambda_and_inspect(page: Page, checkpoints: Path) -> None:
    page.goto("/")
    start_training(page, steps=5000, name="first")
    pull_a_lambda(page, checkpoints)
    pause_and_take_one_step(page, checkpoints)
    button(page, "More").click()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Stop").click()
    button(page, "Resume training").wait_for()
    assert read_status(find_run(checkpoints, "first")).state is RunState.STOPPED

    page.get_by_role("link", name="Inspect").first.click()
    page.get_by_text("recorded by the training process:").wait_for()
    assert "✓" in page.get_by_test_id("stAlert").first.inner_text()
    click_a_cell(page, row=4, column=1)
    read_the_card(page, row=4, column=1)
    assert page.get_by_test_id("stException").count() == 0


def start_training(page: Page, *, steps: int, name: str) -> None:
    fill(page, "Steps", str(steps))
    fill(page, "Batch size", "8")
    page.get_by_label("Run name").fill(name)
    page.get_by_label("Run name").press("Tab")
    page.get_by_role("button", name="Start training").click()
    page.get_by_text(re.compile("images a second")).first.wait_for(timeout=STARTING_MS)


def pull_a_lambda(page: Page, checkpoints: Path) -> None:
    """With the slider; the step at which it took effect is said, and is the recorded one."""
    slider = page.get_by_role("slider", name=re.compile("no.?_object"))
    slider.wait_for()
    slider.press("ArrowRight")
    said = page.get_by_text(re.compile(r"^[\d.]+ took effect at step [\d,]+$")).first
    said.wait_for()
    value, step = re.fullmatch(r"([\d.]+) took effect at step ([\d,]+)", said.inner_text()).groups()
    step = int(step.replace(",", ""))
    with RunStore.open(find_run(checkpoints, "first")) as store:
        # Said when the step begins, recorded when it is done.
        wait_for(lambda: (store.last_step() or {"step": 0})["step"] >= step)
        before, after = store.steps(step - 1, step)["lambda/no_object"]
    assert after == pytest.approx(float(value))
    assert before != after


def pause_and_take_one_step(page: Page, checkpoints: Path) -> None:
    button(page, "Pause").click()
    button(page, "Resume").wait_for()
    folder = find_run(checkpoints, "first")
    held = read_status(folder).step
    button(page, "Step").click()
    page.get_by_text(re.compile(rf"step {held + 1:,} of")).first.wait_for()
    assert read_status(folder).step == held + 1


def read_the_card(page: Page, *, row: int, column: int) -> None:
    """The numbers of the cell follow the click, and so does its table."""
    from playwright.sync_api import expect

    page.get_by_text(re.compile(rf"of cell .row {row}, column {column}.* adds")).first.wait_for()
    # The text comes before the fields have been told.
    expect(page.get_by_label(re.compile("^Row"))).to_have_value(str(row))
    expect(page.get_by_label(re.compile("^Column"))).to_have_value(str(column))
    for pane, words in {"Why": ("trained for", "of the loss"), "Terms": ("objectness",)}.items():
        page.get_by_role("tab", name=pane).click()
        for word in words:
            page.get_by_test_id("stTable").get_by_text(word).first.wait_for()


def fill(page: Page, label: str, value: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(value)
    field.press("Tab")


def button(page: Page, name: str) -> Locator:
    """A button of the page itself: Streamlit has a Stop of its own in the header at times."""
    return page.get_by_test_id("stMainBlockContainer").get_by_role("button", name=name)
