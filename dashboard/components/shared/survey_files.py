"""What the pages read of a run's surveys and evaluations, once for every state of the files."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np

from dashboard.cache import kept_as_written
from dashboard.figures.picture import as_picture
from yolo_core.evaluation.job.folder import list_evaluations
from yolo_core.evaluation.job.folder import records as evaluation_records
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.snapshots import open_snapshot
from yolo_core.survey.folder import SurveyFolder, list_surveys
from yolo_core.survey.records import records
from yolo_core.survey.table import SurveyTable, read_table

PICTURE_SIDE = 72


def cached_table(folder: SurveyFolder) -> SurveyTable:
    """The table of a survey; do not change its arrays.

    Raises:
        ValueError: As `read_table`.
    """
    return _table(folder.table)


def cached_survey_records(run: RunFolder) -> list[SnapshotRecord]:
    """Records of kind "survey" and "evaluation" of a run, by step; do not change the list."""
    tables = [*(each.table for each in list_surveys(run))]
    tables += [each.pictures for each in list_evaluations(run)]
    return _records(str(run.path), tuple(tables))


def small_pictures(folder: SurveyFolder, table: SurveyTable, rows: np.ndarray) -> list[str | None]:
    """Samples as small pictures, PNG data URIs; None where a file cannot be read.

    Args:
        folder: The survey.
        table: Its table.
        rows: (n,) rows of the samples.
    """
    files = table.samples.file
    found = []
    for row in rows:
        path = folder.path / Path(str(files[row])).name
        within = int(row) - int(np.argmax(files == files[row]))
        pictures = _pictures(path)
        found.append(pictures[within] if within < len(pictures) else None)
    return found


_table = kept_as_written(8)(read_table)


@kept_as_written(8)
def _records(run: str, tables: tuple[Path, ...]) -> list[SnapshotRecord]:  # noqa: ARG001, the key
    folder = RunFolder(Path(run))
    both = [*records(folder), *evaluation_records(folder)]
    return sorted(both, key=lambda each: each.step)


@kept_as_written(512)
def _pictures(path: Path) -> list[str]:
    try:
        # One member of the file: the rest of it is twenty times as large.
        with open_snapshot(Path(path)) as (_, arrays):
            return [_small(image) for image in arrays["images"]]
    except ValueError:  # damaged: opening it says how
        return []


def _small(image: np.ndarray) -> str:
    picture = as_picture(image)
    picture.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
