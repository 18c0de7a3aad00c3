"""What an evaluation found, read once, and taken apart once for every state of its file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from dashboard.cache import kept_as_written
from yolo_core.evaluation.errors import Errors, find_errors
from yolo_core.evaluation.job.folder import EvaluationFolder
from yolo_core.evaluation.matching import Matching, match
from yolo_core.evaluation.summary import chosen_threshold
from yolo_core.evaluation.table import EvaluationTable, read_table


@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """An evaluation with what is made of its rows; never changed.

    Attributes:
        table: The rows and scores.
        matching: What became of every detection and object.
        errors: Every error by kind.
        threshold: The score with the highest F1.
    """

    table: EvaluationTable
    matching: Matching
    errors: Errors
    threshold: float


def read_result(folder: EvaluationFolder) -> Result:
    """Raises:
    ValueError: As `read_table`.
    """
    return _result(folder.table)


@kept_as_written(6)
def _result(path: Path) -> Result:
    table = read_table(path)
    matching = match(table.found, table.truth)
    errors = find_errors(table.found, table.truth, matching, num_classes=len(table.class_names))
    return Result(table, matching, errors, chosen_threshold(table, matching))
