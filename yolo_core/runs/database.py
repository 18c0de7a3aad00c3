"""The SQLite file of a run: its tables, how it is opened, and its errors as sentences."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from yolo_core.runs import row_checks

APPLICATION_ID = 0x594F4C4F
SCHEMA_VERSION = 1
BUCKET_SIZES = (8, 32, 128, 512, 2048, 8192, 32768, 131072)
BUSY_SECONDS = 10
FULL_BYTES = 1_000_000
MAX_COLUMNS = 400  # SQLite allows 2000 in a table, and a bucket has four for each of ours

_TABLES = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
CREATE TABLE evaluations (
    step INTEGER NOT NULL, metric TEXT NOT NULL, value REAL, PRIMARY KEY (step, metric)
) WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER PRIMARY KEY, step INTEGER NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE TABLE checkpoints (step INTEGER PRIMARY KEY, time REAL NOT NULL, file TEXT NOT NULL);
CREATE TABLE snapshots (
    sample TEXT NOT NULL, kind TEXT NOT NULL, step INTEGER NOT NULL, file TEXT NOT NULL,
    total REAL, terms TEXT NOT NULL, lambdas TEXT NOT NULL, PRIMARY KEY (sample, kind, step)
) WITHOUT ROWID;
CREATE INDEX snapshot_files ON snapshots (file);
CREATE TABLE commands (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, name TEXT NOT NULL,
    arguments TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending', step INTEGER, error TEXT
);
CREATE INDEX pending_commands ON commands (id) WHERE state = 'pending';
CREATE TABLE status (
    id INTEGER PRIMARY KEY CHECK (id = 1), state TEXT NOT NULL, step INTEGER NOT NULL,
    steps INTEGER, images_per_second REAL, seconds REAL NOT NULL, message TEXT NOT NULL,
    pid INTEGER, started REAL, heartbeat REAL, writing INTEGER NOT NULL, boot TEXT, config TEXT
);
INSERT INTO status (id, state, step, seconds, message, writing) VALUES (1, 'starting', 0, 0, '', 0);
"""


class RunFileError(ValueError):
    """A sentence about a file of a run: which file, and what is wrong with it."""


@contextlib.contextmanager
def sentences(path: Path) -> Iterator[None]:
    """Turns whatever goes wrong with the file in the block into a `RunFileError`.

    A damaged file can make SQLite hand out text for a number, a number for text, or broken JSON,
    so the errors of decoding its rows are taken for damage too: check arguments before the block.
    """
    try:
        yield
    except RunFileError:
        raise
    except sqlite3.Error as error:
        raise RunFileError(_sentence(path, error)) from None
    except OSError as error:
        raise RunFileError(f"{path}: {error.strerror or error}.") from None
    except (ValueError, TypeError, LookupError, ArithmeticError, MemoryError) as error:
        raise RunFileError(f"{path} is damaged: a row does not read ({error}).") from error


