"""Runs that an older version of this program wrote open in this one, with their numbers."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.training.runs_by_command import train
from yolo_core.assignment import ObjectStatus
from yolo_core.explain.reasons import slot_reason
from yolo_core.explain.report import explain
from yolo_core.explain.trace import candidates, comparisons, object_of_slot
from yolo_core.jobs.status import JobState, read_job
from yolo_core.runs.layout import RunFolder, find_run, list_runs
from yolo_core.runs.snapshots import SampleView, read_snapshot
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.survey import statistics
from yolo_core.survey.folder import list_surveys
from yolo_core.survey.records import records
from yolo_core.survey.table import read_table
from yolo_core.training.config import read_config

STORED = Path(__file__).parent / "v1"
SNAPSHOTS = sorted(path.relative_to(STORED) for path in STORED.glob("**/snapshots/*.npz"))


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    """A copy: SQLite puts files of its own beside a database that it reads."""
    return shutil.copytree(STORED, tmp_path / "v1", copy_function=shutil.copyfile)


@pytest.fixture
def one_head(checkpoints: Path) -> RunFolder:
    return find_run(checkpoints, "one-head")


@pytest.fixture
def two_heads(checkpoints: Path) -> RunFolder:
    return find_run(checkpoints, "two-heads")


def sample(path: str, name: str = "val/0") -> SampleView:
    return read_snapshot(STORED / path).sample(name)


def test_the_folders_are_runs(checkpoints: Path) -> None:
    assert [run.name for run in list_runs(checkpoints)] == ["one-head", "two-heads"]


def test_a_killed_run_is_lost_and_says_where_it_would_go_on(one_head: RunFolder) -> None:
    status = read_status(one_head)
    assert (status.state, status.step, status.steps) == (RunState.LOST, 3, 4)
    assert status.message.endswith("train --resume one-head goes on from step 0.")
    assert read_config(one_head.config).loss.options == {"ignore_threshold": 0.4}


def test_rows_events_commands_and_records(one_head: RunFolder) -> None:
    with RunStore.open(one_head) as store:
        rows = store.steps()
        assert rows["total"].tolist() == pytest.approx([4.520958, 3.118524, 4.252546], abs=1e-6)
        assert rows["lambda/wh"].tolist() == [8.0, 2.5, 2.5]
        assert rows["learning_rate"].tolist() == pytest.approx([0.02, 0.01707107, 0.01])
        (started, changed) = store.events()
        assert (started.kind, changed.kind, changed.step) == ("started", "set-lambda", 2)
        assert changed.detail == {"name": "wh", "value": 2.5, "before": 8.0}
        (command,) = store.commands()
        assert (command.name, command.state, command.step) == ("set-lambda", "done", 2)
        assert [record.step for record in store.checkpoints()] == [0]
        pinned = [(record.step, record.total) for record in store.snapshots("pinned", "val/0")]
        assert pinned == [
            (0, pytest.approx(3.949483, abs=1e-6)),
            (1, pytest.approx(3.935876, abs=1e-6)),
            (2, pytest.approx(4.114864, abs=1e-6)),
        ]


def test_curves_and_evaluations(two_heads: RunFolder) -> None:
    assert read_status(two_heads).state is RunState.FINISHED
    with RunStore.open(two_heads) as store:
        rows = store.curves(["total"])
        assert rows.mean["total"].tolist() == pytest.approx([18.091444, 16.071424], abs=1e-6)
        (bucket,) = store.curves(["total"], points=1).mean["total"]
        assert bucket == pytest.approx((18.091444 + 16.071424) / 2, abs=1e-6)
        found = store.evaluations()
    assert found["step"].tolist() == [2]
    assert found["total"].tolist() == pytest.approx([17.093699], abs=1e-6)


@pytest.mark.parametrize("path", SNAPSHOTS, ids=str)
def test_every_snapshot_adds_up(path: Path) -> None:
    snapshot = read_snapshot(STORED / path)
    for name in snapshot.samples:
        report = explain(snapshot.sample(name))
        weighted = sum(report.lambdas[term] * value for term, value in report.terms.items())
        assert report.total == pytest.approx(weighted, rel=1e-5)
        masks = report.masks
        assert masks.slots == masks.object + masks.no_object + masks.ignore
        assert all(one.reason for one in report.objects)


# {file: (sample, slots, of an object, ignored, its total)}
PARTS = {
    "one-head/snapshots/batch-00000001.npz": ("train/0", 12, 2, 1, 2.238073),
    "one-head/snapshots/pinned-00000002.npz": ("val/0", 12, 3, 0, 4.114864),
    "two-heads/snapshots/batch-00000001.npz": ("train/0", 60, 4, 3, 8.754244),
    "two-heads/snapshots/pinned-00000002.npz": ("val/0", 60, 6, 6, 17.233738),
    "snapshots/mnist_yolo.npz": ("val/0", 12, 3, 0, 19.582790),
    "snapshots/ssd.npz": ("val/0", 80, 4, 64, 8.921514),
    "snapshots/yolov1.npz": ("val/0", 12, 3, 0, 6.247204),
    "snapshots/yolov3-tf2.npz": ("val/0", 60, 3, 0, 19.464228),
}


@pytest.mark.parametrize("path", PARTS)
def test_the_report_of_a_sample(path: str) -> None:
    name, slots, trained, ignored, total = PARTS[path]
    report = explain(sample(path, name))
    masks = report.masks
    assert (masks.slots, masks.object, masks.ignore) == (slots, trained, ignored)
    assert report.total == pytest.approx(total, abs=1e-5)


# {(file, sample, slot): what the page says of it}. The rule of version 1 is a sentence.
REASONS = {
    ("one-head/snapshots/batch-00000001.npz", "train/0", 7): (
        "ignored: its box overlaps object 1 (class 9) with IoU 0.46, and the rule ignores from "
        "IoU 0.40 on."
    ),
    ("one-head/snapshots/batch-00000001.npz", "train/0", 5): (
        "no object: its box overlaps object 0 (class 4) with IoU 0.35 at most, and the rule "
        "ignores from IoU 0.40 on."
    ),
    ("two-heads/snapshots/pinned-00000002.npz", "val/0", 1): (
        "ignored: its anchor has shape IoU 0.82 with object 0 (class 7), whose centre is in its "
        "cell, and the rule ignores slots of an object's own cell from a shape IoU above 0.50 on."
    ),
    ("two-heads/snapshots/batch-00000001.npz", "train/0", 3): (
        "no object: its anchor has shape IoU 0.49 with object 0 (class 4), whose centre is in its "
        "cell, and the rule ignores slots of an object's own cell from a shape IoU above 0.50 on."
    ),
    ("snapshots/yolov3-tf2.npz", "val/0", 33): (
        "no object: its box overlaps object 2 (class 7) with IoU 0.38 at most, and the rule "
        "ignores from IoU 0.50 on."
    ),
    ("snapshots/ssd.npz", "val/0", 0): (
        "ignored: it is none of the 12 hardest negatives (p(background) 0.6677, theirs 0.6675 at "
        "most), and the rule trains only the 3 hardest negatives for each matched prior of the "
        "picture."
    ),
    ("snapshots/ssd.npz", "val/0", 21): (
        "no object: it is one of the 12 hardest negatives with p(background) 0.6674, and the rule "
        "trains only the 3 hardest negatives for each matched prior of the picture; its box "
        "overlaps object 0 (class 7) with IoU 0.38 at most."
    ),
    ("snapshots/mnist_yolo.npz", "val/0", 1): (
        "no object: its box overlaps object 0 (class 7) with IoU 0.41 at most."
    ),
    ("snapshots/yolov1.npz", "val/0", 0): (
        "no object: its box overlaps object 0 (class 7) with IoU 0.24 at most."
    ),
}


@pytest.mark.parametrize(("path", "name", "slot"), REASONS)
def test_what_the_page_says_of_a_slot(path: str, name: str, slot: int) -> None:
    assert slot_reason(sample(path, name), slot) == REASONS[path, name, slot]


def test_a_slot_traced() -> None:
    view = sample("one-head/snapshots/batch-00000001.npz", "train/0")
    assert object_of_slot(view, 7) == 1
    held = [(one.index, one.decision) for one in comparisons(view, 7)]
    assert held == [(1, "reaches it: ignored"), (0, "below it"), (2, "below it")]
    best = candidates(view, 0, 0)[0]
    assert (best.slot, best.decision) == (4, "taken")
    assert best.score == pytest.approx(0.739202, abs=1e-6)
    by_shape = sample("two-heads/snapshots/batch-00000001.npz", "train/0")
    assert comparisons(by_shape, 4) == (), "it does not look at predicted boxes"


def test_an_object_s_ledger() -> None:
    report = explain(sample("one-head/snapshots/batch-00000001.npz", "train/0"))
    assert [one.status for one in report.objects] == [
        ObjectStatus.MATCHED,
        ObjectStatus.OVERWRITTEN,
        ObjectStatus.MATCHED,
    ]
    assert report.objects[0].slots[0].iou == pytest.approx(0.31, abs=0.005)
    assert "object 2 (class 8) comes later in the labels" in report.objects[1].reason


def test_the_survey(two_heads: RunFolder) -> None:
    (folder,) = list_surveys(two_heads)
    assert (folder.name, read_job(folder.status).state) == ("val-2", JobState.FINISHED)
    table = read_table(folder.table)
    assert table.samples.name.tolist() == ["val/0", "val/1"]
    assert statistics.total(table) == pytest.approx(34.679327, abs=1e-6)
    assert statistics.worst_first(table, "total").tolist() == [1, 0]
    assert (statistics.summary(table).objects, statistics.summary(table).found) == (4, 0)
    heads = [group.loss.sum() for group in statistics.loss_by(table, "head")]
    assert heads == pytest.approx([17.053549, 17.625779], abs=1e-5)
    record = records(two_heads)[1]
    assert (record.kind, record.sample) == ("survey", "val/1")
    view = read_snapshot(record.file).sample("val/1")
    assert view.total == record.total == pytest.approx(17.445589, abs=1e-6)


@pytest.mark.slow
def test_the_killed_run_is_resumed_and_repeats_its_rows(one_head: RunFolder) -> None:
    with RunStore.open(one_head) as store:
        before = store.steps()
    ended = train("--resume", "one-head", checkpoints=one_head.path.parent)
    assert ended["steps"] == 4
    assert read_status(one_head).state is RunState.FINISHED
    with RunStore.open(one_head) as store:
        after = store.steps()
        assert [record.step for record in store.checkpoints()] == [0, 4]
    assert after["step"].tolist() == [1, 2, 3, 4]
    for name in ("total", "lambda/wh", "learning_rate", "term/xy", "term/classification"):
        # Other processors round otherwise.
        np.testing.assert_allclose(after[name][:3], before[name], rtol=1e-3, err_msg=name)
