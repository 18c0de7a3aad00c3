"""A sample taken away as one file, and opened where there is no network."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.test_one_screen import overlap
from tests.dashboard.sample_run import make_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DRAWN_ANEW = """() => [...document.querySelectorAll(".js-plotly-plot")].every(
  (host) => host.clientWidth < 768 && host._fullLayout.width === host.clientWidth)"""
WORDS = """() => [...document.querySelectorAll("text:is(.scatterlayer *, .shapelayer *)")]
  .filter((each) => getComputedStyle(each).visibility !== "hidden" && each.textContent)
  .map((each) => {
    const { left, top, right, bottom } = each.getBoundingClientRect();
    return [each.textContent, { left, top, right, bottom }];
  })"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sample_file_opens_offline_and_nothing_offers_to_upload_it(
    page: Page, browser: Browser, checkpoints: Path, tmp_path: Path, scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme)
    make_run(checkpoints, "yolov2-1", batch_steps=())
    page.goto("/inspect?run=yolov2-1&sample=val/0&row=2&column=3")
    page.get_by_role("figure").locator(".main-svg").first.wait_for()
    assert page.locator('[data-title="Share chart..."]').count() == 0
    page.get_by_role("button", name="Share").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Page (HTML)").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "yolov2-1-val-0-step-40.html"

    elsewhere = browser.new_context(offline=True)
    try:
        opened = elsewhere.new_page()
        failures: list[str] = []
        opened.on("requestfailed", lambda request: failures.append(request.url))
        opened.goto(file.as_uri())
        # The picture and the masks.
        opened.locator(".js-plotly-plot .main-svg").first.wait_for()
        assert opened.locator(".js-plotly-plot").count() == 2
        assert opened.locator('[data-title="Share chart..."]').count() == 0
        assert "yolov2-1: val/0 at step 40" in opened.inner_text("h1")
        assert failures == []
        # Three screens at most, in the colours of the page, without a link to this machine.
        assert opened.evaluate("document.body.scrollHeight") < 3 * 1000
        background = opened.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(27, 26, 23)" if scheme == "dark" else "rgb(255, 255, 255)")
        assert "localhost" not in opened.inner_text("body")
        # Nothing is cut in a narrow window, and no word of the picture lies on another.
        opened.set_viewport_size({"width": 768, "height": 900})
        opened.wait_for_function(DRAWN_ANEW)
        for (one, first), (other, second) in combinations(opened.evaluate(WORDS), 2):
            assert not overlap(first, second), (one, other)
        assert opened.evaluate("document.documentElement.scrollWidth") == 768
    finally:
        elsewhere.close()
