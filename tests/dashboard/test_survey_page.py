"""The Survey page in every state that a survey can be in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import streamlit as st

from dashboard.components.shared import jobs, open_sample
from dashboard.components.shared.survey_files import (
    cached_survey_records,
    cached_table,
    small_pictures,
)
from dashboard.components.survey import start as survey_start
from dashboard.components.survey.ledger import _rounded, anchors_table, objects_table
from dashboard.components.survey.loss import groups_table
from dashboard.components.survey.worst import samples_table
from tests.dashboard.page import assert_sound, button, labels, opener, plots, words
from tests.dashboard.sample_run import LAST_STEP
from yolo_core.jobs.process import ProcessIdentity
from yolo_core.jobs.status import JobState, read_job, write_job
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.survey.folder import SurveyFolder, list_surveys
from yolo_core.survey.spots import Spot
from yolo_core.survey.statistics import GROUPINGS, loss_by

open_page, open_inspect = opener("survey"), opener("inspect")


@pytest.mark.usefixtures("checkpoints")
def test_no_runs_says_what_to_press() -> None:
    page = open_page()
    assert_sound(page)
    assert "press **Start training**" in page.info[0].value


@pytest.mark.usefixtures("run")
def test_no_survey_says_what_to_press() -> None:
    page = open_page()
    assert_sound(page)
    assert "Press **Start survey**" in page.info[0].value


def test_a_run_without_a_checkpoint_says_so(add_finished: Callable[[str], Path]) -> None:
    add_finished("bare")
    page = open_page()
    assert_sound(page)
    assert "no checkpoint yet" in page.info[0].value
    assert "Start survey" not in labels(page)


@pytest.mark.slow
def test_start_starts_what_was_chosen(
    run: RunFolder, survey: Callable[..., SurveyFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def start(_: RunFolder, **options: object) -> SurveyFolder:
        asked.append(options)
        return survey(count=options["count"], split=options["split"])

    monkeypatch.setattr(survey_start, "start_survey", start)
    page = open_page()
    # Pressed before what was chosen is drawn.
    page.number_input[0].set_value(18)
    page.selectbox(key=f"survey step {run.name}").set_value(str(LAST_STEP))
    button(page, "Start survey").click().run()
    assert_sound(page)
    assert asked == [{"split": "val", "count": 18, "step": LAST_STEP}]
    assert "18 samples of val by the weights of step 40" in words(page)


@pytest.mark.usefixtures("run")
def test_a_start_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is on the page while the process comes up: the script gets no further than there.
    monkeypatch.setattr(survey_start, "start_survey", lambda *_, **__: st.stop())
    page = open_page()
    button(page, "Start survey").click().run()
    assert "Starting the survey of val." in words(page)
    assert button(page, "Start survey").disabled


@pytest.mark.usefixtures("run")
def test_the_second_click_of_a_double_click_starts_no_second_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    monkeypatch.setattr(survey_start, "start_survey", lambda *_, **rest: asked.append(rest))
    page = open_page()
    page.session_state[jobs.JUST_STARTED] = True
    button(page, "Start survey").click().run()
    assert asked == []
    button(page, "Start survey").click().run()
    assert len(asked) == 1


@pytest.mark.usefixtures("run")
def test_what_cannot_be_started_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("There is no room on the disk.")

    monkeypatch.setattr(survey_start, "start_survey", refuse)
    page = open_page()
    button(page, "Start survey").click().run()
    assert_sound(page)
    assert page.error[0].value == "There is no room on the disk."


def test_a_finished_survey_shows_all_its_parts(survey: Callable[..., SurveyFolder]) -> None:
    survey()
    page = open_page()
    assert_sound(page)
    text = words(page)
    assert "20 samples of val by the weights of step 40" in text
    assert [metric.label for metric in page.metric] == [
        "Match rate",
        "Collisions",
        "Best possible recall",
        "Found",
        "False detections",
    ]
    assert page.metric[0].value == f"{28 / 34:.1%}"
    (key,) = plots(page)
    assert key.endswith("survey picture")
    assert len(page.dataframe) == 1
    page = open_page(found="Objects")
    # 5 + 5 + 0 + 13 x 1 in the first file, 5 + 5 + 0 + 1 in the second (the same pictures again).
    assert "34 objects = " in words(page)
    assert len(page.dataframe) == 1
    page = open_page(found="Where the loss is")
    assert "the mean recorded loss of a picture ✓" in words(page)
    assert len(plots(page)) == 4  # by class, size and anchor (one head), and the picture


def test_the_bars_add_up_to_the_recorded_totals(survey: Callable[..., SurveyFolder]) -> None:
    table = cached_table(survey())
    for figure in list(plots(open_page(found="Where the loss is")).values())[:3]:
        drawn = sum(sum(trace["x"]) for trace in figure["data"] if trace["type"] == "bar")
        assert drawn == pytest.approx(table.samples.total.mean(), rel=1e-4)
    use = next(iter(plots(open_page(found="Anchors")).values()))
    assert sum(sum(trace["x"]) for trace in use["data"] if trace["type"] == "bar") == 28


@pytest.fixture
def went(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What the page asks of those that it leads to, one after the other."""
    asked: list[dict[str, str]] = []
    monkeypatch.setattr(st, "switch_page", lambda _, query_params: asked.append(query_params))
    return asked


