"""The Runs page in a real browser: tick two runs, rename one, delete one after a question."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.tables import click_in_table
from tests.dashboard.sample_run import make_run
from yolo_core.runs.layout import list_runs

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_tick_two_runs_rename_one_and_delete_the_other(page: Page, checkpoints: Path) -> None:
    for name in ("a", "b", "c"):
        make_run(checkpoints, name, pinned_steps=(), batch_steps=())
    page.goto("/runs?sort=name")
    page.get_by_text("3 runs; all take").wait_for()
    click_in_table(page, "a", x=16)
    page.wait_for_url(re.compile("ticked=a"))
    page.get_by_role("button", name="Delete this run").wait_for()
    click_in_table(page, "b", x=16)
    page.wait_for_url(re.compile("ticked=a%2Cb"))
    page.get_by_text("The configurations are the same in every field.").wait_for()
    page.get_by_role("figure").first.wait_for()

    page.get_by_role("button", name="Rename").last.click()
    field = page.get_by_label("New name of b")
    field.fill("best")
    field.press("Tab")
    page.get_by_role("button", name="Rename this run").click()
    page.wait_for_url(re.compile("ticked=a%2Cbest"))

    # A link, or a look at it again, shows what was ticked.
    page.reload()
    page.get_by_role("button", name="Delete 2 runs").wait_for()
    click_in_table(page, "best", x=16)
    page.wait_for_url(re.compile(r"ticked=a(&|$)"))
    page.get_by_role("button", name="Delete this run").click()
    page.get_by_role("button", name="Yes, delete this run").click()
    page.get_by_text("2 runs; all take").wait_for()
    assert {run.name for run in list_runs(checkpoints)} == {"best", "c"}
    assert page.get_by_test_id("stException").count() == 0
