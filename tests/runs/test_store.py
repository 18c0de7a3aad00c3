from __future__ import annotations

import math
import time

import numpy as np
import pytest

from yolo_core.runs.layout import create_run
from yolo_core.runs.store import RunStore

from .conftest import COLUMNS


def test_a_recorded_step_is_read_back(store):
    store.record_step(1, {"total": 2.5, "term/xy": 0.5, "lambda/xy": 5})
    store.record_step(2, {"total": np.float32(1.25), "term/xy": np.array(0.25)})
    last = store.last_step()
    assert {name: last[name] for name in ("step", "total", "term/xy")} == {
        "step": 2,
        "total": 1.25,
        "term/xy": 0.25,
    }
    assert math.isnan(last["lambda/xy"])  # left out
    assert abs(last["time"] - time.time()) < 60
    table = store.steps()
    assert list(table) == ["step", "time", *COLUMNS]
    assert table["step"].tolist() == [1, 2]
    assert table["total"].tolist() == [2.5, 1.25]


def test_before_the_first_step_there_is_nothing(store):
    assert store.last_step() is None
    assert store.steps()["total"].shape == (0,)
    assert store.evaluations()["step"].shape == (0,)
    assert store.events() == store.checkpoints() == store.snapshots() == store.commands() == []


def test_nan_and_infinities_survive(store):
    for step, value in enumerate([math.nan, math.inf, -math.inf, 1e308, 5e-324, -0.0], start=1):
        store.record_step(step, {"total": value})
    total = store.steps()["total"]
    np.testing.assert_array_equal(total, [math.nan, math.inf, -math.inf, 1e308, 5e-324, 0.0])


def test_a_range_of_steps_and_some_columns(store):
    for step in range(1, 11):
        store.record_step(step, {"total": step * 10})
    assert store.steps(first=4, last=6)["total"].tolist() == [40, 50, 60]
    assert store.steps(first=9)["step"].tolist() == [9, 10]
    assert store.steps(last=2)["step"].tolist() == [1, 2]
    assert store.steps(first=-(10**30), last=10**30)["step"].tolist() == list(range(1, 11))
    assert store.steps(first=7, last=3)["step"].tolist() == []
    assert list(store.steps(columns=["term/xy"])) == ["step", "time", "term/xy"]
    with pytest.raises(ValueError, match=r"run\.db has no column 'wh'; its columns are total, "):
        store.steps(columns=["wh"])


@pytest.mark.parametrize("step", [0, -1, 2, 3])
def test_steps_are_recorded_in_order(store, step):
    store.record_step(3, {"total": 1})
    with pytest.raises(ValueError, match=f"step {step} came after step 3"):
        store.record_step(step, {"total": 1})


def test_a_wrong_value_or_column_is_refused_and_nothing_is_recorded(store):
    with pytest.raises(ValueError, match="no column 'totl'; its columns are total, term/xy"):
        store.record_step(1, {"totl": 1})
    with pytest.raises(ValueError, match="Column 'total' of step 1 must be a number; received 'x'"):
        store.record_step(1, {"total": "x"})
    assert store.last_step() is None


