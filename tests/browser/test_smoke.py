"""The dashboard comes up in a real browser, over an empty checkpoints folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_opens_without_an_error(page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/")
    page.get_by_role("link", name=re.compile("Train")).first.wait_for()
    assert "Train" in page.inner_text("body")
    assert page.get_by_test_id("stException").count() == 0
    assert not errors
