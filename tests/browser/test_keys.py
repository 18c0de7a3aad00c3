"""The question mark shows the keys, and the words say what they mean where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.dashboard.sample_run import make_run
from yolo_core.explain.glossary import GLOSSARY

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_question_mark_shows_keys_and_words(page: Page, checkpoints: Path) -> None:
    make_run(checkpoints, "one")
    page.goto("/inspect?run=one&sample=val/0&step=40&row=2&column=3")
    page.get_by_role("figure").first.locator(".main-svg").first.wait_for()
    shown = page.locator("#keys-and-words")
    page.keyboard.press("?")
    shown.wait_for()
    assert "another cell" in shown.inner_text()
    assert GLOSSARY["ledger"] in shown.inner_text()
    page.keyboard.press("Escape")
    shown.wait_for(state="hidden")
    page.get_by_role("button", name="Keys and words").click()
    shown.wait_for()
    page.get_by_role("button", name="Close").click()
    shown.wait_for(state="hidden")
    # A heading of the table of slots is a word of the field.
    page.locator(f'th[title="{GLOSSARY["adds"]}"]').first.wait_for()
    # Headings are some for who cannot see them, and no label has a backslash.
    assert page.get_by_role("heading", level=1).inner_text() == "Inspect"
    assert page.get_by_role("heading", level=3).count() >= 1
    # In a field it is a letter like any other.
    field = page.get_by_label("Row", exact=False).first
    field.focus()
    page.keyboard.press("?")
    assert not shown.is_visible()


def test_labels_have_no_backslash_and_answers_are_spoken(page: Page, checkpoints: Path) -> None:
    make_run(checkpoints, "one")
    page.goto("/sandbox?lesson=zero")
    page.get_by_role("tab", name="Lambdas").click(timeout=120_000)
    page.get_by_label("λ no_object", exact=True).wait_for()
    assert page.locator("[aria-label*='\\\\']").count() == 0
    assert page.locator("#spoken").get_attribute("aria-live") == "polite"