def test_steps_wait_half_a_second_and_flush_does_not(store, monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    store.flush()
    with RunStore.open(store.folder) as reader:
        store.record_step(1, {"total": 1})
        now += 0.4
        store.record_step(2, {"total": 2})
        assert reader.last_step() is None
        now += 0.1
        store.record_step(3, {"total": 3})
        assert reader.last_step()["step"] == 3
        store.record_step(4, {"total": 4})
        assert reader.last_step()["step"] == 3
        store.heartbeat()
        assert reader.last_step()["step"] == 3
        now += 0.5
        store.heartbeat()
        assert reader.last_step()["step"] == 4
        store.record_step(5, {"total": 5})
        store.flush()
        assert reader.last_step()["step"] == 5
        store.record_step(6, {"total": 6})
        store.record_event(6, "pause")  # an event brings the steps before it along
        assert reader.last_step()["step"] == 6


def test_evaluations_are_columns_with_gaps(store):
    store.record_evaluation(250, {"map50": 0.5, "recall": np.float32(0.25)})
    store.record_evaluation(0, {"map50": 0.0})
    store.record_evaluation(500, {"map50": math.nan, "map50_95": 0.75})
    table = store.evaluations()
    assert table["step"].tolist() == [0, 250, 500]
    np.testing.assert_array_equal(table["map50"], [0.0, 0.5, math.nan])
    np.testing.assert_array_equal(table["map50_95"], [math.nan, math.nan, 0.75])
    np.testing.assert_array_equal(table["recall"], [math.nan, 0.25, math.nan])
    store.record_evaluation(250, {"map50": 0.625})  # replaces the whole one of that step
    np.testing.assert_array_equal(store.evaluations()["map50"], [0.0, 0.625, math.nan])
    assert "recall" not in store.evaluations()


def test_events_keep_their_order_and_their_detail(store):
    store.record_event(5, "set-lambda", {"name": "xy", "value": np.float32(2), "before": math.inf})
    store.record_event(3, "resumed")
    first, second = store.events()
    assert (first.step, first.kind) == (5, "set-lambda")
    assert first.detail == {"name": "xy", "value": 2.0, "before": math.inf}
    assert (second.step, second.kind, second.detail) == (3, "resumed", {})
    assert first.id < second.id
    with pytest.raises(ValueError, match="object cannot be written as JSON"):
        store.record_event(6, "odd", {"thing": object()})
    assert len(store.events()) == 2


def test_checkpoints_lie_in_the_folder_of_the_weights(store):
    store.record_checkpoint(500, store.folder.weights / "step-00000500.npz")
    store.record_checkpoint(250, "step-00000250.npz")
    first, second = store.checkpoints()
    assert (first.step, first.path) == (250, store.folder.weights / "step-00000250.npz")
    assert (second.step, second.path) == (500, store.folder.weights / "step-00000500.npz")
    store.forget_checkpoint(250)
    assert [record.step for record in store.checkpoints()] == [500]


def test_snapshots_are_found_by_kind_sample_and_step(store):
    file = store.folder.snapshots / "pinned-00000010.npz"
    for sample, total in (("val/1", 2.0), ("val/0", 1.0)):
        store.record_snapshot(
            10, "pinned", sample, file, total, terms={"xy": np.float32(0.5)}, lambdas={"xy": 5.0}
        )
    store.record_snapshot(
        20, "batch", "val/0", "batch-00000020.npz", math.nan, terms={"xy": 1}, lambdas={"xy": 1}
    )
    assert [(r.step, r.kind, r.sample) for r in store.snapshots()] == [
        (10, "pinned", "val/0"),
        (10, "pinned", "val/1"),
        (20, "batch", "val/0"),
    ]
    (record,) = store.snapshots(kind="pinned", sample="val/1")
    assert (record.total, record.terms, record.lambdas) == (2.0, {"xy": 0.5}, {"xy": 5.0})
    assert record.file == file
    assert math.isnan(store.snapshots(kind="batch")[0].total)
    store.forget_snapshot_file(file)
    assert [(r.step, r.sample) for r in store.snapshots()] == [(20, "val/0")]


def test_truncating_drops_what_came_later_but_not_what_was_said(store):
    for step in range(1, 31):
        store.record_step(step, {"total": step})
    for step in (0, 10, 20, 30):
        store.record_evaluation(step, {"map50": step / 100})
        store.record_checkpoint(step, f"step-{step}.npz")
        file = store.folder.snapshots / f"pinned-{step:08d}.npz"
        file.write_bytes(b"")
        store.record_snapshot(step, "pinned", "val/0", file, 1.0, terms={}, lambdas={})
        store.record_event(step, "checkpoint")
    store.truncate_after(20)
    assert store.last_step()["total"] == 20
    assert store.evaluations()["step"].tolist() == [0, 10, 20]
    assert [record.step for record in store.checkpoints()] == [0, 10, 20]
    assert [record.step for record in store.snapshots()] == [0, 10, 20]
    assert len(store.events()) == 4
    assert sorted(path.name for path in store.folder.snapshots.iterdir()) == [
        "pinned-00000000.npz",
        "pinned-00000010.npz",
        "pinned-00000020.npz",
    ]
    assert store.status().step == 20
    store.record_step(21, {"total": 210})
    assert store.last_step()["total"] == 210
    store.truncate_after(0)
    assert store.last_step() is None
    store.record_step(1, {"total": 1})


def test_columns_may_have_odd_names(tmp_path):
    odd = ["term/x y", "a'b", "x; DROP TABLE steps", "λ", "[x]", "a`b", "select", "a.b", "100%"]
    with RunStore.create(create_run(tmp_path, "odd"), odd) as store:
        store.record_step(1, {name: i for i, name in enumerate(odd)})
        assert store.columns == tuple(odd)
        table = store.steps()
        assert [table[name][0] for name in odd] == list(range(len(odd)))
        assert list(store.curves(["a'b"]).mean) == ["a'b"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([""], "is named with 1 to 64 characters"),
        (["x" * 65], "is named with 1 to 64 characters"),
        (['a"b'], "is named with 1 to 64 characters"),
        (["a|b"], "is named with 1 to 64 characters"),
        (["a\nb"], "is named with 1 to 64 characters"),
        (["a\0b"], "is named with 1 to 64 characters"),
        ([" a"], "is named with 1 to 64 characters"),
        (["\ud800"], "is named with 1 to 64 characters"),
        ([3], "is named with 1 to 64 characters"),
        (["step"], "has a column 'step' already"),
        (["Time"], "has a column 'Time' already"),
        (["a", "A"], "has a column 'A' already"),
        ([f"c{i}" for i in range(401)], "at most 400 columns; received 401"),
    ],
)
def test_a_column_that_cannot_be_is_refused_and_no_database_is_made(folder, columns, message):
    with pytest.raises(ValueError, match=message):
        RunStore.create(folder, columns)
    assert not folder.database.exists()


