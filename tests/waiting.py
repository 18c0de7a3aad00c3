"""Waiting for what another thread or process does, and for no longer than that takes."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds: what takes milliseconds is given up on after so long, on the busiest machine."""


def wait_for(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Returns as soon as the condition holds; fails the test when it does not come to hold."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain"
        time.sleep(0.01)
