"""The first signal is remembered, the second ends the process at once."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from yolo_core.jobs.interrupt import Interrupt

SCRIPT = """
import time
from yolo_core.jobs.interrupt import Interrupt
with Interrupt() as interrupt:
    print("ready", flush=True)
    while interrupt.by is None:
        time.sleep(0.01)
    print(interrupt.by, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _no_nohup() -> Iterator[None]:
    """Whoever runs these tests under nohup has a SIGHUP that is ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (signal.SIGINT, "Ctrl-C"),
        (signal.SIGTERM, "a termination signal"),
        (signal.SIGHUP, "a closed terminal"),
    ],
)
def test_once_is_remembered(number, name):
    before = signal.getsignal(number)
    with Interrupt() as interrupt:
        assert interrupt.by is None
        os.kill(os.getpid(), number)
        assert interrupt.by == name
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_twice_ends_at_once(second):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "\n"
    assert process.stdout.readline().startswith("Ending as soon as this step")
    assert process.stdout.readline() == "Ctrl-C\n"
    process.send_signal(second)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == -second
    assert errors == "", "no traceback"


def test_a_terminal_that_closes_twice_ends_nothing():
    """The system says so, and the shell says so: the training still comes to its checkpoint."""
    before = signal.getsignal(signal.SIGHUP)
    with Interrupt() as interrupt:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGHUP)
        assert interrupt.by == "a closed terminal"
    assert signal.getsignal(signal.SIGHUP) is before


def test_under_nohup_a_terminal_may_close():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            os.kill(os.getpid(), signal.SIGHUP)
            assert interrupt.by is None
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGHUP)
            assert interrupt.by == "a termination signal"
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_closed_terminal_is_no_error(monkeypatch):
    def closed(*_):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("os.write", closed)
    with Interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
    assert interrupt.by == "Ctrl-C"
