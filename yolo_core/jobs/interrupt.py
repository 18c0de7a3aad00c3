"""Ctrl-C, the request to terminate, a closed terminal: the first is remembered, the second ends."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType
from typing import Self

_SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "a termination signal"}
if hasattr(signal, "SIGHUP"):
    _SIGNALS[signal.SIGHUP] = "a closed terminal"
_NOTE = b"\nEnding as soon as this step is done; once more ends at once.\n"


class Interrupt:
    """Whether somebody asked this process to end.

    Inside a `with` block the first signal is only remembered, for the training to see between two
    steps: nothing is torn out of the middle of a step, a file or an import. The second one finds
    the system's own handler and ends the process wherever it is. A terminal that closes may say so
    twice (the system and the shell do), so that never counts as a second one; and a process that
    was told to ignore it, as by nohup, goes on. Main thread only.

    Attributes:
        by: What asked, such as "Ctrl-C" or "a termination signal"; None as long as nothing did.
    """

    def __init__(self) -> None:
        self.by: str | None = None

    def __enter__(self) -> Self:
        self._before = {
            number: signal.signal(number, self._remember)
            for number in _SIGNALS
            if not (_is_hangup(number) and signal.getsignal(number) == signal.SIG_IGN)
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.by = _SIGNALS[signal.Signals(number)]
        for each in self._before:
            signal.signal(each, signal.SIG_IGN if _is_hangup(each) else signal.SIG_DFL)
        # Not by print or a logger, which may be what the signal came in the middle of.
        with contextlib.suppress(OSError):
            os.write(1, _NOTE)


def _is_hangup(number: int) -> bool:
    return number == getattr(signal, "SIGHUP", None)
