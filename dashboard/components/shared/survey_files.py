"""What the pages read of a run's surveys, once for every state of the files."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import streamlit as st

from dashboard.cache import file_version
from dashboard.figures.picture import as_picture
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
    return _table(str(folder.table), file_version(folder.table))


def cached_survey_records(run: RunFolder) -> list[SnapshotRecord]:
    """Records of kind "survey" of all surveys of a run; do not change the list."""
    surveys = list_surveys(run)
    return _records(str(run.path), tuple((each.name, file_version(each.table)) for each in surveys))


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
        pictures = _pictures(str(path), file_version(path))
        found.append(pictures[within] if within < len(pictures) else None)
    return found


@st.cache_resource(max_entries=8, show_spinner=False)
def _table(path: str, version: tuple[int, int]) -> SurveyTable:  # noqa: ARG001, part of the key
    return read_table(Path(path))


@st.cache_resource(max_entries=8, show_spinner=False)
def _records(
    path: str,
    versions: tuple[tuple[str, tuple[int, int]], ...],  # noqa: ARG001, part of the key
) -> list[SnapshotRecord]:
    return records(RunFolder(Path(path)))


@st.cache_resource(max_entries=512, show_spinner=False)
def _pictures(path: str, version: tuple[int, int]) -> list[str]:  # noqa: ARG001, part of the key
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
