"""The browser's Back button: one press takes back one thing that was done."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.survey.made_up import Looker, make_surveyable
from yolo_core.runs.layout import RunFolder
from yolo_core.survey import worker
from yolo_core.survey.worker import Survey

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_back_from_a_sample_of_a_survey_is_one_press(
    page: Page, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_surveyable(checkpoints, "one")
    monkeypatch.setattr(worker, "_looker", Looker())
    for split in ("val", "test"):
        Survey(RunFolder(checkpoints / "one"), count=20, split=split).run()
    page.goto("/survey?run=one&survey=val-40")
    page.get_by_text("20 samples of val").wait_for()

    rows = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert rows is not None
    page.mouse.click(rows["x"] + 120, rows["y"] + 75)
    page.get_by_text("a sample of a survey").wait_for()
    # The page completes its address by itself: cell, slot and object.
    page.wait_for_url(re.compile("sample=val.*row=.*column=.*anchor="))
    length = page.evaluate("history.length")
    page.get_by_role("spinbutton", name=re.compile("^Row")).press("ArrowUp")
    page.wait_for_function(f"history.length === {length + 1}")

    page.go_back()
    page.go_back()
    page.get_by_text("20 samples of val").wait_for()
    page.wait_for_url(re.compile("survey=val-40"))
