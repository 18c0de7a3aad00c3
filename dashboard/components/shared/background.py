"""Work that takes seconds, done beside the page: once for all who ask, and kept for a while."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

_MOST_KEPT = 12
_LOCK = threading.Lock()
_KEPT: OrderedDict[Hashable, Work] = OrderedDict()


class StoppedError(Exception):
    """Somebody asked that the work ends."""


class Work(threading.Thread):
    """Something that is being made.

    Args:
        make: Makes it, given what is to be told how far it is.

    Attributes:
        done: Pieces that are done, of `total`; 0 of 0 where it is not known.
        result: What was made, once `is_done`.
        error: Why it could not be made; a sentence.
        stopping: Whether somebody asked that it ends; it does when it next says how far it is.
    """

    def __init__(self, make: Callable[[Callable[[int, int], None]], Any]) -> None:
        super().__init__(daemon=True, name="data page")
        self._make = make
        self.done, self.total = 0, 0
        self.result: Any = None
        self.error: str | None = None
        self.stopping = False
        self._began: float | None = None

    @property
    def is_done(self) -> bool:
        """Whether it was made, or could not be."""
        return self.result is not None or self.error is not None

    def run(self) -> None:
        """Makes it."""
        try:
            self.result = self._make(self._progress)
        except ValueError as error:
            self.error = str(error)
        except StoppedError:
            self.error = "It was stopped."
        except Exception as error:  # a page shows a sentence, whatever went wrong
            self.error = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"

    @property
    def was_stopped(self) -> bool:
        """Whether it ended because somebody asked for that."""
        return self.stopping and self.error is not None

    @property
    def seconds_left(self) -> float | None:
        """Time still to go at the rate so far; None while that is not known."""
        seconds = 0.0 if self._began is None else time.monotonic() - self._began
        if seconds < 1 or not self.done:
            return None
        return seconds * (self.total - self.done) / self.done

    def stop(self) -> None:
        """Asks that it ends."""
        self.stopping = True

    def _progress(self, done: int, total: int) -> None:
        if self.stopping:
            raise StoppedError
        if self._began is None:
            self._began = time.monotonic()
        self.done, self.total = done, total


def made(key: Hashable, make: Callable[[Callable[[int, int], None]], Any]) -> Work:
    """The work of that key, begun if nobody has; waits a moment, for most of it is quick."""
    with _LOCK:
        work = _KEPT.get(key)
        if work is None:
            while len(_KEPT) >= _MOST_KEPT:
                _KEPT.popitem(last=False)
            work = _KEPT[key] = Work(make)
            work.start()
        _KEPT.move_to_end(key)
    work.join(timeout=0 if work.is_done else 0.8)
    return work


def forget(key: Hashable) -> None:
    """Has the work of that key done anew when it is asked for again."""
    with _LOCK:
        _KEPT.pop(key, None)
