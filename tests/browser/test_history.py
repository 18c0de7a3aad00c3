"""The browser's Back button: one press takes back one thing that was done."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.browser.figures import still
from tests.survey.made_up import Looker, make_surveyable
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.survey import statistics, worker
from yolo_core.survey.table import read_table
from yolo_core.survey.worker import Survey

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Counts how many entries Streamlit asks for, before `history.html` makes them one.
COUNT = """() => {
  const ours = history.pushState;
  window.asked = 0;
  history.pushState = (...entry) => { window.asked += 1; ours(...entry); };
}"""


def test_back_from_a_sample_of_a_survey_is_one_press(
    page: Page, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_surveyable(checkpoints, "one")
    monkeypatch.setattr(worker, "_looker", Looker())
    for split in ("val", "test"):
        Survey(RunFolder(checkpoints / "one"), count=20, split=split).run()
    page.goto("/survey?run=one&survey=val-40")
    page.get_by_text("20 samples of val").wait_for()

    # Counted is what is asked of `history.html`, which has to be there.
    page.wait_for_function("history.oneEntryAnAction")
    page.evaluate(COUNT)
    rows = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert rows is not None
    page.mouse.click(rows["x"] + 120, rows["y"] + 75)
    # The button stands behind the words about the row, and moves with them.
    page.wait_for_url(re.compile("spot="))
    still(page, "() => location.search")
    page.get_by_role("button", name="Inspect").first.click()
    page.get_by_text("a sample of a survey").wait_for()
    # The page completes its address by itself: cell, slot and object.
    page.wait_for_url(re.compile("sample=val.*row=.*column=.*anchor="))
    # Where it is one only, Streamlit has mended it, and `history.html` may go.
    assert page.evaluate("window.asked") > 1
    length = page.evaluate("history.length")
    page.get_by_role("spinbutton", name=re.compile("^Row")).press("ArrowUp")
    page.wait_for_function(f"history.length === {length + 1}")

    page.go_back()
    page.go_back()
    page.get_by_text("20 samples of val").wait_for()
    page.wait_for_url(re.compile("survey=val-40"))


def test_the_next_opened_sample_has_its_own_slot(
    page: Page, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_surveyable(checkpoints, "one")
    monkeypatch.setattr(worker, "_looker", Looker())
    survey = Survey(RunFolder(checkpoints / "one"), count=4)
    survey.run()
    table = read_table(survey.folder.table)
    worst = statistics.worst_first(table, "total")
    page.goto("/survey?run=one")
    for row in (0, 1):
        page.get_by_text("4 samples of val").wait_for()
        rows = page.get_by_test_id("stDataFrame").first.bounding_box()
        assert rows is not None
        page.mouse.click(rows["x"] + 120, rows["y"] + 75 + 64 * row)
        name = str(table.samples.name[worst[row]])
        page.get_by_text(re.compile(rf"^{name}, loss .* adds ")).wait_for()
        page.get_by_role("button", name="Inspect").first.click()
        view = read_snapshot(survey.folder.chunk(0)).sample(name)
        slot = int(view.weighted_map.argmax())
        place = f"row={view.layout.row[slot]}&column={view.layout.column[slot]}"
        page.wait_for_url(
            re.compile(f"sample={quote(name, safe='')}.*{place}&anchor={view.layout.anchor[slot]}")
        )
        page.get_by_text(f"{name}, a sample of a survey").wait_for()
        page.get_by_role("spinbutton", name=re.compile("^Row")).wait_for()
        page.wait_for_url(re.compile("object="))
        page.go_back()
