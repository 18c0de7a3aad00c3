"""One writer and many readers, each in a process of its own, and what a kill leaves behind."""

from __future__ import annotations

import sqlite3
import time

import numpy as np
import pytest

from yolo_core.files import replace_file
from yolo_core.runs.status import read_status
from yolo_core.runs.store import RunStore

from .bucket_cases import assert_buckets_are_right
from .conftest import COLUMNS
from .processes import end, kill, start

WRITER = """
store = RunStore.create(folder, ["total", "term/xy"])
store.set_status(state="running")
say("ready")
step = 0
while not folder.path.joinpath("enough").exists():
    step += 1
    store.record_step(step, {"total": step, "term/xy": step % 5})
    if step % 7 == 0:
        store.flush()
store.close()
say(step)
"""

READER = """
last, seen = 0, set()
with RunStore.open(folder) as store:
    while len(seen) < 30:
        table = store.steps(first=max(last - 100, 1))
        steps = table["step"]
        if len(steps) and not (steps[1:] == steps[:-1] + 1).all():
            raise SystemExit("a step is missing")
        if (table["total"] != steps).any():
            raise SystemExit("a row is wrong")
        curves = store.curves(["total"], points=20)
        if len(curves.step) and curves.last[-1] < last:
            raise SystemExit("time ran backwards")
        middle = (curves.first + curves.last) / 2
        if (abs(curves.mean["total"] / middle - 1) > 1e-12).any():
            raise SystemExit("a bucket does not fit its rows")
        last = int(steps[-1]) if len(steps) else last
        store.status(), store.events(), store.last_step()
        seen.add(last)
say(last)
"""


@pytest.mark.slow
def test_readers_see_whole_states_while_a_process_writes(folder):
    writer = start(WRITER, folder.path)
    assert writer.stdout.readline() == "ready\n"
    readers = [start(READER, folder.path) for _ in range(2)]
    seen = [int(end(reader)) for reader in readers]
    (folder.path / "enough").touch()
    steps = int(end(writer))
    assert max(seen) <= steps
    with RunStore.open(folder) as store:
        assert store.last_step()["step"] == steps
        assert_buckets_are_right(store)


def test_a_reader_in_the_middle_of_reading_does_not_hold_the_writer_up(store):
    store.record_step(1, {"total": 1.0})
    store.flush()
    other = sqlite3.connect(store.folder.database, isolation_level=None)
    other.execute("BEGIN")
    assert other.execute("SELECT count(*) FROM steps").fetchone() == (1,)
    # From now on a lock that somebody else holds is an error at once.
    store._connection.execute("PRAGMA busy_timeout = 0")
    for step in range(2, 52):
        store.record_step(step, {"total": 1.0})
        store.flush()
    assert other.execute("SELECT count(*) FROM steps").fetchone() == (1,)
    other.close()


def test_a_second_writer_is_refused_while_the_first_one_lives(folder):
    writer = start(
        """
store = RunStore.create(folder, ["total"])
say("ready")
time.sleep(60)
""",
        folder.path,
    )
    assert writer.stdout.readline() == "ready\n"
    message = f"Run 'yolov2-1' is being written by process {writer.pid}; stop that one first"
    with pytest.raises(ValueError, match=message):
        RunStore.open(folder, writable=True)
    RunStore.open(folder).close()
    kill(writer)
    RunStore.open(folder, writable=True).close()


def test_a_second_writer_in_the_same_process_is_refused_until_the_first_is_closed(folder):
    first = RunStore.create(folder, COLUMNS)
    with pytest.raises(ValueError, match="is open for writing in this process already"):
        RunStore.open(folder, writable=True)
    first.record_step(1, {"total": 1.0})
    first.close()
    second = RunStore.open(folder, writable=True)
    second.record_step(2, {"total": 2.0})
    del second  # dropped without being closed: what it kept back is lost, the run is not
    with RunStore.open(folder, writable=True) as third:
        assert third.last_step()["step"] == 1


@pytest.mark.slow
def test_of_many_processes_that_claim_a_run_at_once_one_gets_it(folder):
    RunStore.create(folder, COLUMNS).close()
    code = """
import os
moment = float(folder.path.joinpath("moment").read_text())
time.sleep(max(0.0, moment - time.time()))
try:
    store = RunStore.open(folder, writable=True)
    say("got it")
except ValueError as error:
    say(error)
# Whoever has the run keeps it until all have tried, however busy the machine is.
folder.path.joinpath(f"tried-{moment}-{os.getpid()}").touch()
while len(list(folder.path.glob("tried-*"))) < 3:
    time.sleep(0.01)
"""
    (folder.path / "moment").write_text(str(time.time() + 0.8))
    said = [end(process) for process in [start(code, folder.path) for _ in range(3)]]
    assert sum("got it" in line for line in said) == 1
    assert sum("is being written by process" in line for line in said) == 2


@pytest.mark.parametrize("delay", [0.02, 0.08, 0.15])
def test_a_killed_writer_leaves_rows_and_buckets_in_step_and_the_run_goes_on(folder, delay):
    writer = start(WRITER, folder.path)
    assert writer.stdout.readline() == "ready\n"
    time.sleep(delay)
    kill(writer)
    assert read_status(folder).state == "lost"
    with RunStore.open(folder) as reader:
        last = reader.last_step()
        kept = 0 if last is None else int(last["step"])
        assert kept % 7 == 0  # whole commits only
        assert_buckets_are_right(reader)
    with RunStore.open(folder, writable=True) as store:
        for step in range(kept + 1, kept + 41):
            store.record_step(step, {"total": step, "term/xy": step % 5})
        store.flush()
        assert_buckets_are_right(store)
        store.truncate_after(kept // 2)
        for step in range(kept // 2 + 1, kept + 1):
            store.record_step(step, {"total": step, "term/xy": step % 5})
        assert_buckets_are_right(store)
        np.testing.assert_array_equal(store.steps()["step"], np.arange(1, kept + 1))


def test_opening_for_writing_clears_what_a_killed_writer_left(folder):
    """Half-written files, and whole ones whose row was never made or is gone already."""
    with RunStore.create(folder, COLUMNS) as store:
        store.record_checkpoint(250, folder.weights / "step-00000250.npz")
        store.record_snapshot(
            250,
            "pinned",
            "val/0",
            folder.snapshots / "pinned-00000250.npz",
            1.0,
            terms={},
            lambdas={},
        )
    kept = [
        folder.weights / "step-00000250.npz",
        folder.weights / "my-notes-1.npz",
        folder.weights / "step-by-step.npz",
        folder.snapshots / "pinned-00000250.npz",
        folder.path / "step-00000001.npz",
    ]
    left = [
        *(p / ".half.npz.123.tmp" for p in (folder.path, folder.weights, folder.snapshots)),
        folder.weights / "step-00000000.npz",
        folder.snapshots / "pinned-00000008.npz",
        folder.snapshots / "batch-00000250.npz",
    ]
    for path in (*kept, *left):
        replace_file(path, b"whole")
    RunStore.open(folder).close()
    assert all(path.exists() for path in left), "a reader deletes nothing"
    RunStore.open(folder, writable=True).close()
    assert [path for path in left if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []
