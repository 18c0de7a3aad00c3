"""From the gallery to a lesson, by its link."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.usefixtures("checkpoints")
def test_a_link_opens_a_state_and_its_change_can_be_shared(page: Page) -> None:
    page.goto("/lessons")
    page.locator("h3 a").nth(8).wait_for()
    page.get_by_role("link", name="Two digits in one slot").click()
    page.get_by_text("the status of each is shared").wait_for(timeout=120_000)
    page.get_by_role("figure").first.locator(".main-svg").first.wait_for()
    page.get_by_role("button", name="Make the change").click()
    page.wait_for_url(re.compile("edits="))
    page.get_by_text(re.compile("2 of 2 objects")).wait_for()
    page.get_by_role("button", name="Share").click()
    link = page.get_by_test_id("stCode").first.inner_text()
    assert "lesson=collision" in link
    assert "edits=" in link
