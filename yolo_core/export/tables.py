"""What a run has on record, as CSV: its steps, its evaluations, its events. No TensorFlow."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import to_json
from yolo_core.runs.store import RunStore

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def run_tables(run: RunFolder) -> dict[str, str]:
    """The tables of a run.

    Returns:
        {file name: CSV}: a row a step, a row an evaluation, a row an event. A number that is not
        finite stands there as Python writes it; a metric that was not measured is an empty cell.

    Raises:
        ValueError: The run's database cannot be read.
    """
    with RunStore.open(run) as store:
        steps, evaluations, events = store.steps(), store.evaluations(), store.events()
    rows = [
        [each.id, each.step, each.time, _text(each.kind), to_json(each.detail)] for each in events
    ]
    return {
        "steps.csv": _columns(steps),
        "evaluations.csv": _columns(evaluations, nan=""),
        "events.csv": _csv(["id", "step", "time", "kind", "detail"], rows),
    }


def _columns(table: Mapping[str, np.ndarray], nan: str = "nan") -> str:
    rows = zip(*(column.tolist() for column in table.values()), strict=True)
    return _csv(
        [_text(name) for name in table],
        ([nan if isinstance(n, float) and math.isnan(n) else n for n in row] for row in rows),
    )


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue()


def _text(word: str) -> str:
    """A word that no spreadsheet takes for a formula."""
    return f"'{word}" if word.startswith(_FORMULA) else word
