"""A process is told from every other one, also from a later one with its number."""

from __future__ import annotations

import dataclasses
import math
import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.waiting import wait_for
from yolo_core.jobs import process
from yolo_core.jobs.process import ProcessIdentity


@pytest.fixture
def child():
    """A process that prints what signal it gets."""
    script = """
import signal, sys
signal.signal(signal.SIGINT, lambda *_: (print("interrupted", flush=True), sys.exit(0)))
print("ready", flush=True)
input()
"""
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "ready\n"
    yield child
    child.kill()
    child.communicate()


def test_this_process_lives_and_another_start_time_is_another_process():
    me = ProcessIdentity.current()
    assert me.pid == os.getpid()
    assert me.is_alive()
    assert not dataclasses.replace(me, started=me.started - 1).is_alive()
    assert not dataclasses.replace(me, boot="another").is_alive()
    assert not ProcessIdentity(2**31 - 1, 0.0).is_alive()
    for pid in (2**31 - 1, -1, 10**30):
        assert not dataclasses.replace(me, pid=pid).is_alive()
        assert not ProcessIdentity(pid, 0.0).is_alive()
    assert not ProcessIdentity(me.pid, math.nan).is_alive()


def test_without_a_boot_the_clock_tells_give_or_take_two_seconds(monkeypatch, tmp_path):
    """As on other systems, and in run folders of earlier versions."""
    monkeypatch.setattr(process, "_BOOT", tmp_path / "missing")
    me = ProcessIdentity.current()
    assert me == ProcessIdentity(os.getpid(), psutil.Process().create_time())
    assert me.is_alive()
    assert dataclasses.replace(me, started=me.started + 1.5).is_alive()
    assert not dataclasses.replace(me, started=me.started - 100).is_alive()


@pytest.mark.parametrize("has_boot", [True, False])
def test_a_process_that_ended_but_was_not_waited_for_does_not_live(child, has_boot):
    identity = ProcessIdentity.of(child.pid)
    if not has_boot:
        identity = ProcessIdentity(child.pid, psutil.Process(child.pid).create_time())
    assert identity.is_alive()
    child.kill()
    # From then on it is a zombie, since nobody has waited for it.
    wait_for(lambda: not identity.is_alive())


def test_a_signal_reaches_that_process_alone(child):
    identity = ProcessIdentity.of(child.pid)
    with pytest.raises(psutil.NoSuchProcess):
        dataclasses.replace(identity, started=identity.started - 50).send_signal(signal.SIGKILL)
    identity.send_signal(signal.SIGINT)
    assert child.stdout.readline() == "interrupted\n"
