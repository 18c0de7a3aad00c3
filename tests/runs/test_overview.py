"""A run in a line, and what it takes on disk."""

from __future__ import annotations

import json
import math
import sqlite3
from pathlib import Path

import pytest

from yolo_core.runs import disk
from yolo_core.runs.disk import disk_use
from yolo_core.runs.layout import RunFolder, create_run
from yolo_core.runs.note import RunNote, write_note
from yolo_core.runs.overview import run_overview
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore

NOTHING = dict.fromkeys(("weights", "snapshots", "database", "surveys", "evaluations", "other"), 0)


def test_the_numbers_are_the_last_ones(folder: RunFolder, store: RunStore) -> None:
    config = {"loss": {"name": "yolov2"}, "data": {"source": "voc:mine"}}
    folder.config.write_text(json.dumps(config))
    write_note(folder, text="mine", starred=True)
    store.record_event(0, "started")
    for step, total in enumerate((3.0, 2.0, 1.5), 1):
        store.record_step(step, {"total": total})
    for step, score in ((1, 0.2), (2, 0.7), (3, 0.6)):
        store.record_evaluation(step, {"map50": score})
    store.set_status(state=RunState.STOPPED, message="Stopped by hand.")
    found = run_overview(folder)
    assert (found.total, found.map50, found.best_map50) == (1.5, 0.6, 0.7)
    assert (found.loss, found.data) == ("yolov2", "voc:mine")
    assert found.note == RunNote("mine", starred=True)
    assert found.started == store.events()[0].time
    assert found.status == read_status(folder)
    assert found.problem == ""


def test_before_the_first_step_there_are_no_numbers(folder: RunFolder, store: RunStore) -> None:
    store.flush()
    found = run_overview(folder)
    assert found.status.state is RunState.STARTING
    assert {found.total, found.map50, found.best_map50, found.started} == {None}
    assert (found.loss, found.data) == ("", "")


@pytest.mark.parametrize("total", [math.nan, math.inf])
def test_a_total_that_is_no_number_is_none(
    folder: RunFolder, store: RunStore, total: float
) -> None:
    store.record_step(1, {"total": total})
    store.flush()
    assert run_overview(folder).total is None


def test_what_is_damaged_is_said_and_the_rest_is_there(folder: RunFolder, store: RunStore) -> None:
    store.record_evaluation(1, {"map50": 0.5})
    store.set_status(state=RunState.FINISHED, message="m" * 5000)
    folder.config.write_text('{"loss": {"name": ["yolov2"]}, "data": 3')
    folder.note.write_text("torn")
    found = run_overview(folder)
    assert found.map50 == 0.5
    assert len(found.status.message) == 300
    assert "note.json, line 1" in found.problem
    assert "config.json" in found.problem
    folder.config.write_text('{"loss": {"name": ["yolov2"]}, "data": 3}')
    assert (run_overview(folder).loss, run_overview(folder).data) == ("", "")


def test_a_database_that_lacks_a_table(folder: RunFolder) -> None:
    with RunStore.create(folder) as store:
        store.set_status(state=RunState.FINISHED)
    with sqlite3.connect(folder.database) as connection:
        connection.execute("DROP TABLE evaluations")
    found = run_overview(folder)
    assert found.status.state is RunState.FINISHED
    assert "no such table" in found.problem


def test_a_torn_database_is_unreadable(folder: RunFolder) -> None:
    folder.database.write_bytes(b"SQLite format 3\0 torn")
    found = run_overview(folder)
    assert found.status.state is RunState.UNREADABLE
    assert "half-written" in found.status.message


def test_a_huge_configuration_is_not_read(folder: RunFolder) -> None:
    folder.config.write_bytes(b" " * 4_000_001)
    assert "holds more than 4,000,000 bytes" in run_overview(folder).problem


def test_disk_use_by_part(tmp_path: Path) -> None:
    folder = create_run(tmp_path, "one")
    assert disk_use(folder).by_part == NOTHING
    (folder.weights / "step-1.npz").write_bytes(b"w" * 1000)
    (folder.snapshots / "pinned-1.npz").write_bytes(b"s" * 200)
    folder.database.write_bytes(b"d" * 30)
    folder.path.joinpath("run.db-wal").write_bytes(b"d" * 3)
    survey = folder.path / "surveys" / "val-1"
    survey.mkdir(parents=True)
    (survey / "weights.npz").write_bytes(b"v" * 4)
    evaluation = folder.path / "evaluations" / "test-1"
    evaluation.mkdir(parents=True)
    (evaluation / "table.npz").write_bytes(b"e" * 500)
    (folder.tensorboard / "events").write_bytes(b"t" * 7)
    folder.log.write_bytes(b"l" * 1)
    found = disk_use(folder)
    assert found.by_part == {
        "weights": 1000,
        "snapshots": 200,
        "database": 33,
        "surveys": 4,
        "evaluations": 500,
        "other": 8,
    }
    assert (found.total, found.complete) == (1745, True)


def test_what_a_link_leads_to_is_not_counted(tmp_path: Path) -> None:
    folder = create_run(tmp_path, "one")
    (tmp_path / "large").write_bytes(b"x" * 100_000)
    (folder.weights / "step-1.npz").symlink_to(tmp_path / "large")
    (folder.path / "loop").symlink_to(folder.path)
    found = disk_use(folder)
    assert found.total < 1000
    assert found.complete


def test_of_endless_files_only_so_many_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "MOST_FILES", 10)
    folder = create_run(tmp_path, "one")
    for number in range(20):
        (folder.weights / f"{number}").write_bytes(b"1")
    found = disk_use(folder)
    assert not found.complete
    assert found.total <= 10


def test_a_folder_that_is_gone_takes_nothing(tmp_path: Path) -> None:
    assert disk_use(RunFolder(tmp_path / "gone")).total == 0
