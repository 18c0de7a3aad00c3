"""Looks for lost objects, or for duplicates, in this process, and keeps a status of that."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from yolo_core.before.folder import BeforeFolder
from yolo_core.before.lost_table import digest, write_table
from yolo_core.data.duplicates import Group, find_duplicates, fingerprint, stacked
from yolo_core.data.overview import pictures_of
from yolo_core.data.pictures import AnnotatedPictures
from yolo_core.data.registry import open_source
from yolo_core.files import replace_file
from yolo_core.foreign_files import read_json
from yolo_core.jobs.status import Job, JobState, JobStatus
from yolo_core.training.config import RunConfig

_EVERY_SECONDS = 0.5
THREADS = 2
"""Pictures are decoded outside of Python; more would take the processor from a training."""


class Search:
    """A search with a status.

    Args:
        folder: Where status and result go.
        config: What is asked.
        report: Told the status whenever it changes.

    Raises:
        ValueError: The disk is full, or the place is not writable.
    """

    def __init__(
        self,
        folder: BeforeFolder,
        config: RunConfig,
        report: Callable[[JobStatus], None] | None = None,
    ) -> None:
        self.folder = folder
        self.config = config
        opening = JobStatus(JobState.STARTING, "Reading the annotations.")
        self._job = Job(folder.status, opening, report)
        self._began = self._said = time.monotonic()

    def run(self, stopped: Callable[[], bool] = lambda: False) -> JobStatus:
        """Looks; returns the status that it ended with. `stopped` is asked every so often."""
        work = self._lost if self.folder.kind == "lost" else self._duplicates
        return self._job.run(lambda: work(stopped))

    def _lost(self, stopped: Callable[[], bool]) -> None:
        source = open_source(self.config.data)
        data = pictures_of(source)
        self._job.say(message="Loading the loss.")
        from yolo_core.losses.on_numpy import load_keras_on_numpy

        load_keras_on_numpy()
        from yolo_core.before.lost import loss_of, lost_objects

        loss = loss_of(self.config, source)
        total = len(np.unique(data.box_picture[~data.box_difficult]))
        self._begin(total)
        height, width = source.image_shape[:2]
        fit = self.config.data.fit
        table = lost_objects(
            loss, data, (height, width), fit, report=self._progress, stopped=stopped
        )
        if table is None:
            self._job.say(state=JobState.STOPPED, rate=None)
            return
        write_table(self.folder.result, table)
        self._job.say(state=JobState.FINISHED, done=total, rate=None)

    def _duplicates(self, stopped: Callable[[], bool]) -> None:
        data = pictures_of(open_source(self.config.data))
        count = len(data.files)
        self._begin(count)
        prints = []

        def look(index: int) -> tuple[str, np.ndarray, np.ndarray] | None:
            if stopped():
                return None
            try:
                return fingerprint(data.read_picture(index))
            except ValueError:  # the problems of the data say so
                return None

        with ThreadPoolExecutor(THREADS) as pool:
            for each in pool.map(look, range(count)):
                prints.append(each)
                self._progress(len(prints))
        if stopped():
            self._job.say(state=JobState.STOPPED, rate=None)
            return
        unreadable = sum(each is None for each in prints)
        write_groups(self.folder.result, find_duplicates(stacked(prints)), data)
        words = f"{unreadable:,} pictures could not be read." if unreadable else ""
        self._job.say(state=JobState.FINISHED, message=words, done=count, rate=None)

    def _begin(self, total: int) -> None:
        self._began = self._said = time.monotonic()
        self._job.say(state=JobState.RUNNING, message="", total=total)

    def _progress(self, done: int) -> None:
        now = time.monotonic()
        if now - self._said >= _EVERY_SECONDS:
            self._said = now
            self._job.say(done=done, rate=done / (now - self._began))


def write_groups(path: Path, groups: list[Group], data: AnnotatedPictures) -> None:
    """Writes groups of duplicates as JSON.

    Raises:
        ValueError: The disk is full, or the place is not writable.
    """
    rows = [[list(group.pictures), group.exact, round(group.alike, 4)] for group in groups]
    replace_file(path, json.dumps({"digest": digest(data), "groups": rows}))


def read_groups(path: Path, data: AnnotatedPictures) -> list[Group]:
    """Reads groups of duplicates, and holds them against the data set that they are of.

    Raises:
        ValueError: The file is missing, damaged, or of other data than there is now.
    """
    fields = read_json(path)
    try:
        groups = [
            Group(tuple(map(int, pictures)), bool(exact), float(alike))
            for pictures, exact, alike in fields["groups"]
        ]
        kept = int(fields["digest"])
    except (LookupError, TypeError, ValueError):
        raise ValueError(f"{path} holds no groups of pictures.") from None
    known = range(len(data.files))
    if kept != digest(data) or any(each not in known for g in groups for each in g.pictures):
        raise ValueError("The data have changed since duplicates were looked for.")
    return groups