def test_a_click_on_a_bar_leads_to_the_sample(
    survey: Callable[..., SurveyFolder], went: list[dict[str, str]]
) -> None:
    folder = survey()
    page = open_page(run="one", survey=folder.name, found="Where the loss is")
    figure = next(iter(plots(page).values()))
    asked = figure["data"][0]["customdata"][0]
    page.session_state["next spot"] = asked
    page.run()
    assert page.query_params["spot"] in (asked, [asked])
    # As a browser sends it right after a click on a row.
    del page.query_params["run"]
    button(page, "Inspect").click().run()
    page.run()
    assert_sound(page)
    assert [each["run"] for each in went] == ["one"]
    assert (went[0]["kind"], went[0]["step"]) == ("survey", "40")
    assert went[0]["sample"] in cached_table(folder).samples.name
    assert went[0].keys() >= {"row", "column", "anchor", "object"}


@pytest.mark.usefixtures("went")
def test_a_page_that_is_left_is_drawn_again_even_where_the_browser_says_nothing(
    survey: Callable[..., SurveyFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The white page: what draws it again came too early on a busy machine, and was lost."""
    page = open_page(run="one", survey=survey().name)
    fragment, polled = st.fragment, []

    def spy(function=None, *, run_every=None, **more):
        polled.append(run_every)
        return fragment(function, run_every=run_every, **more)

    monkeypatch.setattr(st, "fragment", spy)
    page.session_state[open_sample.ASKED] = Spot("val/0").text()
    page.run()
    assert polled == [open_sample.LOST_SECONDS]
    first_look = open_sample._is_first_look()
    assert [first_look(), first_look(), first_look()] == [True, False, False]


def test_a_sample_is_opened_at_its_own_slot_and_not_at_the_one_before(
    survey: Callable[..., SurveyFolder], went: list[dict[str, str]]
) -> None:
    folder = survey()
    page = open_page(run="one", survey=folder.name)
    view = read_snapshot(folder.chunk(0)).sample("val/0")
    slot = int(view.weighted_map.argmax())
    place = {axis: int(getattr(view.layout, axis)[slot]) for axis in ("row", "column", "anchor")}
    # What the Inspect page left behind.
    left = {"row": 5, "column": 5, "anchor": "1", "object": 1, "cell of the anchor": (0, 5, 5)}
    for key, value in left.items():
        page.session_state[key] = value
    page.session_state[open_sample.ASKED] = Spot("val/0").text()
    page.run()
    page.run()
    assert_sound(page)
    assert {axis: went[0][axis] for axis in place} == {k: str(v) for k, v in place.items()}
    assert "object" not in went[0]
    assert "object" not in page.session_state
    assert page.session_state["row"] == place["row"]
    assert page.session_state["anchor"] == str(place["anchor"])
    assert page.session_state["cell of the anchor"] == (0, place["row"], place["column"])


def test_a_score_below_the_threshold_is_never_printed_as_the_threshold() -> None:
    values = np.array([0.2999999, 0.3, 0.298, 0.2949, 0.4999, 0.0099, 0.0], np.float32)
    assert _rounded(values).tolist() == [0.2999, 0.3, 0.298, 0.29, 0.4999, 0.0099, 0.0]


def test_the_link_opens_that_sample_on_the_inspect_page(
    survey: Callable[..., SurveyFolder],
) -> None:
    survey()
    page = open_inspect(run="one", kind="survey", sample="val/17", step="40")
    assert_sound(page)
    text = words(page)
    assert "**val/17**, a sample of a survey" in text
    assert "recorded by the survey: " in text
    assert "✓" in page.success[0].value


def test_another_order_of_the_worst(survey: Callable[..., SurveyFolder]) -> None:
    table = samples_table(cached_table(survey()))
    page = open_page()
    assert page.dataframe[0].value["sample"][0] == table.sort_values("total")["sample"].iloc[-1]
    page.session_state["survey order"] = "missed"
    page.run()
    assert page.dataframe[0].value["missed"].is_monotonic_decreasing


def test_two_surveys_are_chosen_between_and_kept_in_the_address(
    survey: Callable[..., SurveyFolder],
) -> None:
    survey()
    survey(3, split="test")
    assert "3 samples of test" in words(open_page())
    page = open_page(survey="val-40")
    assert "20 samples of val" in words(page)
    assert page.query_params["survey"] in ("val-40", ["val-40"])


def test_a_running_one_shows_how_far_it_is_and_can_be_stopped(
    survey: Callable[..., SurveyFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = survey()
    running = dataclasses.replace(
        read_job(folder.status),
        state=JobState.RUNNING,
        done=20,
        total=60,
        rate=10.0,
        process=ProcessIdentity.current(),
    )
    write_job(folder.status, running)
    stopped = []
    monkeypatch.setattr(jobs, "stop_job", stopped.append)
    page = open_page()
    assert_sound(page)
    (progress,) = page.get("progress")
    assert progress.proto.text == "20 of 60 samples · 10 a second · 4 s left"
    button(page, "Stop").click().run()
    assert stopped == [folder.status]
    assert page.get("progress")[0].proto.text.endswith("· stopping")
    write_job(folder.status, dataclasses.replace(running, state=JobState.STOPPED))
    page = open_page()
    assert "Stopped after 20 of 60 samples, which are shown." in page.warning[0].value
    assert "20 samples of val" in words(page)
    asked = []
    monkeypatch.setattr(survey_start, "start_survey", lambda _, **rest: asked.append(rest))
    button(page, "Continue").click().run()
    assert_sound(page)
    # Those of the survey, whatever the form says.
    assert asked == [{"split": "val", "count": 60, "step": 40}]


def test_continue_is_answered_where_there_is_no_form(
    run: RunFolder, survey: Callable[..., SurveyFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = survey()
    stopped = dataclasses.replace(read_job(folder.status), state=JobState.STOPPED, total=60)
    write_job(folder.status, stopped)
    run.config.write_text("torn")
    page = open_page()
    assert "Start survey" not in labels(page)
    asked = []
    monkeypatch.setattr(survey_start, "start_survey", lambda _, **rest: asked.append(rest))
    button(page, "Continue").click().run()
    assert asked == [{"split": "val", "count": 60, "step": 40}]


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.RUNNING])
def test_one_that_ended_badly_says_why_and_shows_what_it_has(
    survey: Callable[..., SurveyFolder], state: JobState
) -> None:
    folder = survey()
    gone = ProcessIdentity(1, started=1.0)
    status = dataclasses.replace(read_job(folder.status), state=state, message="Why.", process=gone)
    write_job(folder.status, status)
    page = open_page()
    assert_sound(page)
    reason = "Why." if state is JobState.FAILED else "ended without saying why"
    assert reason in page.error[0].value
    assert "The 20 samples it had are shown." in page.error[0].value
    assert len(page.dataframe) == 1


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("table", "is damaged, half-written or no table of a survey"),
        ("status", "not valid JSON"),
    ],
)
def test_a_damaged_file_is_a_sentence(
    survey: Callable[..., SurveyFolder], file: str, sentence: str
) -> None:
    folder = survey()
    getattr(folder, file).write_bytes(b"torn")
    page = open_page()
    assert_sound(page)
    assert sentence in words(page)


def test_a_damaged_snapshot_file_leaves_its_pictures_out(
    survey: Callable[..., SurveyFolder],
) -> None:
    folder = survey()
    folder.chunk(0).write_bytes(b"torn")
    table = cached_table(folder)
    pictures = small_pictures(folder, table, [0, 19])
    assert pictures[0] is None
    assert pictures[1].startswith("data:image/png;base64,")
    assert_sound(open_page())


def test_the_files_for_spreadsheets_hold_every_row(survey: Callable[..., SurveyFolder]) -> None:
    table = cached_table(survey())
    assert len(samples_table(table)) == 20
    assert len(objects_table(table)) == 34
    assert len(anchors_table(table)) == 34
    groups = groups_table(table, {each: loss_by(table, each) for each in GROUPINGS})
    for _, part in groups.groupby("by"):
        assert part["together"].sum() == pytest.approx(table.samples.total.sum(), rel=1e-5)


def test_records_are_read_anew_when_a_survey_grows(
    run: RunFolder, survey: Callable[..., SurveyFolder]
) -> None:
    assert cached_survey_records(run) == []
    survey(3)
    assert len(cached_survey_records(run)) == 3
    survey(5)
    assert len(cached_survey_records(run)) == 5
    assert len(list_surveys(run)) == 1