def _sentence(path: Path, error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", None) or ""
    # Of the file that readers share (-shm) SQLite says only that it could not be written.
    if name.startswith("SQLITE_FULL") or (name.startswith("SQLITE_IOERR") and _is_full(path)):
        return f"The disk is full, so {path} cannot be written."
    if name.startswith("SQLITE_NOTADB"):
        return f"{path} is not a SQLite database or damaged at its beginning."
    if name.startswith("SQLITE_CORRUPT"):
        return f"{path} is damaged or half-written ({error})."
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"{path} was locked by another process for more than {BUSY_SECONDS} seconds."
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_IOERR")):
        return f"{path} cannot be opened, read or written ({error})."
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return f"{path} was closed before this use of it."
    return f"{path} is incomplete or damaged ({error})."


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < FULL_BYTES
    except OSError:
        return False


def file_number(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one that takes its name; None where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def create_database(path: Path, columns: Sequence[str] = ()) -> None:
    """Makes an empty run database; it appears under its name only when it is complete.

    Args:
        path: The file.
        columns: Columns of the step row after step and time, which `check_columns` lets pass.

    Raises:
        ValueError: The file exists, the disk is full, or the place is not writable.
    """
    if path.exists():
        raise RunFileError(f"{path} exists already; it is opened, not created.")
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with sentences(path):
        try:
            beside.unlink(missing_ok=True)
            connection = sqlite3.connect(beside, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(f"BEGIN; {_TABLES}")
                _create_step_tables(connection, columns)
                connection.execute("COMMIT")
            finally:
                connection.close()
            os.replace(beside, path)
        except BaseException:
            for part in (beside, Path(f"{beside}-wal"), Path(f"{beside}-shm")):
                part.unlink(missing_ok=True)
            raise


def connect(path: Path, *, writable: bool = False) -> sqlite3.Connection:
    """Opens a run database, in autocommit mode, usable from every thread (one at a time).

    Raises:
        ValueError: The file is missing, is not a run database, is of another version, or is
            damaged where it was looked at.
    """
    if not path.is_file():
        raise RunFileError(f"{path} does not exist.")
    with sentences(path):
        # mode=rw rather than the default: SQLite must never make an empty file here.
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'rw' if writable else 'ro'}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            _check_kind(connection, path)
            if writable:
                # With WAL, NORMAL loses nothing when the process is killed; after a power cut
                # the file is still sound and lacks at most the last moments.
                connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
    return connection


def _check_kind(connection: sqlite3.Connection, path: Path) -> None:
    # SQLite itself takes an empty file, one of zeros and one that ends within the header for a
    # database without tables.
    with path.open("rb") as file:
        header = file.read(100)
    if not header:
        raise RunFileError(f"{path} is empty.")
    if not header.startswith(b"SQLite format 3\0"):
        raise RunFileError(f"{path} is not a SQLite database.")
    if len(header) < 100:
        raise RunFileError(f"{path} is half-written: it ends within its header.")
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise RunFileError(f"{path} is a SQLite database, but not of a run.")
    if version != SCHEMA_VERSION:
        raise RunFileError(
            f"{path} has the layout of version {version}; this program reads "
            f"version {SCHEMA_VERSION}."
        )


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, *, write: bool) -> Iterator[None]:
    """All of the block or none of it; reads inside see one state of the database."""
    connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk ends the transaction by itself.
        if connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def step_columns(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The columns of the step row after step and time, in the order they were added."""
    names = [row[1] for row in connection.execute("PRAGMA table_info(steps)")]
    return tuple(name for name in names[2:] if name != row_checks.COLUMN)


def check_columns(columns: Sequence[str], existing: Sequence[str] = ()) -> None:
    """Refuses names that cannot be columns of the step row.

    Raises:
        ValueError: A name is empty, longer than 64 characters, holds a control character, a
            double quote or "|", starts or ends with a space, is "step" or "time", comes twice
            (SQLite takes "A" and "a" for one name), or there are too many.
    """
    taken = {"step", "time", *(name.lower() for name in existing)}
    for name in columns:
        if (
            not isinstance(name, str)
            or not re.fullmatch(r'[^"|\x00-\x1f\x7f\ud800-\udfff]{1,64}', name)
            or name != name.strip()
        ):
            raise ValueError(
                "A column of the step row is named with 1 to 64 characters, without control "
                f'characters, " and |, and without spaces around it; received {name!r}.'
            )
        if name.lower() in taken:
            raise ValueError(f"The step row has a column {name!r} already.")
        taken.add(name.lower())
    if len(columns) + len(existing) > MAX_COLUMNS:
        raise ValueError(
            f"A step row has at most {MAX_COLUMNS} columns; "
            f"received {len(columns) + len(existing)}."
        )


def quoted(name: str) -> str:
    """A column's name as SQL; `check_columns` has refused those with quotes in them."""
    return f'"{name}"'


def add_columns(connection: sqlite3.Connection, columns: Sequence[str]) -> None:
    """Adds columns to the step row and to the buckets; rows that are there read as NaN."""
    if connection.execute("SELECT 1 FROM steps LIMIT 1").fetchone() is None:
        # Adding one by one reads the whole schema again each time: a second for 100 columns.
        existing = step_columns(connection)
        for table in ("steps", *(f"buckets_{size}" for size in BUCKET_SIZES)):
            connection.execute(f"DROP TABLE {table}")
        _create_step_tables(connection, (*existing, *columns))
        return
    for name in columns:
        connection.execute(f"ALTER TABLE steps ADD COLUMN {quoted(name)} REAL")
        for size in BUCKET_SIZES:
            for part, kind in bucket_columns(name):
                connection.execute(f"ALTER TABLE buckets_{size} ADD COLUMN {quoted(part)} {kind}")


def _create_step_tables(connection: sqlite3.Connection, columns: Sequence[str]) -> None:
    values = "".join(f", {quoted(name)} REAL" for name in columns)
    check = f"{quoted(row_checks.COLUMN)} INTEGER"
    connection.execute(
        f"CREATE TABLE steps (step INTEGER PRIMARY KEY, time REAL NOT NULL, {check}{values})"
    )
    parts = "".join(
        f", {quoted(part)} {kind}" for name in columns for part, kind in bucket_columns(name)
    )
    for size in BUCKET_SIZES:
        connection.execute(
            f"CREATE TABLE buckets_{size} (bucket INTEGER PRIMARY KEY, first INTEGER NOT NULL, "
            f"last INTEGER NOT NULL, rows INTEGER NOT NULL{parts})"
        )


def bucket_columns(name: str) -> tuple[tuple[str, str], ...]:
    """The (name, SQL type) of a step column's four columns in a bucket."""
    return (
        (f"{name}|count", "INTEGER"),
        (f"{name}|low", "REAL"),
        (f"{name}|mean", "REAL"),
        (f"{name}|high", "REAL"),
    )
