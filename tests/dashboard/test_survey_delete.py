"""Deleting surveys on their page."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from tests.dashboard.page import assert_sound, button, labels, opener, words
from yolo_core.jobs.process import ProcessIdentity
from yolo_core.jobs.status import JobState, read_job, write_job
from yolo_core.runs.layout import RunFolder
from yolo_core.survey.folder import SurveyFolder, list_surveys

open_page = opener("survey")
DELETE = "Delete this survey"


def start_again(folder: SurveyFolder) -> None:
    """What another tab does."""
    status = read_job(folder.status)
    write_job(
        folder.status,
        dataclasses.replace(status, state=JobState.RUNNING, process=ProcessIdentity.current()),
    )


def test_the_last_one_is_deleted_and_the_page_says_what_to_press(
    run: RunFolder, survey: Callable[..., SurveyFolder]
) -> None:
    survey(count=3)
    page = open_page()
    assert "Delete the survey of **val, step 40**, 0 MB?" in words(page)
    button(page, DELETE).click().run()
    assert_sound(page)
    assert list_surveys(run) == []
    assert "Press **Start survey**" in page.info[0].value
    assert "survey" not in page.query_params
    assert (run.path / "weights").is_dir()


def test_the_one_that_is_shown_goes_and_the_other_one_is_shown(
    run: RunFolder, survey: Callable[..., SurveyFolder]
) -> None:
    survey(count=3)
    survey(count=3, split="test")
    page = open_page(survey="val-40")
    button(page, DELETE).click().run()
    assert_sound(page)
    assert [each.name for each in list_surveys(run)] == ["test-40"]
    assert "3 samples of test by the weights of step 40" in words(page)


def test_a_damaged_one_can_be_deleted(run: RunFolder, survey: Callable[..., SurveyFolder]) -> None:
    survey(count=3).status.write_bytes(b"torn")
    page = open_page()
    assert page.error
    button(page, DELETE).click().run()
    assert_sound(page)
    assert list_surveys(run) == []


def test_never_while_it_runs(run: RunFolder, survey: Callable[..., SurveyFolder]) -> None:
    folder = survey(count=3)
    page = open_page()
    start_again(folder)  # while the page shows the button
    button(page, DELETE).click().run()
    assert_sound(page)
    assert "runs, so it was not deleted" in page.error[0].value
    assert DELETE not in labels(page)
    assert len(list_surveys(run)) == 1


def test_what_cannot_be_deleted_is_a_sentence(
    run: RunFolder, survey: Callable[..., SurveyFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    survey(count=3)
    page = open_page()

    def refuse(_: SurveyFolder) -> None:
        raise ValueError("table.npz cannot be removed: Permission denied.")

    monkeypatch.setattr(SurveyFolder, "remove", refuse)
    button(page, DELETE).click().run()
    assert_sound(page)
    assert "Permission denied" in page.error[0].value
    assert len(list_surveys(run)) == 1
