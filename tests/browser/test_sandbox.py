"""The Sandbox in a real browser: a dragged box is what the loss is computed on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dashboard.components.shared.address import HOLD_SECONDS
from tests.dashboard.compare_page import add_run

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAME = "The picture with its objects in the sandbox."
BOXES = "e.layout.shapes.filter(s => s.name !== 'mark')"  # without the selected cell


def open_sandbox(page: Page, query: str) -> Locator:
    """The Sandbox without edits; gives the picture that can be changed."""
    page.goto(f"/sandbox?{query}")
    picture = page.get_by_role("figure", name=NAME)
    picture.locator(".main-svg").first.wait_for()
    page.get_by_text("0 of 5 objects and 0 of 108 slots").wait_for()
    picture.scroll_into_view_if_needed()
    return picture


def drag(page: Page, x: float, y: float, dx: float, dy: float) -> None:
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2, steps=4)
    page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()


def test_an_object_is_dragged_and_the_link_brings_it_back(page: Page, checkpoints: Path) -> None:
    add_run(checkpoints, "yolov2-1")
    picture = open_sandbox(page, "run=yolov2-1&sample=val/0&step=20")

    # The fourth object, of 13.4 x 16.3 pixels around (28.8, 64.3), up into another cell.
    place = picture.locator('.shapelayer path[data-index="3"]').bounding_box()
    assert place is not None
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.click(x, y)  # on the box: selects the cell under it
    page.get_by_text("Cell (row 4, column 1)", exact=True).wait_for()
    assert "edits=" not in page.url
    drag(page, x, y, 0, -90)
    page.get_by_text(re.compile("1 of 5 objects and [1-9]")).wait_for()
    page.wait_for_url(re.compile("edits="))
    [summary] = page.get_by_text(re.compile("1 of 5 objects and")).all_inner_texts()

    # For so long the page takes an older address for a late one of the browser.
    page.wait_for_timeout(1000 * HOLD_SECONDS + 100)
    page.go_back()
    page.get_by_text("0 of 5 objects and 0 of 108 slots").wait_for()
    page.go_forward()
    page.get_by_text(summary).wait_for()

    link = page.url
    page.goto("about:blank")
    page.goto(link)
    page.get_by_text(summary).wait_for()

    page.get_by_role("button", name="Take all edits back").click()
    page.get_by_text("0 of 5 objects and 0 of 108 slots").wait_for()
    # The answer comes before the address.
    page.wait_for_function("!location.search.includes('edits=')")


def test_a_box_is_drawn_resized_and_thrown_out_by_mouse(page: Page, checkpoints: Path) -> None:
    add_run(checkpoints, "yolov2-1")
    picture = open_sandbox(page, "run=yolov2-1&sample=val/0&step=20&new_class=7")

    def drawn() -> list:
        return picture.evaluate(f"e => {BOXES}.map(s => [s.name, s.x0, s.y0, s.x1, s.y1])")

    def wait_for(condition: str) -> None:
        page.wait_for_function(f"e => {condition}", arg=picture.element_handle())

    page.get_by_text("Draw", exact=True).click()
    wait_for("e.layout.dragmode === 'drawrect'")
    plot = picture.locator(".nsewdrag").first.bounding_box()
    assert plot is not None
    pixel = plot["width"] / 96
    drag(page, plot["x"] + 3 * pixel, plot["y"] + 78 * pixel, 10 * pixel, 12 * pixel)
    page.get_by_text(re.compile("[1-9] of 6 objects")).wait_for()
    wait_for(f"{BOXES}.length === 6 && {BOXES}[5].name === '5'")
    _, x0, y0, x1, y1 = drawn()[5]
    assert (x1 - x0, y1 - y0) == pytest.approx((10, 12), abs=1)
    page.wait_for_url(re.compile("null%2C7%2C"))  # a new object of the class that was chosen

    # Its right edge.
    drag(page, plot["x"] + (x1 - 0.5) * pixel, plot["y"] + (y0 + y1) / 2 * pixel, 8 * pixel, 0)
    wait_for(f"{BOXES}[5].x1 > {x1 + 6}")
    assert drawn()[5][1] == pytest.approx(x0, abs=0.1)

    # Taken back and drawn again: nothing is left of the first one.
    page.get_by_role("button", name="Take all edits back").click()
    page.get_by_text("0 of 5 objects and 0 of 108 slots").wait_for()
    wait_for(f"{BOXES}.length === 5")
    drag(page, plot["x"] + 3 * pixel, plot["y"] + 78 * pixel, 10 * pixel, 12 * pixel)
    page.get_by_text(re.compile("[1-9] of 6 objects")).wait_for()
    wait_for(f"{BOXES}.length === 6 && {BOXES}[5].name === '5'")

    # Out over the left side.
    drag(page, plot["x"] + 8 * pixel, plot["y"] + 84 * pixel, -30 * pixel, 0)
    page.get_by_text("0 of 5 objects and 0 of 108 slots").wait_for()
