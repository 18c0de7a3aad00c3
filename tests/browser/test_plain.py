"""`plain` in a real browser: whatever a text holds, Streamlit shows it sign by sign."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import serve
from tests.browser.plain_page import KINDS, TEXTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DRAWN = "a, img, h1, h2, h3, li, code, pre, blockquote, em, strong, del, .katex, [role=img]"


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("plain")
    with serve(folder, folder / "server.log", "tests/browser/plain_page.py") as address:
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        page.locator(f".st-key-text-{len(TEXTS) - 1} table").wait_for()
        yield page
        context.close()


@pytest.mark.parametrize("at", range(len(TEXTS)), ids=lambda at: TEXTS[at][:12])
def test_a_text_is_shown_as_it_is(page: Page, at: int) -> None:
    box = page.locator(f".st-key-text-{at}")
    wanted = " ".join(TEXTS[at].split())
    for kind in KINDS:
        shown = box.get_by_test_id(f"st{kind}").first.inner_text().replace("\u2060", "")
        shown = " ".join(shown.removeprefix("cell").split())  # the title of the table
        assert shown == wanted, kind
    assert box.locator(DRAWN).count() == 0
