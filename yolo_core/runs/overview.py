"""A run in a line of a list: a few numbers out of its files, however long it was trained."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import sqlite3
from typing import Any

from yolo_core.foreign_files import read_json
from yolo_core.runs import database
from yolo_core.runs.changes import DIALS
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.note import RunNote, read_note
from yolo_core.runs.status import RunState, RunStatus, status_in

MOST_CONFIG_BYTES = 4_000_000
_MOST_CHARACTERS = 300


@dataclasses.dataclass(frozen=True)
class RunOverview:
    """A run in a line.

    Attributes:
        folder: Its folder.
        status: What it is doing; texts of more than a few hundred characters are cut here.
        note: What somebody put down about it.
        loss: Name of its loss, or empty.
        data: What its data was called, or empty.
        started: When its training began, seconds since 1970; None before.
        total: The total of the last step; None before it, and where it is no finite number.
        map50: mAP50 of the last evaluation; None before it.
        best_map50: The best one so far.
        changes: How often lambdas or the learning rate were changed while it trained.
        problem: What could not be read, as sentences; empty where everything was.
    """

    folder: RunFolder
    status: RunStatus
    note: RunNote = dataclasses.field(default_factory=RunNote)
    loss: str = ""
    data: str = ""
    started: float | None = None
    total: float | None = None
    map50: float | None = None
    best_map50: float | None = None
    changes: int | None = None
    problem: str = ""


def run_overview(folder: RunFolder) -> RunOverview:
    """Looks at a run. Never raises: what is damaged is left out, and said."""
    problems: list[str] = []
    fields: dict[str, Any] = {}
    try:
        fields["note"] = read_note(folder)
    except ValueError as error:
        problems.append(str(error))
    if folder.config.is_file():  # a run of somebody's own script has none
        try:
            fields |= _config_words(read_json(folder.config, most_bytes=MOST_CONFIG_BYTES))
        except ValueError as error:
            problems.append(str(error))
    status: RunStatus | None = None
    try:
        with (
            contextlib.closing(database.connect(folder.database)) as connection,
            database.sentences(folder.database),
        ):
            status = status_in(connection, folder)
            fields |= _numbers(connection)
    except (ValueError, OSError) as error:
        if status is None:
            status = RunStatus(RunState.UNREADABLE, message=str(error))
        else:
            problems.append(str(error))
    status = dataclasses.replace(status, message=_short(status.message))
    return RunOverview(folder, status, **fields, problem=_short(" ".join(problems)))


def _config_words(config: dict[str, Any]) -> dict[str, str]:
    """Taken as they are: a configuration of another version shall be listed, too."""

    def word(section: str, field: str) -> str:
        within = config.get(section)
        value = within.get(field) if isinstance(within, dict) else None
        return _short(value) if isinstance(value, str) else ""

    return {"loss": word("loss", "name"), "data": word("data", "source")}


def _numbers(connection: sqlite3.Connection) -> dict[str, float | None]:
    """Each by the end of a table, or of an index: of all tables only events are read whole."""
    found = {"started": _one(connection, "SELECT time FROM events ORDER BY id LIMIT 1")}
    if "total" in database.step_columns(connection):
        found["total"] = _one(connection, "SELECT total FROM steps ORDER BY step DESC LIMIT 1")
    scores = "FROM evaluations WHERE metric = 'map50'"
    found["map50"] = _one(connection, f"SELECT value {scores} ORDER BY step DESC LIMIT 1")
    found["best_map50"] = _one(connection, f"SELECT max(value) {scores}")
    kinds = ", ".join(f"'{kind}'" for kind in DIALS)
    changes = _one(connection, f"SELECT count(*) FROM events WHERE kind IN ({kinds})")
    found["changes"] = None if changes is None else int(changes)
    return found


def _one(connection: sqlite3.Connection, query: str) -> float | None:
    row = connection.execute(query).fetchone()
    value = None if row is None or row[0] is None else float(row[0])
    return value if value is not None and math.isfinite(value) else None


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"