def test_columns_can_be_added_before_the_first_step_and_after_it(folder):
    with RunStore.create(folder) as store, RunStore.open(folder) as reader:
        assert reader.columns == ()
        store.add_columns(["total"])
        for step in range(1, 11):
            store.record_step(step, {"total": step})
        store.add_columns(["late"])
        for step in range(11, 21):
            store.record_step(step, {"total": step, "late": 1.0})
        store.flush()
        assert reader.columns == ("total", "late")
        np.testing.assert_array_equal(reader.steps()["late"], [math.nan] * 10 + [1.0] * 10)
        curves = reader.curves(["late"], points=5)
        assert curves.bucket == 8
        np.testing.assert_array_equal(curves.mean["late"], [math.nan, 1.0, 1.0])
        assert curves.non_finite["late"].tolist() == [8, 2, 0]
        with pytest.raises(ValueError, match="has a column 'late' already"):
            store.add_columns(["late"])


def test_a_reader_cannot_write(store):
    with RunStore.open(store.folder) as reader:
        with pytest.raises(ValueError, match="not open for writing"):
            reader.record_event(1, "pause")
        with pytest.raises(ValueError, match="not open for writing"):
            reader.flush()


def test_a_closed_store_says_so(folder):
    store = RunStore.create(folder, COLUMNS)
    store.record_step(1, {"total": 1})
    store.close()
    store.close()
    with pytest.raises(ValueError, match=r"run\.db was closed before this use of it"):
        store.last_step()
    with pytest.raises(ValueError, match="not open for writing"):
        store.flush()
    with RunStore.open(folder) as reader:  # closing has committed
        assert reader.last_step()["total"] == 1


def test_creating_twice_is_refused(store):
    with pytest.raises(ValueError, match=r"run\.db exists already"):
        RunStore.create(store.folder, COLUMNS)


def test_when_steps_were_trained_without_the_time_between(store, monkeypatch):
    """Steps at 0, 1, 2 s, a pause of 100 s, steps at 102, 103 s, a night, one at 50,103 s."""
    clock = [1000.0]
    monkeypatch.setattr("yolo_core.runs.store.time.time", lambda: clock[0])
    for step, second in enumerate((0, 1, 2, 102, 103, 50_103), 1):
        clock[0] = 1000.0 + second
        if step == 4:
            store.record_event(3, "resume")
        if step == 6:
            store.record_event(5, "resumed")
            store.record_event(5, "resume")
        store.record_step(step, {"total": 1.0})
    store.record_event(6, "resumed")  # no step since
    assert store.seconds_at(np.array([1, 2, 3, 4, 5, 6, 9])).tolist() == [0, 1, 2, 2, 3, 3, 3]
    assert np.isnan(store.seconds_at(np.array([0]))).all()
    assert store.seconds_at(np.array([], np.int64)).tolist() == []
