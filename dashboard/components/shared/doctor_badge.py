"""How many findings of the doctor's there are of the run that is shown: a number at every page.

What a run has on record is looked at beside the pages, in a thread of its own, and the number is
what was found last: no page waits for it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import streamlit as st

from dashboard.cache import file_version
from dashboard.components.shared.polling import poll
from dashboard.components.shared.run_picker import RUN
from dashboard.state import checkpoints_folder
from yolo_core.doctor.asked import watch
from yolo_core.doctor.finding import Examination
from yolo_core.doctor.kept import Told, dismissed, read_before, told
from yolo_core.runs.layout import RunFolder, find_run, list_runs

AGAIN_SECONDS = 20.0
"""A run that goes on is looked at again after that time, if somebody looks at a page."""
_MOST = 64


class Watcher:
    """Looks at runs in a thread of its own, at one at a time."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="doctor")
        self._lock = threading.Lock()
        self._looks: dict[RunFolder, tuple[Any, float, Future[Examination]]] = {}
        self._last: dict[RunFolder, Examination] = {}

    def look(self, run: RunFolder) -> Future[Examination]:
        """What is found in a run, or will be: of what it has on record now, or a moment ago."""
        stamp = _stamp(run)
        with self._lock:
            known = self._looks.get(run)
            if known is not None:
                before, when, future = known
                fresh = before == stamp or time.monotonic() - when < AGAIN_SECONDS
                if fresh or not future.done():
                    return future
                if not future.exception():
                    self._last[run] = future.result()
            while len(self._looks) >= _MOST:
                gone = next(iter(self._looks))
                del self._looks[gone]
                self._last.pop(gone, None)
            future = self._pool.submit(watch, run)
            self._looks[run] = (stamp, time.monotonic(), future)
            return future

    def now(self, run: RunFolder) -> Examination | None:
        """What was found so far, without waiting; None before the first look is done."""
        future = self.look(run)
        if future.done() and not future.exception():
            return future.result()
        return self._last.get(run)


@st.cache_resource
def watcher() -> Watcher:
    """The one of this server."""
    return Watcher()


def _stamp(run: RunFolder) -> Any:
    wal = run.database.with_name(run.database.name + "-wal")
    return file_version(run.database), file_version(wal)


def findings_of(run: RunFolder, seen: Examination) -> list[Told]:
    """What was found before the first step and since then, what was dismissed among it.

    Raises:
        ValueError: What is kept beside the run is damaged.
    """
    before = read_before(run)
    return [*(before.found if before else ()), *(told(each) for each in seen.findings)]


def shown_run() -> RunFolder | None:
    """The run that the page to come will show, as far as the address says; else the newest."""
    folder = checkpoints_folder()
    asked = st.query_params.get(RUN.key) or st.session_state.get(RUN.key)
    if asked:
        # The run itself, and no list of all: every page asks this each time it is drawn.
        with contextlib.suppress(ValueError):
            return find_run(folder, str(asked))
    runs = list_runs(folder)
    return runs[0] if runs else None


def count_now(run: RunFolder | None) -> int:
    """How many findings there are that nobody has dismissed, as far as is known."""
    seen = None if run is None else watcher().now(run)
    if run is None or seen is None:
        return 0
    try:
        aside = dismissed(run)
        return sum(each.key not in aside for each in findings_of(run, seen))
    except ValueError:
        return 0  # the Doctor page says why


def keep_true(run: RunFolder | None, shown: int) -> None:
    """Draws the page again when the number at the top is no longer what was found.

    Args:
        run: The run that it is of.
        shown: The number.
    """
    if run is None:
        return
    if count_now(run) != shown:
        st.rerun()
    if not watcher().look(run).done():
        poll(None, every=5.0, goes_on=lambda: count_now(run) == shown)
