"""The time machine in a real browser: arrow keys, Play, and a click on a strip."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.figures import CENTRE_ON_PAGE, RANGES, picture
from tests.dashboard.sample_run import make_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STEPS = (0, 5, 10, 20, 30, 40)


def wait_for(page: Page, *, sample: str, snapshot: int) -> None:
    """The page is complete and shows that sample and snapshot."""
    page.get_by_text(f"snapshot {snapshot} of {len(STEPS)}").wait_for()
    step = STEPS[snapshot - 1]
    when = f"after {step} updates" if step else "before the first update"
    page.get_by_text(re.compile(f"{sample}, a pinned sample.*{when}")).wait_for()


def test_arrow_keys_step_through_samples_and_steps(page: Page, checkpoints: Path) -> None:
    make_run(checkpoints, "yolov2-1", pinned_steps=STEPS)
    page.goto("/inspect?run=yolov2-1&sample=val/0&step=10")
    wait_for(page, sample="val/0", snapshot=3)
    host = picture(page)
    host.hover()
    host.locator("[data-title='Zoom in']").click(force=True)
    zoomed = host.evaluate(RANGES)

    # With the focus in the picture they are the cell's.
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowUp")
    wait_for(page, sample="val/0", snapshot=4)
    page.keyboard.press("ArrowRight")
    wait_for(page, sample="val/1", snapshot=4)
    # Pressed faster than the page is drawn, all of them count.
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    wait_for(page, sample="val/1", snapshot=1)
    page.keyboard.press("ArrowLeft")
    wait_for(page, sample="val/0", snapshot=1)
    page.wait_for_url(re.compile("step=0"))
    assert host.evaluate(RANGES) == zoomed

    # "latest" stays "latest" from sample to sample.
    page.get_by_role("button", name="Last snapshot").click()
    wait_for(page, sample="val/0", snapshot=6)
    page.wait_for_url(re.compile("step=latest"))
    page.keyboard.press("ArrowRight")
    wait_for(page, sample="val/1", snapshot=6)
    page.wait_for_url(re.compile("step=latest"))
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="First snapshot").click()
    wait_for(page, sample="val/0", snapshot=1)

    # In an input they mean something else.
    row = page.get_by_label(re.compile("^Row"))
    row.click()
    before = int(row.input_value())
    page.keyboard.press("ArrowUp")
    page.wait_for_url(re.compile(f"row={before + 1}"))
    wait_for(page, sample="val/0", snapshot=1)


def test_play_goes_to_the_end_and_stops_there(page: Page, checkpoints: Path) -> None:
    make_run(checkpoints, "yolov2-1", pinned_steps=STEPS)
    page.goto("/inspect?run=yolov2-1&sample=val/0&step=20")
    wait_for(page, sample="val/0", snapshot=4)
    page.get_by_label("Pace of Play").select_option("1 s")
    page.get_by_role("button", name="Play").click()  # else it says Pause, and moves
    page.get_by_text("snapshot 5 of 6").wait_for()
    wait_for(page, sample="val/0", snapshot=6)
    page.get_by_role("button", name="Play").wait_for()
    assert page.get_by_role("button", name="Next snapshot").is_disabled()

    # From the end it begins anew; Pause stops it.
    page.get_by_role("button", name="Play").click()
    page.get_by_text("snapshot 1 of 6").wait_for()
    page.get_by_text("snapshot 2 of 6").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="First snapshot").click()
    wait_for(page, sample="val/0", snapshot=1)


def test_a_click_on_a_strip_goes_to_its_step(page: Page, checkpoints: Path) -> None:
    make_run(checkpoints, "yolov2-1", pinned_steps=STEPS)
    page.goto("/inspect?run=yolov2-1&sample=val/0&step=40")
    wait_for(page, sample="val/0", snapshot=6)
    strip = page.get_by_role("figure", name=re.compile("^Best IoU of each object"))
    strip.locator(".main-svg").first.wait_for()
    # A change of a lambda is marked where it can be seen; the first trace is the map.
    found = "host => host._fullData.findIndex(({ name }) => name === 'changes')"
    changes = strip.locator(".scatterlayer .trace").nth(strip.evaluate(found) - 1)
    changes.locator("path.point").first.wait_for()
    place = strip.evaluate(CENTRE_ON_PAGE, [1, 2])
    strip.hover(position=place)
    strip.click(position=place)
    wait_for(page, sample="val/0", snapshot=2)
    page.wait_for_url(re.compile("step=5"))

    # The number 0 is a step like others, also for the points of a curve.
    page.get_by_role("tab", name="Curves").click()
    curves = page.get_by_role("figure", name=re.compile("^Every term of val.0"))
    curves.scroll_into_view_if_needed()
    first = curves.evaluate(
        "host => { const { x, y } = host._fullData.find((line) => line.customdata); "
        "return [x[0], y[0]]; }"
    )
    place = curves.evaluate(CENTRE_ON_PAGE, first)
    place["x"] += 2  # the point is on the very edge of the axes
    curves.hover(position=place)
    page.wait_for_function("host => host._hoverdata?.length", arg=curves.element_handle())
    curves.click(position=place)
    wait_for(page, sample="val/0", snapshot=1)
