"""The samples of a run's surveys as records like those of its snapshots."""

from __future__ import annotations

from pathlib import Path

from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import SnapshotRecord
from yolo_core.survey.folder import list_surveys
from yolo_core.survey.table import SurveyTable, read_table

KIND = "survey"


def records(run: RunFolder) -> list[SnapshotRecord]:
    """Records of kind "survey" of all surveys of a run, by step.

    A survey that cannot be read has none; its page says what is wrong with it.
    """
    found = []
    for folder in list_surveys(run):
        try:
            found += records_of(folder.path, read_table(folder.table))
        except ValueError:
            continue
    return sorted(found, key=lambda each: each.step)


def records_of(folder: Path, table: SurveyTable, *, kind: str = KIND) -> list[SnapshotRecord]:
    """The records of one table, in the order of its samples.

    Args:
        folder: Where its snapshot files lie.
        table: The table.
        kind: What the records are called.
    """
    lambdas = dict(zip(table.term_names, table.lambdas.tolist(), strict=True))
    samples = table.samples
    return [
        SnapshotRecord(
            step=table.step,
            kind=kind,
            sample=str(samples.name[at]),
            # A bare name: a table is a file like others, and may not point elsewhere.
            file=folder / str(samples.file[at]).replace("\\", "/").rpartition("/")[2],
            total=float(samples.total[at]),
            terms=dict(zip(table.term_names, samples.terms[at].tolist(), strict=True)),
            lambdas=lambdas,
        )
        for at in range(len(samples.name))
    ]
