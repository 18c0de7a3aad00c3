"""The Compare page in a real browser: pages hand the run on, slips stand in the link."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.dashboard.test_compare_page import add_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOADING_MS = 180_000


def test_a_change_of_pages_keeps_the_run_and_the_step(page: Page, checkpoints: Path) -> None:
    """What one page's widgets held does not reach another page's by itself."""
    from playwright.sync_api import expect

    add_run(checkpoints, "older")
    add_run(checkpoints, "newer")
    page.goto("/inspect?run=older&sample=val/1&step=0")
    page.get_by_text("before the first update").wait_for()
    page.get_by_role("link", name="Train").click()
    expect(page).to_have_url(re.compile("run=older"))
    page.get_by_role("button", name="Start training").wait_for()
    expect(page.get_by_role("combobox", name="Run").first).to_have_value("older")
    page.get_by_role("link", name="Inspect").click()
    page.get_by_text("Target, raw and decoded values").wait_for()
    expect(page).to_have_url(re.compile("run=older"))
    page.goto("/compare?compare=trained+runs&runs=older&runs=newer&sample=val/1")
    page.get_by_text("Formulas").wait_for()
    page.get_by_role("link", name="Inspect").click()
    page.get_by_text("after 20 updates").wait_for()


def test_a_slip_stands_in_the_link_and_back_takes_it_out(page: Page, checkpoints: Path) -> None:
    from playwright.sync_api import expect

    add_run(checkpoints, "yolov2-1")
    page.goto("/compare?losses=yolov2/formula&sample=val/0")
    page.get_by_text("What a published slip does").wait_for(timeout=LOADING_MS)
    page.get_by_text("Missing square").click()
    page.get_by_text("The loss goes from").wait_for()
    expect(page).to_have_url(re.compile("slips=no-object-unsquared"))
    link = page.url
    page.go_back()
    page.get_by_text("The loss goes from").wait_for(state="detached")
    page.goto(link)
    page.get_by_text("The loss goes from").wait_for()
    expect(page.get_by_role("figure", name=re.compile("^Terms of each loss"))).to_have_count(2)
