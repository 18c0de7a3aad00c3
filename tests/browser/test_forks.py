"""What if from here, in a real browser: two forks at once by clicks, one kept, one discarded."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.training.runs_by_command import whole_run
from tests.waiting import wait_for
from yolo_core.runs.layout import RunFolder, list_runs
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.config import read_config

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PANE = "/?run=whole&pane=What+if+from+here"
FIRST, SECOND = "whole-fork-1", "whole-fork-2"


@pytest.fixture
def run(checkpoints: Path) -> RunFolder:
    """30 steps, with checkpoints of 10 and 20 that a fork may begin with."""
    shutil.copytree(whole_run()[0] / "whole", checkpoints / "whole")
    return RunFolder(checkpoints / "whole")


@pytest.mark.usefixtures("run")
def test_two_forks_at_once_are_started_kept_and_discarded(page: Page, checkpoints: Path) -> None:
    page.goto(PANE)
    for fork, value in ((FIRST, "500"), (SECOND, "5")):
        field = page.get_by_label(re.compile("no.?_object")).last
        field.fill(value)
        field.press("Tab")
        button(page, "Fork").click()
        page.get_by_text(fork, exact=True).first.wait_for()
    for fork, value in ((FIRST, 500), (SECOND, 5)):
        folder = RunFolder(checkpoints / fork)
        wait_for(lambda folder=folder: read_status(folder).state is RunState.FINISHED)
        assert read_config(folder.config).forked_from.step == 20
        with RunStore.open(folder) as store:
            rows = store.steps(19, 22, ["lambda/no_object"])["lambda/no_object"]
        assert rows[2:].tolist() == [value, value]
        assert rows[0] == rows[1] != value
    # The second came up while the first one was at work, and both have ended.
    first, second = (RunFolder(checkpoints / each) for each in (FIRST, SECOND))
    assert read_status(first).heartbeat > second.config.stat().st_mtime
    curves = page.get_by_role("figure", name=re.compile("of the run and of its forks"))
    curves.get_by_text(FIRST, exact=True).first.wait_for()
    curves.get_by_text(SECOND, exact=True).first.wait_for()

    page.locator(".st-key-discard-whole-fork-2").get_by_role("button").click()
    page.get_by_text(f"{SECOND} is discarded.").wait_for()
    page.locator(".st-key-keep-whole-fork-1").get_by_role("button").click()
    page.get_by_text(f"{FIRST} is now whole; as it was before it is whole-before-1.").wait_for()
    assert {each.name for each in list_runs(checkpoints)} == {"whole", "whole-before-1"}
    page.wait_for_url(re.compile("run=whole"))
    with RunStore.open(RunFolder(checkpoints / "whole")) as store:
        assert store.last_step()["lambda/no_object"] == 500
    assert page.get_by_test_id("stException").count() == 0


def test_a_checkpoint_that_is_gone_by_the_press_is_told(page: Page, run: RunFolder) -> None:
    page.goto(PANE)
    button(page, "Fork").wait_for()
    (run.weights / "step-00000020.npz").unlink()
    button(page, "Fork").click()
    page.get_by_text(re.compile(r"step-00000020\.npz is gone")).first.wait_for()
    assert [each.name for each in list_runs(run.path.parent)] == ["whole"]
    assert page.get_by_test_id("stException").count() == 0


def button(page: Page, name: str):
    return page.get_by_test_id("stMainBlockContainer").get_by_role("button", name=name, exact=True)
