"""The Compare page in a real browser: pages hand the run on, slips stand in the link."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.figures import CENTRE_ON_PAGE
from tests.dashboard.compare_page import add_run

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
    page.get_by_role("button", name="New training").wait_for()
    expect(page.get_by_role("combobox", name="Run").first).to_have_value("older")
    page.get_by_role("link", name="Inspect").click()
    page.get_by_text(re.compile("^The 3 slots of")).wait_for()
    expect(page).to_have_url(re.compile("run=older"))
    page.goto("/compare?compare=trained+runs&runs=older&runs=newer&sample=val/1")
    page.get_by_role("tab", name="Formulas").wait_for()
    page.get_by_role("link", name="Inspect").click()
    page.get_by_text("after 20 updates").wait_for()


def test_main_path(page: Page, checkpoints: Path) -> None:
    """Losses beside the one that trained, a cell, formulas with numbers, then trained runs."""
    from playwright.sync_api import expect

    add_run(checkpoints, "yolov2-1")
    add_run(checkpoints, "yolov3-1", "yolov3")
    page.goto("/compare?run=yolov2-1&losses=yolov2/formula&losses=ssd&sample=val/0&row=0&column=0")
    page.get_by_text("What happens in cell (row 0, column 0)").wait_for(timeout=LOADING_MS)
    for kind in ("The picture", "Parts of the slots"):
        for loss in ("yolov2, as trained", "yolov2/formula", "ssd"):
            figure = page.get_by_role("figure", name=f"{kind} ({loss})")
            figure.locator(".main-svg").first.wait_for()
    # Formulas are set, and not shown as their source.
    page.get_by_role("tab", name="Formulas").click()
    formulas = page.locator(".katex-display")
    expect(formulas).to_have_count(3)
    expect(page.locator(".katex-error")).to_have_count(0)
    assert all("λ" in formula for formula in formulas.all_inner_texts())

    page.get_by_role("tab", name="Cell").click()
    picture = page.get_by_role("figure", name="The picture (ssd)")
    picture.click(position=picture.evaluate(CENTRE_ON_PAGE, [56, 72]))
    page.get_by_text("What happens in cell (row 4, column 3)").wait_for()
    page.wait_for_url(re.compile("row=4"))
    page.get_by_text("share", exact=True).click()
    page.get_by_text("what part of each loss").wait_for()

    page.get_by_text("trained runs", exact=True).click()
    expect(page.get_by_role("figure", name="The picture (yolov3-1")).to_be_visible()
    page.get_by_role("tab", name="Slots").click()
    page.get_by_text("The slots are not the same ones").wait_for()
    assert page.get_by_test_id("stException").count() == 0


def test_a_slip_stands_in_the_link_and_back_takes_it_out(page: Page, checkpoints: Path) -> None:
    from playwright.sync_api import expect

    add_run(checkpoints, "yolov2-1")
    page.goto("/compare?losses=yolov2/formula&sample=val/0")
    page.get_by_role("tab", name="Slips").click(timeout=LOADING_MS)
    page.get_by_text("Missing square").click()
    page.get_by_text("The loss goes from").wait_for()
    expect(page).to_have_url(re.compile("slips=no-object-unsquared"))
    link = page.url
    page.go_back()
    page.get_by_text("The loss goes from").wait_for(state="detached")
    page.goto(link)
    page.get_by_text("The loss goes from").wait_for()
    terms = page.get_by_role("figure", name=re.compile("^Terms of each loss"))
    expect(terms).to_have_count(2, timeout=LOADING_MS)
