"""The Doctor page, and the number at the top of every page."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from tests.dashboard.page import assert_sound, button, labels, opener, plots, words
from tests.doctor.made_run import make_run, with_predictions
from yolo_core.doctor import kept
from yolo_core.doctor.finding import Check, Examination, Finding, Seen
from yolo_core.runs.layout import RunFolder

open_page = opener("doctor")


@pytest.fixture
def checkpoints(tmp_path, monkeypatch):
    monkeypatch.setenv("DETECTOR_CHECKPOINTS", str(tmp_path))
    return tmp_path


def sixteen_times(folder, name="made"):
    return make_run(folder, total=lambda summed: 16 * summed, name=name)


@pytest.mark.usefixtures("checkpoints")
def test_without_a_run_it_says_what_will_be_here():
    page = open_page()
    assert_sound(page)
    assert "what goes wrong with it is named here" in words(page)


@pytest.mark.slow
def test_a_run_in_order(checkpoints):
    make_run(checkpoints)
    page = open_page(run="made")
    assert_sound(page)
    assert "Nothing is wrong that the doctor knows" in words(page)
    assert "Examine loss and data" in labels(page)


def test_a_finding_is_told_and_put_aside_with_a_note(checkpoints):
    run = sixteen_times(checkpoints)
    page = open_page(run="made")
    assert_sound(page)
    said = words(page)
    assert "1 thing is wrong" in said
    assert "16 times as much" in said
    assert "Likely" in said
    # Pressed before what was typed is drawn.
    page.text_input(key="note made total").input("a sum over the batch")
    button(page, "Put aside").click().run()
    assert kept.dismissed(run) == {"total": "a sum over the batch"}
    said = words(page)
    assert "Nothing is wrong that the doctor knows" in said
    assert "a sum over the batch" in said
    button(page, "Take up").click().run()
    assert "1 thing is wrong" in words(page)
    assert kept.dismissed(run) == {}


def test_a_finding_about_a_sample_has_its_picture(checkpoints):
    def silent(snapshot):
        objectness = np.zeros_like(snapshot.breakdown.predictions["objectness"])
        return with_predictions(snapshot, objectness=objectness)

    make_run(checkpoints, change=silent)
    page = open_page(run="made")
    assert_sound(page)
    (picture,) = plots(page)
    assert "picture objectness-zero" in picture
    assert "val/0: labels, and detections" in words(page)


def test_what_was_found_before_the_first_step_is_told_too(checkpoints):
    run = make_run(checkpoints)
    check = Check(
        id="cells", title="Objects elsewhere", of="loss", means="Bad.", what="{n} of them.",
        causes={"": "A swap."}, tries="Look.", look=lambda _: (),
    )  # fmt: skip
    found = Examination((Finding(check, Seen({"n": 3})),), ("laws",), {"mining": "It does not."})
    kept.keep_before(run, found)
    said = words(open_page(run="made"))
    assert "3 of them." in said
    assert "its loss and its data" in said
    assert "It does not." in said


def test_a_crafted_file_is_a_sentence(checkpoints):
    run = make_run(checkpoints)
    run.doctor.mkdir()
    (run.doctor / "before.json").write_text('{"found": [{"key": 3}]}', encoding="utf-8")
    page = open_page(run="made")
    assert_sound(page)
    assert "holds no findings of the doctor" in words(page)


def test_words_of_a_file_are_drawn_as_they_are(checkpoints):
    run = make_run(checkpoints)
    told = kept.Told("k", "c", "loss", "![x](http://a/b.png)", "w", "m", "c", "t", None, {})
    run.doctor.mkdir()
    fields = {"time": 1.0, "found": [dataclasses.asdict(told)], "passed": [], "not_tried": {}}
    (run.doctor / "before.json").write_text(json.dumps(fields), encoding="utf-8")
    page = open_page(run="made")
    assert any(r"\!\[x\]" in each.value or r"\[x\]" in each.value for each in page.markdown)


def test_the_number_at_the_top(checkpoints):
    from dashboard.components.shared.doctor_badge import Watcher, count_now, watcher

    run = sixteen_times(checkpoints)
    assert count_now(None) == 0
    watcher().look(run).result(60)
    assert count_now(run) == 1
    kept.dismiss(run, "total", "")
    assert count_now(run) == 0
    # A run that is not there is nothing to count.
    gone = RunFolder(checkpoints / "gone")
    Watcher().look(gone).exception(60)
    assert count_now(gone) == 0


def test_what_came_of_overfitting(checkpoints):
    run = make_run(checkpoints)
    rows = {
        "terms": [{"name": "xy", "verdict": "learned at step 20", "learned_at": 20}],
        "objects": [
            {"sample": "val/0", "index": 0, "object": "object 0", "verdict": v, "learned_at": at}
            for v, at in (("learned at step 20", 20), ("stuck: its slot is shared", None))
        ],
    }
    kept.keep_overfit(run, {**rows, "totals": [1.0, None], "end": "stuck", "note": ""})
    page = open_page(run="made")
    assert_sound(page)
    tables = [each.value for each in page.dataframe]
    # What is stuck stands first.
    assert tables[1]["verdict"].tolist() == ["stuck: its slot is shared", "learned at step 20"]
    assert "Overfit one batch" in labels(page)
    assert any("1 of 2 objects learned" in each.label for each in page.expander)
