from __future__ import annotations

import dataclasses
import math
import os
import time

import psutil
import pytest

from yolo_core.jobs.process import ProcessIdentity
from yolo_core.runs.status import RunState, RunStatus, read_status
from yolo_core.runs.store import RunStore

from .conftest import COLUMNS
from .processes import kill, start


@pytest.mark.parametrize("state", ["starting", "running", "paused"])
def test_live_states(state):
    assert RunStatus(RunState(state)).is_live


@pytest.mark.parametrize("state", ["finished", "stopped", "failed", "lost", "unreadable"])
def test_states_that_are_over(state):
    status = RunStatus(RunState(state), step=10, steps=100, images_per_second=40.0)
    assert not status.is_live
    assert status.seconds_left(16) is None


def test_the_time_left_is_at_the_recent_rate():
    # 75 steps of 16 images at 40 a second; the minutes before it began count for nothing.
    running = RunStatus(RunState.RUNNING, step=25, steps=100, images_per_second=40.0, seconds=600.0)
    assert running.seconds_left(16) == 30.0
    assert dataclasses.replace(running, step=100).seconds_left(16) == 0.0
    assert dataclasses.replace(running, step=120).seconds_left(16) == 0.0
    assert dataclasses.replace(running, steps=None).seconds_left(16) is None
    assert dataclasses.replace(running, images_per_second=None).seconds_left(16) is None


def test_a_new_store_is_starting_in_this_process(store):
    status = read_status(store.folder)
    assert status.state is RunState.STARTING
    assert status.process == ProcessIdentity.current()
    assert abs(status.heartbeat - time.time()) < 60
    assert (status.step, status.steps, status.images_per_second, status.seconds) == (
        0,
        None,
        None,
        0,
    )


def test_what_is_set_is_read(store):
    store.set_status(state=RunState.RUNNING, steps=1500, message="Compiling.")
    store.set_status(step=30, images_per_second=1234.5, seconds=12.5)
    store.flush()
    status = store.status()
    assert status == dataclasses.replace(
        status,
        state=RunState.RUNNING,
        step=30,
        steps=1500,
        images_per_second=1234.5,
        seconds=12.5,
        message="Compiling.",
    )
    store.set_status(images_per_second=math.inf)
    store.record_step(31, {"total": 1.0})
    store.set_status(state="paused")
    status = store.status()
    assert (status.state, status.step, status.images_per_second) == (RunState.PAUSED, 31, None)


def test_a_state_is_committed_at_once_and_progress_within_half_a_second(store, monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    store.set_status(state="running")
    store.set_status(step=7)
    assert read_status(store.folder).state is RunState.RUNNING
    assert read_status(store.folder).step == 0
    now += 0.5
    store.set_status(seconds=1.0)
    assert read_status(store.folder).step == 7


def test_a_wrong_field_or_state_is_refused(store):
    with pytest.raises(ValueError, match=r"A status has the fields state, .*received stat"):
        store.set_status(stat="running")
    for state in ("lost", "unreadable", "walking"):
        with pytest.raises(ValueError, match=f"sets its state to one of .*received {state}"):
            store.set_status(state=state)


def test_a_killed_process_reads_as_lost_with_the_way_to_go_on(folder):
    process = start(
        """
store = RunStore.create(folder, ["total"])
store.set_status(state="running", steps=1500)
for step in range(1, 301):
    store.record_step(step, {"total": 1.0})
store.record_checkpoint(250, "step-00000250.npz")
say("ready")
time.sleep(60)
""",
        folder.path,
    )
    assert process.stdout.readline() == "ready\n"
    assert read_status(folder).state is RunState.RUNNING
    kill(process)
    status = read_status(folder)
    assert status.state is RunState.LOST
    ended = f"The training process (pid {process.pid}) ended without saying why"
    assert status.message == f"{ended}.", "somebody's own script, which has no configuration"
    assert (status.step, status.steps) == (300, 1500)
    folder.config.write_text("{}")
    way = "python -m yolo_core train --resume yolov2-1 goes on from step 250"
    assert read_status(folder).message == f"{ended}; {way}."


def test_a_process_that_said_that_it_finished_is_not_lost(store):
    store.set_status(state="finished", process=ProcessIdentity(2**31 - 1, 0.0))
    assert read_status(store.folder).state is RunState.FINISHED
    store.set_status(state="failed", message="The loss became NaN at step 3.")
    assert read_status(store.folder).message == "The loss became NaN at step 3."


def test_a_live_process_that_is_silent_keeps_its_state_and_the_message_says_how_long(
    store, monkeypatch
):
    store.set_status(state="running", message="")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 59)
    assert read_status(store.folder).message == ""
    monkeypatch.setattr(time, "time", lambda: now + 75)
    status = read_status(store.folder)
    assert status.state is RunState.RUNNING
    assert status.message == (
        f"The training process (pid {os.getpid()}) lives, but has written nothing for 75 seconds."
    )


def test_what_a_live_process_is_busy_with_is_said_with_how_long_it_has_been(store, monkeypatch):
    store.set_status(state="starting", message="Importing TensorFlow.")
    assert read_status(store.folder).message == "Importing TensorFlow."
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 4)
    assert read_status(store.folder).message == "Importing TensorFlow, 4 s so far."
    monkeypatch.setattr(time, "time", lambda: now + 400)
    assert read_status(store.folder).message == "Importing TensorFlow, 400 s so far."
    store.set_status(state="failed", message="The disk is full.")
    assert read_status(store.folder).message == "The disk is full."


def test_a_folder_without_a_database_is_unreadable(folder):
    folder.config.write_text("{}")
    assert read_status(folder) == RunStatus(
        RunState.UNREADABLE, f"{folder.database} does not exist."
    )


def test_a_clock_that_is_set_makes_no_live_run_lost_and_lets_no_second_process_in(
    store, monkeypatch
):
    """psutil's start times move with the clock, as the time of boot does that they begin with."""
    store.set_status(state="running")
    create_time = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: create_time(self) + 3600)
    assert read_status(store.folder).state is RunState.RUNNING
    other = start("RunStore.open(folder, writable=True)", store.folder.path)
    assert f"is being written by process {os.getpid()}" in other.communicate(timeout=60)[1]


def test_a_run_that_an_earlier_version_writes_is_live(store):
    """Its process is named by a time of the clock, in a table without the boot."""
    started = psutil.Process().create_time()
    store.set_status(state="running")
    with store._writing() as connection:
        connection.execute("UPDATE status SET started = ?", (started,))
        connection.execute("ALTER TABLE status DROP COLUMN boot")
    assert read_status(store.folder).process == ProcessIdentity(os.getpid(), started)
    assert read_status(store.folder).state is RunState.RUNNING
    store._connection.execute("UPDATE status SET started = started - 60")
    assert read_status(store.folder).state is RunState.LOST


def test_a_run_of_an_earlier_version_is_taken_up(folder):
    with RunStore.create(folder, COLUMNS) as store:
        store._connection.execute("ALTER TABLE status DROP COLUMN boot")
        store._connection.execute("UPDATE status SET pid = 1, started = 5.0")
    with RunStore.open(folder, writable=True):
        assert read_status(folder).process == ProcessIdentity.current()
