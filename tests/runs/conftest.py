"""A run folder and an open store, fresh for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from yolo_core.runs.layout import RunFolder, create_run
from yolo_core.runs.store import RunStore

COLUMNS = ("total", "term/xy", "lambda/xy")


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return create_run(tmp_path / "checkpoints", "yolov2-1")


@pytest.fixture
def store(folder: RunFolder) -> Iterator[RunStore]:
    with RunStore.create(folder, COLUMNS) as store:
        yield store
