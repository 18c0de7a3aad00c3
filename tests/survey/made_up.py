"""A run with a checkpoint of nothing, and a survey of it that looks without a network."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

from tests.dashboard.sample_run import LAST_STEP, make_loss, make_run, make_snapshot
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import Snapshot, write_snapshot
from yolo_core.runs.store import RunStore
from yolo_core.survey.folder import CHUNK, SurveyFolder
from yolo_core.survey.rows import table_of
from yolo_core.survey.table import SurveyTable


def add_checkpoint(run: RunFolder, step: int = LAST_STEP, data: bytes = b"weights") -> Path:
    """A checkpoint that nobody reads, on record."""
    path = run.weights / f"step-{step:08d}.npz"
    with RunStore.open(run, writable=True) as store:
        path.write_bytes(data)
        store.record_checkpoint(step, path)
    return path


def make_surveyable(checkpoints: Path, name: str, loss_name: str = "yolov2") -> RunFolder:
    """A finished run with one checkpoint."""
    run = make_run(checkpoints, name, loss_name=loss_name)
    add_checkpoint(run)
    return run


class Looker:
    """Stands in for what loads TensorFlow: made-up predictions, the real loss.

    Attributes:
        chunks: Numbers of the chunks it was asked for.
    """

    def __init__(self, loss_name: str = "yolov2") -> None:
        self.loss_name = loss_name
        self.chunks: list[int] = []

    def __call__(
        self, _: object, __: object, folder: SurveyFolder
    ) -> Callable[[int, int], SurveyTable]:
        def look(number: int, end: int) -> SurveyTable:
            self.chunks.append(number)
            names = folder.names(number * CHUNK, end)
            snapshot = dataclasses.replace(
                _some_samples(self.loss_name, len(names)), samples=names, step=folder.step
            )
            path = folder.chunk(number)
            write_snapshot(path, snapshot)
            return table_of(snapshot, path.name)

        return look


@functools.cache
def _some_samples(loss_name: str, count: int) -> Snapshot:
    """The same pictures in every chunk: they take a while, and nobody compares chunks."""
    names = tuple(f"val/{index}" for index in range(count))
    return make_snapshot(make_loss(loss_name), 20, "pinned", names)
