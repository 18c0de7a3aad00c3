"""The Sandbox in a real browser: a dragged box is what the loss is computed on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.dashboard.compare_page import add_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAME = "The picture with its objects in the sandbox."


def test_an_object_is_dragged_and_the_link_brings_it_back(page: Page, checkpoints: Path) -> None:
    add_run(checkpoints, "yolov2-1")
    page.goto("/sandbox?run=yolov2-1&sample=val/0&step=20")
    picture = page.get_by_role("figure", name=NAME)
    picture.locator(".main-svg").first.wait_for()
    page.get_by_text("0 of 5 objects and 0 of 108 slots").wait_for()

    # The fourth object, of 13.4 x 16.3 pixels around (28.8, 64.3), up into another cell.
    picture.scroll_into_view_if_needed()
    place = picture.locator(".shapelayer path").nth(3).bounding_box()
    assert place is not None
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 40, steps=4)
    page.mouse.move(x, y - 90, steps=4)
    page.mouse.up()
    page.get_by_text(re.compile("1 of 5 objects and [1-9]")).wait_for()
    page.wait_for_url(re.compile("edits="))
    [summary] = page.get_by_text(re.compile("1 of 5 objects and")).all_inner_texts()

    link = page.url
    page.goto("about:blank")
    page.goto(link)
    page.get_by_text(summary).wait_for()

    page.get_by_role("button", name="Take all edits back").click()
    page.get_by_text("0 of 5 objects and 0 of 108 slots").wait_for()
    assert "edits=" not in page.url
