"""The Doctor page in a real browser: a finding with its picture, and an examination by a click."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import PATIENCE_MS
from tests.doctor.made_run import make_run, with_predictions

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_finding_has_its_picture_and_an_examination_ends_with_more(
    checkpoints: Path, page: Page
) -> None:
    def silent(snapshot):
        seen = snapshot.breakdown.predictions
        return with_predictions(snapshot, objectness=0.0 * seen["objectness"])

    make_run(checkpoints, change=silent)
    page.goto("/doctor?run=made")
    page.get_by_text("Objectness is zero everywhere").wait_for()
    page.get_by_role("figure", name=re.compile(": labels, and detections")).first.wait_for()
    page.get_by_role("button", name="Examine loss and data").click()
    page.get_by_text("its loss and its data").wait_for(timeout=4 * PATIENCE_MS)
    page.get_by_role("button", name="Show on Inspect").first.click()
    page.wait_for_url(re.compile(r"/inspect\?.*step=400"))
    assert page.get_by_test_id("stException").count() == 0
