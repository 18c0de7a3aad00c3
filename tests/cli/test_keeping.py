"""`runs`, `note`, `rename` and `delete`: what they print, what they do, and how they refuse."""

from __future__ import annotations

import json
import re

import pytest

from tests.dashboard.sample_run import make_run
from yolo_core.cli import runs
from yolo_core.runs.layout import RunFolder, create_run, list_runs
from yolo_core.runs.note import read_note
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore

SHORT = {"pinned_steps": (0,), "batch_steps": ()}


@pytest.fixture
def one(tmp_path) -> RunFolder:
    return make_run(tmp_path, "one", **SHORT)


def test_note_and_star_are_listed(ask, one):
    assert ask("note", "one", "wide anchors", "--star")[:2] == (
        0,
        "one, with a star: wide anchors\n",
    )
    assert re.fullmatch(r"\* one  finished +40/40 +0\.\d MB  wide anchors\n", ask("runs")[1])
    (listed,) = json.loads(ask("runs", "--json")[1])
    assert (listed["note"], listed["starred"]) == ("wide anchors", True)
    assert listed["disk"]["total"] == sum(
        size for part, size in listed["disk"].items() if part != "total"
    )
    assert listed["disk"]["snapshots"] == sum(p.stat().st_size for p in one.snapshots.iterdir())
    assert (listed["loss"], listed["data"]) == ("yolov2", "digits")
    assert ask("note", "one", "--no-star")[1] == "one, without a star: wide anchors\n"
    assert ask("note", "one", "")[1] == "one, without a star: no note\n"


def test_the_last_and_the_best_map50_are_listed(ask, one):
    with RunStore.open(one, writable=True) as store:
        store.record_evaluation(20, {"map50": 0.75})
        store.record_evaluation(40, {"map50": 0.5})
    assert "  mAP50 0.500, best 0.750  " in ask("runs")[1]


@pytest.mark.usefixtures("one")
def test_a_note_steers_no_terminal(ask):
    ask("note", "one", "a\x1b[2Jb\nc")
    listed = ask("runs")[1]
    assert "\x1b" not in listed
    assert listed.count("\n") == 1


@pytest.mark.usefixtures("one")
def test_rename(ask, tmp_path):
    assert ask("rename", "one", "two")[:2] == (0, "Run one is now two.\n")
    assert [run.name for run in list_runs(tmp_path)] == ["two"]
    assert ask("runs")[1].startswith("  two  finished")


def test_delete_asks(ask, one, monkeypatch, tmp_path):
    code, _, error = ask("delete", "one")
    assert (code, error) == (
        2,
        "error: Deleting asks first, and nobody is there to answer; say --yes.\n",
    )
    monkeypatch.setattr(runs.sys.stdin, "isatty", lambda: True, raising=False)
    questions = []
    monkeypatch.setattr("builtins.input", lambda text: questions.append(text) or "n")
    assert ask("delete", "one")[0] == 1
    assert one.is_run
    monkeypatch.setattr("builtins.input", lambda text: questions.append(text) or "y")
    assert ask("delete", "one")[:2] == (0, "Deleted one.\n")
    assert re.fullmatch(r"Delete one \(0\.\d MB\) with all .*\? \[y/N\] ", questions[0])
    assert list(tmp_path.iterdir()) == []


def test_of_several_all_go_or_none(ask, one, tmp_path):
    with RunStore.create(create_run(tmp_path, "live")) as store:
        store.set_status(state=RunState.RUNNING)
        code, _, error = ask("delete", "one", "live", "--yes")
        assert (code, error) == (2, "error: Run 'live' is running: stop it first.\n")
        assert ask("delete", "one", "nosuch", "--yes")[0] == 2
        assert one.is_run
        assert ask("rename", "live", "other")[2] == "error: Run 'live' is running: stop it first.\n"
        store.set_status(state=RunState.STOPPED)
    assert ask("delete", "one", "live", "one", "--yes")[1] == "Deleted one.\nDeleted live.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("note one", "note takes a text, --star or --no-star."),
        ("note nosuch text", "There is no run 'nosuch'"),
        (f"note one {'x' * 1001}", "A note has at most 1,000 characters; received 1,001."),
        ("rename one one", "There is a run or a file 'one' already"),
        ("rename one a/b", "A run name is 1 to 64 letters"),
        ("rename nosuch two", "There is no run 'nosuch'"),
        ("delete ../one", "A run name is 1 to 64 letters"),
    ],
)
def test_bad_input(ask, one, arguments, sentence):
    code, _, error = ask(*arguments.split())
    assert code == 2
    assert error.startswith(f"error: {sentence}")
    assert read_note(one).text == ""
