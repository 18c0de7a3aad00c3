from __future__ import annotations

import dataclasses
import math
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.waiting import wait_for
from yolo_core.runs import database
from yolo_core.runs.status import (
    ProcessIdentity,
    RunState,
    RunStatus,
    read_status,
    signal_run,
)
from yolo_core.runs.store import RunStore

from .conftest import COLUMNS
from .processes import kill, start


def test_this_process_lives_and_another_start_time_is_another_process():
    me = ProcessIdentity.current()
    assert me.pid == os.getpid()
    assert me.is_alive()
    assert not dataclasses.replace(me, started=me.started - 100).is_alive()
    assert not ProcessIdentity(2**31 - 1, 0.0).is_alive()
    assert not ProcessIdentity(-1, 0.0).is_alive()
    assert not ProcessIdentity(10**30, 0.0).is_alive()
    assert not ProcessIdentity(me.pid, math.nan).is_alive()


def test_a_process_that_ended_but_was_not_waited_for_does_not_live():
    import psutil

    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = ProcessIdentity(process.pid, psutil.Process(process.pid).create_time())
    assert identity.is_alive()
    process.kill()
    # From then on it is a zombie, since nobody has waited for it.
    wait_for(lambda: not identity.is_alive())
    process.communicate()


@pytest.mark.parametrize("state", ["starting", "running", "paused"])
def test_live_states(state):
    assert RunStatus(RunState(state)).is_live


@pytest.mark.parametrize("state", ["finished", "stopped", "failed", "lost", "unreadable"])
def test_states_that_are_over(state):
    status = RunStatus(RunState(state), step=10, steps=100, seconds=5.0)
    assert not status.is_live
    assert status.seconds_left is None


def test_the_time_left_is_at_the_pace_so_far():
    running = RunStatus(RunState.RUNNING, step=25, steps=100, seconds=10.0)
    assert running.seconds_left == 30.0
    assert dataclasses.replace(running, step=100).seconds_left == 0.0
    assert dataclasses.replace(running, step=120).seconds_left == 0.0
    assert dataclasses.replace(running, step=0).seconds_left is None
    assert dataclasses.replace(running, steps=None).seconds_left is None
    assert dataclasses.replace(running, seconds=0.0).seconds_left is None


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
    with pytest.raises(ValueError, match=r"A status has the fields state, step, .*received stat"):
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
store.record_checkpoint(250, "step-00000250")
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
    assert status.message == (
        f"The training process (pid {process.pid}) ended without saying why; "
        "python -m yolo_core train --resume yolov2-1 goes on from step 250."
    )
    assert (status.step, status.steps) == (300, 1500)


def test_a_database_just_made_is_not_lost_before_its_process_has_named_itself(folder):
    database.create_database(folder.database, COLUMNS)
    assert read_status(folder).state is RunState.STARTING
    long_ago = time.time() - 120
    os.utime(folder.database, (long_ago, long_ago))
    assert read_status(folder).state is RunState.LOST


def test_a_process_that_said_that_it_finished_is_not_lost(store):
    store.set_status(state="finished", process=ProcessIdentity(2**31 - 1, 0.0))
    assert read_status(store.folder).state is RunState.FINISHED
    store.set_status(state="failed", message="The loss became NaN at step 3.")
    assert read_status(store.folder).message == "The loss became NaN at step 3."


def test_a_live_process_that_is_silent_keeps_its_state_and_the_message_says_how_long(
    store, monkeypatch
):
    store.set_status(state="running", message="Evaluating.")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 59)
    assert read_status(store.folder).message == "Evaluating."
    monkeypatch.setattr(time, "time", lambda: now + 75)
    status = read_status(store.folder)
    assert status.state is RunState.RUNNING
    assert status.message == (
        f"Evaluating. The training process (pid {os.getpid()}) lives, but has written nothing "
        "for 75 seconds."
    )


def test_a_folder_without_a_database_is_starting_for_half_a_minute(folder):
    folder.config.write_text("{}")
    assert read_status(folder) == RunStatus(RunState.STARTING)
    os.utime(folder.config, (time.time() - 31, time.time() - 31))
    status = read_status(folder)
    assert status.state is RunState.UNREADABLE
    assert "run.db does not exist: the training process never came up" in status.message


def test_a_folder_that_is_no_run_is_unreadable(folder):
    status = read_status(folder)
    assert status.state is RunState.UNREADABLE
    assert status.message.endswith("holds neither config.json nor run.db.")


def test_a_signal_reaches_the_training_process(folder):
    process = start(
        """
import signal
signal.signal(signal.SIGINT, lambda *_: (say("interrupted"), sys.exit(0)))
store = RunStore.create(folder, ["total"])
say("ready")
time.sleep(60)
""",
        folder.path,
    )
    assert process.stdout.readline() == "ready\n"
    signal_run(folder, signal.SIGINT)
    assert process.stdout.readline() == "interrupted\n"
    process.communicate(timeout=30)
    with pytest.raises(ValueError, match=r"Run 'yolov2-1' has no training process .*it is lost"):
        signal_run(folder, signal.SIGINT)


def test_a_process_with_the_number_of_a_dead_one_is_never_signalled(folder):
    """The status names this very process number, with a start time that is not its own."""
    with RunStore.create(folder, COLUMNS) as store:
        me = ProcessIdentity.current()
        store.set_status(state="running", process=dataclasses.replace(me, started=me.started - 50))
        with pytest.raises(ValueError, match="has no training process to signal: it is lost"):
            signal_run(folder, signal.SIGKILL)
