"""Tables of made-up snapshots: real losses, every status of an object."""

from __future__ import annotations

import functools

from tests.dashboard.sample_run import make_loss, make_snapshot
from yolo_core.runs.snapshots import Snapshot
from yolo_core.survey.rows import table_of
from yolo_core.survey.table import SurveyTable, joined

LOSSES = ("yolov2", "mnist_yolo", "yolov3/tf2", "yolov5")


@functools.cache
def half_way(loss: str) -> Snapshot:
    """val/0, val/1, val/2 and train/0, half-way between noise and the truth."""
    return make_snapshot(make_loss(loss), 20)


@functools.cache
def table(loss: str) -> SurveyTable:
    """Two snapshots of the same four samples: eight rows."""
    part = table_of(half_way(loss), "samples-000000.npz")
    return joined([part, part])
