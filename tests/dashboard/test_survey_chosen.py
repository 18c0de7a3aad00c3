"""The chosen sample of a survey, and links to one that is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.components.shared.survey_files import cached_table
from dashboard.components.survey.worst import samples_table
from tests.dashboard.page import assert_sound, opener, plots, words
from yolo_core.survey.folder import SurveyFolder
from yolo_core.survey.spots import Spot

open_page = opener("survey")


@pytest.mark.slow
def test_the_worst_sample_is_shown_until_another_one_is_chosen(
    survey: Callable[..., SurveyFolder],
) -> None:
    table = samples_table(cached_table(survey()))
    worst = table.sort_values("total")["sample"].iloc[-1]
    page = open_page()
    assert f"**{worst}**, loss" in words(page)
    page = open_page(spot=Spot("val/1", object=0).text())
    assert_sound(page)
    assert "**val/1**, loss" in words(page)
    ledger = next(each.value for each in page.table if "status" in each.value.columns)
    assert ledger["status"].tolist() == [
        "overwritten",
        "matched",
        "outside",
        "zero area",
        "matched",
    ]


@pytest.mark.parametrize(
    ("spot", "said"),
    [
        (Spot("val/999").text(), "val/999 is not in this survey; this is the worst of it."),
        ("torn", "No sample of a survey is meant by 'torn'."),
        (Spot("val/1", object=99).text(), "Object 99 is not on val/1; this is its worst slot."),
    ],
)
def test_a_link_to_a_sample_that_is_gone_says_what_is_shown(
    survey: Callable[..., SurveyFolder], spot: str, said: str
) -> None:
    survey()
    page = open_page(spot=spot)
    assert_sound(page)
    assert said in words(page)
    assert len(plots(page)) == 1


def test_a_survey_that_is_gone_is_said(survey: Callable[..., SurveyFolder]) -> None:
    survey()
    page = open_page(survey="val-39")
    assert_sound(page)
    assert "There is no val-39 of this run any more" in words(page)
    assert "20 samples of val" in words(page)
