"""A page that is open on a run, in a real browser, while the run is removed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.dashboard.sample_run import make_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHORT = {"pinned_steps": (0,), "batch_steps": ()}


@pytest.mark.parametrize("address", ["inspect", "train", "survey", "compare"])
def test_the_page_goes_to_another_run_and_says_why(
    page: Page, checkpoints: Path, address: str
) -> None:
    make_run(checkpoints, "stays", **SHORT)
    make_run(checkpoints, "goes", **SHORT)
    page.goto(f"/{address}?run=goes")
    page.get_by_text("finished", exact=True).first.wait_for()
    shutil.rmtree(checkpoints / "goes")
    page.get_by_text("There is no run 'goes'").wait_for()
    page.wait_for_url(re.compile(r"run=stays"))
    assert page.get_by_test_id("stException").count() == 0


def test_the_last_run_that_goes_leaves_the_page_as_at_the_beginning(
    page: Page, checkpoints: Path
) -> None:
    make_run(checkpoints, "goes", **SHORT)
    page.goto("/inspect?run=goes")
    page.get_by_role("figure").first.wait_for()
    shutil.rmtree(checkpoints / "goes")
    page.get_by_text("No runs yet.").wait_for()


def test_one_of_several_runs_that_are_compared(page: Page, checkpoints: Path) -> None:
    for name in ("one", "two", "three"):
        make_run(checkpoints, name, **SHORT)
    page.goto("/compare?compare=trained+runs&runs=one&runs=two&runs=three")
    page.get_by_text("three: yolov2").first.wait_for()
    shutil.rmtree(checkpoints / "three")
    page.get_by_text("three: yolov2").first.wait_for(state="detached")
    page.get_by_text("two: yolov2").first.wait_for()
    assert page.get_by_test_id("stException").count() == 0
