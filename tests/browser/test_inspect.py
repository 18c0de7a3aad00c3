"""The Inspect page in a real browser: what a click, a zoom and a link do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.figures import RANGES, click_a_cell, picture, still
from tests.dashboard.sample_run import make_run

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Where the picture's axes stand, for every frame that shows them somewhere else.
WATCH = """() => {
  window.places = [];
  const look = () => {
    const axes = document.querySelector('[aria-label^="The picture with its grid"] .nsewdrag');
    if (axes) {
      const { x, y, width, height } = axes.getBoundingClientRect();
      const place = [x, y + window.scrollY, width, height].map(Math.round);
      if (`${place}` !== `${window.places.at(-1)}`) window.places.push(place);
    }
    requestAnimationFrame(look);
  };
  look();
}"""


def zoomed_in(page: Page) -> tuple[Locator, list]:
    """The picture of val/1 at step 0, zoomed in, and the ranges of its axes."""
    page.goto("/inspect?run=yolov2-1&sample=val/1&step=0")
    host = picture(page)
    host.hover()
    host.locator("[data-title='Zoom in']").click(force=True)
    return host, host.evaluate(RANGES)


def assert_card(page: Page, *, row: int, column: int) -> None:
    """The card and the two numbers come to show the cell."""
    from playwright.sync_api import expect

    page.get_by_text(re.compile(rf"of cell .row {row}, column {column}.* adds")).first.wait_for()
    expect(page.get_by_label(re.compile("^Row"))).to_have_value(str(row))
    expect(page.get_by_label(re.compile("^Column"))).to_have_value(str(column))


def test_the_picture_stands_still_from_its_first_frame_on(page: Page, checkpoints: Path) -> None:
    """Whoever comes from the Train page, with its sidebar, can click at once."""
    make_run(checkpoints, "yolov2-1")
    page.goto("/?run=yolov2-1")
    page.get_by_role("link", name="Inspect").first.wait_for()
    page.evaluate(WATCH)
    page.get_by_role("link", name="Inspect").first.click()
    click_a_cell(page, row=1, column=1)
    assert_card(page, row=1, column=1)
    page.get_by_role("button", name="Next snapshot").wait_for()
    page.get_by_role("figure", name=re.compile("^Best IoU")).locator(".main-svg").first.wait_for()
    # Nor does a shorter legend move it.
    page.get_by_role("button", name="Layers").click()
    for layer in ("matched anchors", "objects"):
        page.get_by_role("button", name=layer, exact=True).click()
    page.locator(".legend span", has_text="label").wait_for(state="detached")
    places = page.evaluate("window.places")
    assert len(places) == 1, places


def test_zoom_stays_over_clicks_layers_and_steps(page: Page, checkpoints: Path) -> None:
    make_run(checkpoints, "yolov2-1")
    host, zoomed = zoomed_in(page)
    assert zoomed == [[24, 72], [72, 24]]

    click_a_cell(page, row=3, column=2)
    assert_card(page, row=3, column=2)
    assert host.evaluate(RANGES) == zoomed
    page.get_by_role("button", name="Layers").click()
    page.get_by_role("button", name="objects", exact=True).click()
    page.locator(".legend span", has_text="label").wait_for(state="detached")
    page.keyboard.press("Escape")
    assert host.evaluate(RANGES) == zoomed
    page.get_by_role("slider", name="Step").press("ArrowRight")
    page.get_by_text("after 10 updates").wait_for()
    assert host.evaluate(RANGES) == zoomed


def test_a_click_moves_the_marks_and_sends_no_figure_again(page: Page, checkpoints: Path) -> None:
    make_run(checkpoints, "yolov2-1")
    received: list[int] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))),
    )
    page.goto("/inspect?run=yolov2-1&sample=val/1&step=0")
    host = picture(page)
    page.get_by_role("figure", name=re.compile("^Best IoU")).locator(".main-svg").first.wait_for()
    still(page, "() => document.querySelectorAll('.main-svg').length")
    assert max(received) > 10_000  # a figure
    received.clear()
    click_a_cell(page, row=3, column=2)
    assert_card(page, row=3, column=2)
    corners = "host => Object.values(host.layout.shapes.at(-1)).filter(Number.isFinite).slice(0, 4)"
    still(page, "() => document.querySelectorAll('.main-svg').length")
    assert sorted(host.evaluate(corners)) == [32, 48, 48, 64]
    assert max(received) < 10_000


def test_of_two_quick_clicks_the_second_counts_and_neither_zooms_out(
    page: Page, checkpoints: Path
) -> None:
    make_run(checkpoints, "yolov2-1")
    host, zoomed = zoomed_in(page)
    for _ in range(2):
        click_a_cell(page, row=2, column=2)
        page.wait_for_timeout(100)
        click_a_cell(page, row=3, column=3)
        assert_card(page, row=3, column=3)
    assert host.evaluate(RANGES) == zoomed

    # At one place they are a double click, which shows the whole picture again.
    axes = host.locator(".nsewdrag").bounding_box()
    assert axes is not None
    page.mouse.dblclick(axes["x"] + axes["width"] / 2, axes["y"] + axes["height"] / 2)
    page.wait_for_function(
        f"host => `${{({RANGES})(host)}}` === '0,96,96,0'", arg=host.element_handle()
    )


def test_a_link_opens_the_same_view_and_back_returns_to_the_one_before(
    page: Page, checkpoints: Path
) -> None:
    make_run(checkpoints, "yolov2-1")
    page.goto("/inspect?run=yolov2-1&sample=val/1&step=40&row=1&column=4")
    picture(page)
    assert_card(page, row=1, column=4)
    page.get_by_role("slider", name="Step").press("ArrowLeft")
    page.get_by_text("after 10 updates").wait_for()
    page.wait_for_url(re.compile("step=10"))
    link = page.url

    page.go_back()
    page.get_by_text("after 40 updates").wait_for()
    page.goto(link)
    page.get_by_text("after 10 updates").wait_for()
    assert_card(page, row=1, column=4)
    assert "val/1" in page.get_by_text("a pinned sample").inner_text()


def test_a_click_on_a_mask_selects_the_cell(page: Page, checkpoints: Path) -> None:
    make_run(checkpoints, "mnist-1", loss_name="mnist_yolo", pinned_steps=(40,), batch_steps=())
    page.goto("/inspect?run=mnist-1&sample=val/1&row=0&column=0")
    masks = page.get_by_role("figure", name=re.compile("^Parts of the slots"))
    masks.locator(".main-svg").first.wait_for()
    masks.scroll_into_view_if_needed()
    # The middle of cell (row 5, column 1) in the second map.
    place = masks.evaluate(
        """host => {
          const { xaxis2, yaxis2 } = host._fullLayout;
          return { x: xaxis2._offset + xaxis2.d2p(24), y: yaxis2._offset + yaxis2.d2p(88) };
        }"""
    )
    masks.hover(position=place)
    masks.click(position=place)
    assert_card(page, row=5, column=1)
