"""The Evaluate page in every state that an evaluation can be in."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st

from dashboard.components.evaluate import start
from dashboard.components.shared import open_sample
from tests.dashboard.page import assert_sound, button, labels, opener, plots, words
from tests.dashboard.sample_run import LAST_STEP, make_snapshot
from tests.evaluation.test_table import made_table
from tests.survey.made_up import add_checkpoint
from yolo_core.evaluation.curves import counts_at
from yolo_core.evaluation.errors import ErrorKind, find_errors
from yolo_core.evaluation.job.folder import EvaluationFolder
from yolo_core.evaluation.matching import match
from yolo_core.evaluation.table import EvaluationTable, write_table
from yolo_core.jobs.process import ProcessIdentity
from yolo_core.jobs.status import JobState, JobStatus, write_job
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import write_snapshot
from yolo_core.survey import table as survey_table
from yolo_core.survey.rows import table_of

open_page = opener("evaluate")


@pytest.fixture
def made(add_finished: Callable[[str], Path]) -> tuple[EvaluationFolder, EvaluationTable]:
    """An evaluation of six samples; of the first three the pictures are kept."""
    run = RunFolder(Path(add_finished("one")))
    add_checkpoint(run)
    folder = EvaluationFolder(run, "val", LAST_STEP)
    folder.path.mkdir(parents=True)
    names = tuple(f"val/{index}" for index in range(6))
    snapshot = dataclasses.replace(make_snapshot_of(names[:3]), step=LAST_STEP)
    table = dataclasses.replace(
        made_table(), step=LAST_STEP, split="val", samples=names, grids=snapshot.layout.grids
    )
    path = folder.path / "val-1-2-000000.npz"
    write_snapshot(path, snapshot)
    survey_table.write_table(folder.pictures, table_of(snapshot, path.name))
    write_table(folder.table, table)
    write_job(folder.status, JobStatus(JobState.FINISHED, done=6, total=6))
    return folder, table


def make_snapshot_of(names: tuple[str, ...]):
    from tests.dashboard.sample_run import make_loss

    return make_snapshot(make_loss("yolov2"), LAST_STEP, "pinned", names)


@pytest.mark.usefixtures("checkpoints")
def test_no_runs_says_what_to_press() -> None:
    page = open_page()
    assert_sound(page)
    assert "press **Start training**" in page.info[0].value


@pytest.mark.slow
def test_a_run_without_a_checkpoint_says_so(add_finished: Callable[[str], Path]) -> None:
    add_finished("bare")
    page = open_page()
    assert_sound(page)
    assert "no checkpoint yet" in words(page)
    assert "Start evaluation" not in labels(page)


def test_no_evaluation_says_what_to_press(add_finished: Callable[[str], Path]) -> None:
    add_checkpoint(RunFolder(Path(add_finished("one"))))
    page = open_page()
    assert_sound(page)
    assert "Press **Start evaluation**" in words(page)


def test_the_button_starts_what_was_chosen(
    add_finished: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_checkpoint(RunFolder(Path(add_finished("one"))))
    started = []
    monkeypatch.setattr(start, "start_evaluation", lambda _, **how: started.append(how))
    page = open_page()
    # Pressed before what was chosen is drawn.
    page.button_group(key="evaluate split test").set_value("val")
    page.selectbox(key="evaluate one").set_value("last")
    button(page, "Start evaluation").click().run()
    assert_sound(page)
    assert started == [{"split": "val", "step": "last"}]


@pytest.mark.slow
def test_the_numbers_are_those_of_the_table(
    made: tuple[EvaluationFolder, EvaluationTable],
) -> None:
    folder, table = made
    page = open_page(threshold="0.50")
    assert_sound(page)
    whole = table.scores.whole
    assert [each.value for each in page.metric][:2] == [
        f"{whole.map50:.3f}",
        f"{whole.map50_95:.3f}",
    ]
    counts = counts_at(table.found, table.truth, match(table.found, table.truth), 0.5)
    assert (
        f"From a score of 0.50 on, {counts.found:,} of {whole.objects:,} objects are found"
        in words(page)
    )
    by_class = next(each.value for each in page.dataframe if "VOC2007" in each.value.columns)
    assert by_class["objects"].tolist() == [s.objects for s in table.scores.by_class]
    assert by_class["found"].sum() == counts.found
    assert "96 x 64" in words(open_page(part="By size"))
    assert f"{folder.name}" in words(page)


def test_the_bars_are_the_costs_and_the_matrix_adds_up(
    made: tuple[EvaluationFolder, EvaluationTable],
) -> None:
    _, table = made
    page = open_page(threshold="0.00")
    figures = plots(page)
    matching = match(table.found, table.truth)
    errors = find_errors(table.found, table.truth, matching, num_classes=3)
    bars, matrix = (
        next(f for key, f in figures.items() if name in key)
        for name in ("evaluate errors", "evaluate confusion")
    )
    assert bars["data"][0]["x"] == pytest.approx([max(errors.cost[k], 0) for k in ErrorKind])
    written = matrix["data"][1]
    numbers = [int(word.replace(",", "")) for word in written["text"]]
    of_classes = [n for n, row in zip(numbers, written["y"], strict=True) if row < 3]
    assert sum(of_classes) == table.scores.whole.objects


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_what_is_listed_stands_in_the_address(
    made: tuple[EvaluationFolder, EvaluationTable], kind: ErrorKind
) -> None:
    _, table = made
    errors = find_errors(table.found, table.truth, match(table.found, table.truth), num_classes=3)
    page = open_page(listed=kind.name.lower())
    assert_sound(page)
    if errors.count(kind):
        frame = next(each for each in page.dataframe if "detected as" in each.value.columns)
        assert f"**{frame.value['sample'][0]}** of {errors.count(kind):,}" in words(page)
        assert len(frame.value) == errors.count(kind)
        kept = frame.value["sample"][0] in ("val/0", "val/1", "val/2")
        assert any("evaluate picture" in key for key in plots(page)) == kept
        assert ("Inspect" in labels(page)) == kept
        assert ("No picture of" in words(page)) != kept
        # Nothing is said by an empty cell.
        assert not frame.value[["detected as", "object"]].isin(["", None]).any(axis=None)
        if kind is ErrorKind.MISSED:
            assert set(frame.value["detected as"]) == {"not detected"}
        if kind is ErrorKind.BACKGROUND:
            assert set(frame.value["object"]) == {"no object"}
    else:
        assert "There is none" in page.success[0].value


@pytest.mark.usefixtures("made")
def test_a_click_leads_to_inspect(monkeypatch: pytest.MonkeyPatch) -> None:
    left = {}
    monkeypatch.setattr(
        st, "switch_page", lambda page, query_params: left.update({page: query_params})
    )
    page = open_page()
    where = {"run": "one", "kind": "evaluation", "sample": "val/1", "step": "1", "object": "0"}
    page.session_state[open_sample.ASKED] = json.dumps(where)
    page.run()
    page.run()
    assert left == {open_sample.INSPECT: where}


def test_inspect_opens_a_sample_of_an_evaluation(
    made: tuple[EvaluationFolder, EvaluationTable],
) -> None:
    folder, _ = made
    page = opener("inspect")(
        run=folder.run.name, kind="evaluation", sample="val/1", step=str(LAST_STEP)
    )
    assert_sound(page)
    assert "val/1, a sample of an evaluation" in words(page).replace("*", "")


def test_one_that_runs_shows_how_far_it_is(
    made: tuple[EvaluationFolder, EvaluationTable],
) -> None:
    folder, _ = made
    folder.table.unlink()
    me = ProcessIdentity.current()
    write_job(folder.status, JobStatus(JobState.RUNNING, done=2, total=6, process=me))
    page = open_page()
    assert_sound(page)
    assert "2 of 6 samples" in words(page)
    assert "Stop" in labels(page)


def test_one_that_failed_says_why(made: tuple[EvaluationFolder, EvaluationTable]) -> None:
    folder, _ = made
    folder.table.unlink()
    write_job(folder.status, JobStatus(JobState.FAILED, "The disk is full.", total=6))
    page = open_page()
    assert "The disk is full." in page.error[0].value


def test_a_damaged_file_is_said_and_no_more(
    made: tuple[EvaluationFolder, EvaluationTable],
) -> None:
    folder, _ = made
    folder.table.write_bytes(b"nothing")
    page = open_page()
    assert not page.exception
    assert "damaged" in page.error[0].value
    assert "Start the evaluation again" in words(page)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"evaluation": "val-99"}, "There is no val-99 of this run any more."),
        ({"listed": "9-9"}, "Of 9-9 there is nothing to list at this threshold."),
        ({"error": "99999"}, "There is no error 99999 in this list; the first one is shown."),
        ({"error": "<b>"}, "There is no error <b> in this list; the first one is shown."),
    ],
)
@pytest.mark.usefixtures("made")
def test_a_link_to_what_is_gone_says_what_is_shown(query: dict[str, str], said: str) -> None:
    page = open_page(**{"listed": "class", "threshold": "0.00", **query})
    assert_sound(page)
    assert said in words(page)
    assert any("evaluate confusion" in key for key in plots(page))


@pytest.mark.usefixtures("made")
def test_the_second_error_of_a_list_is_shown_and_opened_where_it_is() -> None:
    page = open_page(listed="class", threshold="0.00", error="1")
    frame = next(each.value for each in page.dataframe if "detected as" in each.value.columns)
    assert f"**{frame['sample'][1]}** of" in words(page)
