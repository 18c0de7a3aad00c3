"""A number beside every step row that says whether the row is still the one that was recorded.

SQLite notices a torn page, and not a bit that turned inside a number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np

COLUMN = "|check"
"""No column of a caller's can be named so. Runs from before have none, and are not checked."""
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # odd, its bits even: 2 ** 64 over the golden ratio


def row_checks(table: np.ndarray) -> np.ndarray:
    """The check of each row: the sum of its numbers' bits, each times an odd number of its own.

    One bit that turns changes it, wherever it is. A NaN adds nothing, so that a column which comes
    later changes no check of a row before it.

    Args:
        table: (G, 2 + C) float64: step, time, and the values by column.

    Returns:
        (G,) int64.
    """
    with np.errstate(invalid="ignore"):  # a bit that turned can make a signalling NaN
        numbers = np.ascontiguousarray(table + 0.0)  # SQLite keeps no sign of zero
    places = np.arange(1, numbers.shape[1] + 1, dtype=np.uint64)
    factor = (places * _SPREAD) | np.uint64(1)
    bits = np.where(np.isnan(numbers), np.uint64(0), (numbers.view(np.uint64) + 1) * factor)
    return bits.sum(axis=1, dtype=np.uint64).view(np.int64)


def are_kept(connection: sqlite3.Connection) -> bool:
    """Whether the rows of a run have checks."""
    return any(row[1] == COLUMN for row in connection.execute("PRAGMA table_info(steps)"))


def check_rows(table: np.ndarray, expected: Sequence[int | None]) -> None:
    """Refuses rows that are not what was recorded.

    Args:
        table: As `row_checks` takes it.
        expected: What it gave when they were recorded; None for a row of a program that made none.

    Raises:
        ValueError: Names the first step that differs.
    """
    for row, now, then in zip(table, row_checks(table).tolist(), expected, strict=True):
        if now != then and then is not None:
            raise ValueError(f"step {row[0]:.0f} is not what was recorded")
