"""The rows of a run as CSV."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from tests.dashboard.sample_run import make_run
from yolo_core.export.tables import run_tables
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.store import RunStore


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return make_run(tmp_path_factory.mktemp("runs"), "one")


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_row_and_column_is_there_to_the_last_digit(run: RunFolder) -> None:
    tables = run_tables(run)
    with RunStore.open(run) as store:
        kept = {"steps.csv": store.steps(), "evaluations.csv": store.evaluations()}
        events = store.events()
    for name, columns in kept.items():
        read = rows(tables[name])
        assert tables[name].splitlines()[0].split(",") == list(columns)
        assert columns
        for column, values in columns.items():
            np.testing.assert_array_equal([float(row[column] or "nan") for row in read], values)
    read = rows(tables["events.csv"])
    assert [(int(row["id"]), int(row["step"]), row["kind"]) for row in read] == [
        (each.id, each.step, each.kind) for each in events
    ]


def test_a_word_that_a_spreadsheet_would_compute_is_a_text(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunStore.open(run) as store:
        one = store.steps()
    monkeypatch.setattr(RunStore, "steps", lambda _: {**one, "=1+1": one["step"]})
    assert "'=1+1" in run_tables(run)["steps.csv"].splitlines()[0].split(",")
