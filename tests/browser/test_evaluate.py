"""The Evaluate page in a real browser: from a bar to a sample, and a picture of one's own."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.browser.conftest import PATIENCE_MS, Served
from tests.browser.figures import CENTRE_ON_PAGE
from tests.training.runs_by_command import evaluated_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def trained(checkpoints: Path) -> None:
    """A run of a few steps, and its evaluation."""
    shutil.copytree(evaluated_run(), checkpoints / "one")


@pytest.mark.usefixtures("trained")
def test_a_cell_of_the_matrix_lists_its_errors_and_a_row_opens_its_sample(page: Page) -> None:
    page.goto("/evaluate?run=one&threshold=0.00")
    matrix = page.get_by_role("figure", name=re.compile("^From a score of"))
    matrix = matrix.filter(has_text="detected as")
    matrix.locator(".main-svg").first.wait_for()
    row, column = matrix.evaluate("h => [h.data[1].y[0], h.data[1].x[0]]")
    # On the number itself, which lies over the cell.
    matrix.click(position=matrix.evaluate(CENTRE_ON_PAGE, [column, row]))
    page.wait_for_url(re.compile(f"listed={row}-{column}"))
    bars = page.get_by_role("figure", name=re.compile("^mAP50 is"))
    at = bars.evaluate("h => h.data[0].x.findIndex(x => x > 0)")
    if at >= 0:
        half = bars.evaluate("(h, at) => [h.data[0].x[at] / 2, h.data[0].y[at]]", at)
        bars.click(position=bars.evaluate(CENTRE_ON_PAGE, half))
        page.wait_for_url(re.compile("listed=[a-z]+"))
    page.get_by_role("button", name="Inspect").click()
    page.wait_for_url(re.compile(r"/inspect\?.*sample=val%2F\d+"))
    page.get_by_role("figure", name=re.compile("^The picture")).wait_for()
    assert page.get_by_test_id("stException").count() == 0


@pytest.mark.usefixtures("trained")
def test_a_picture_of_ones_own_on_a_dark_wide_page(
    browser: Browser, served: Served, tmp_path: Path
) -> None:
    file = tmp_path / "mine.png"
    Image.linear_gradient("L").resize((300, 200)).save(file)
    context = browser.new_context(
        base_url=served.address,
        viewport={"width": 1920, "height": 1080},
        color_scheme="dark",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    try:
        page.goto("/evaluate?run=one")
        page.get_by_role("tab", name="Your own picture").click()
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_text(re.compile(r"detections? from a score of 0\.30 on")).wait_for()
        page.get_by_text("in pixels of mine.png as it stands upright, 300 x 200").wait_for()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download JSON").click()
        (said,) = json.loads(Path(download.value.path()).read_text())
        assert (said["file"], said["width"], said["height"]) == ("mine.png", 300, 200)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.get_by_test_id("stException").count() == 0
        phone = tmp_path / "phone.png"
        phone.write_bytes(b"\0\0\0\x18ftypheic")
        page.locator("input[type=file]").set_input_files(phone)
        page.get_by_text("phone.png: it is a HEIC picture").wait_for()
    finally:
        context.close()
