"""Buckets: the curves of a long run at every zoom, kept up to date as rows arrive.

Bucket b of size s holds the steps b*s + 1 to (b + 1)*s. Each level is four times as coarse as the
one before, so that any range of steps has a level of a few hundred buckets.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Sequence

import numpy as np

from yolo_core.runs import row_checks
from yolo_core.runs.database import BUCKET_SIZES, bucket_columns, quoted, step_columns


@dataclasses.dataclass(frozen=True)
class Curves:
    """Columns of the step row over a range of steps, G rows or buckets.

    In a bucket, low, mean and high are those of its finite values, NaN where it has none; a row
    by itself (`bucket` is 1) is as it was recorded, NaN and infinities included.

    Attributes:
        step: (G,) int64. The step, or the middle one of the bucket.
        first: (G,) int64. First recorded step of each bucket.
        last: (G,) int64. Last one.
        mean: {column: (G,) float64}.
        low: {column: (G,) float64}.
        high: {column: (G,) float64}.
        non_finite: {column: (G,) int64}. How many values were NaN, infinite or not recorded.
        bucket: Size of the buckets in steps; 1 for rows as they were recorded.
    """

    step: np.ndarray
    first: np.ndarray
    last: np.ndarray
    mean: dict[str, np.ndarray]
    low: dict[str, np.ndarray]
    high: dict[str, np.ndarray]
    non_finite: dict[str, np.ndarray]
    bucket: int


@dataclasses.dataclass(frozen=True)
class Buckets:
    """G buckets of C columns, ascending. Without finite values: mean 0, low +inf, high -inf.

    Attributes:
        first: (G,) int64. First step in each.
        last: (G,) int64. Last step in each.
        rows: (G,) int64. Rows in each.
        count: (G, C) float64. Finite values among them.
        low: (G, C) float64.
        mean: (G, C) float64.
        high: (G, C) float64.
    """

    first: np.ndarray
    last: np.ndarray
    rows: np.ndarray
    count: np.ndarray
    low: np.ndarray
    mean: np.ndarray
    high: np.ndarray

    @classmethod
    def of_rows(cls, steps: np.ndarray, values: np.ndarray) -> Buckets:
        """Each row a bucket of its own.

        Args:
            steps: (G,) int64, ascending.
            values: (G, C) float64.
        """
        finite = np.isfinite(values)
        return cls(
            first=steps,
            last=steps,
            rows=np.ones(len(steps), np.int64),
            count=finite.astype(np.float64),
            low=np.where(finite, values, np.inf),
            mean=np.where(finite, values, 0.0),
            high=np.where(finite, values, -np.inf),
        )

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, part: slice) -> Buckets:
        return Buckets(**{name: array[part] for name, array in vars(self).items()})

    def followed_by(self, later: Buckets) -> Buckets:
        """Both, one after the other."""
        return Buckets(
            **{
                name: np.concatenate([array, getattr(later, name)])
                for name, array in vars(self).items()
            }
        )

    def number(self, size: int) -> np.ndarray:
        """(G,) int64: which bucket of `size` each one falls in."""
        return (self.first - 1) // size

    def grouped(self, size: int) -> Buckets:
        """The same rows in buckets of `size`, which must be a multiple of the present one."""
        if not len(self):
            return self
        number = self.number(size)
        starts = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
        if len(starts) == len(number):
            return self
        ends = np.append(starts[1:], len(number))
        count = np.add.reduceat(self.count, starts)
        # Weights before the sum, so that a mean of huge numbers does not overflow.
        weight = self.count / np.repeat(np.maximum(count, 1.0), ends - starts, axis=0)
        low = np.minimum.reduceat(self.low, starts)
        high = np.maximum.reduceat(self.high, starts)
        mean = np.add.reduceat(self.mean * weight, starts)
        return Buckets(
            first=self.first[starts],
            last=self.last[ends - 1],
            rows=np.add.reduceat(self.rows, starts),
            count=count,
            low=low,
            # Rounding must not carry the mean of equal values past them.
            mean=np.where(count > 0, np.clip(mean, np.minimum(low, high), high), 0.0),
            high=high,
        )


def write_buckets(
    connection: sqlite3.Connection, size: int, buckets: Buckets, columns: Sequence[str]
) -> None:
    """Puts buckets of one level in place of those with the same numbers."""
    names = ["bucket", "first", "last", "rows"]
    names += [part for column in columns for part, _ in bucket_columns(column)]
    empty = buckets.count == 0
    values = np.stack(
        [
            buckets.count,
            np.where(empty, np.nan, buckets.low),
            np.where(empty, np.nan, buckets.mean),
            np.where(empty, np.nan, buckets.high),
        ],
        axis=2,
    ).reshape(len(buckets), -1)
    whole = np.stack([buckets.number(size), buckets.first, buckets.last, buckets.rows], axis=1)
    connection.executemany(
        f"INSERT OR REPLACE INTO buckets_{size} ({', '.join(map(quoted, names))}) "
        f"VALUES ({', '.join('?' * len(names))})",
        [(*a, *b) for a, b in zip(whole.tolist(), values.tolist(), strict=True)],
    )


def read_buckets(
    connection: sqlite3.Connection,
    size: int,
    columns: Sequence[str],
    where: str,
    arguments: Sequence[int] = (),
) -> Buckets:
    """Buckets of one level, only the named columns, chosen by a condition on `bucket`."""
    names = ["first", "last", "rows"]
    names += [part for column in columns for part, _ in bucket_columns(column)]
    rows = connection.execute(
        f"SELECT {', '.join(map(quoted, names))} FROM buckets_{size} WHERE {where}", arguments
    ).fetchall()
    table = np.array(rows, np.float64).reshape(len(rows), len(names))
    whole = table[:, :3].astype(np.int64)
    values = table[:, 3:].reshape(len(rows), len(columns), 4)
    # A column that was added later has nothing in the older buckets.
    count = np.nan_to_num(values[..., 0])
    return Buckets(
        first=whole[:, 0],
        last=whole[:, 1],
        rows=whole[:, 2],
        count=count,
        low=np.where(count > 0, values[..., 1], np.inf),
        mean=np.where(count > 0, values[..., 2], 0.0),
        high=np.where(count > 0, values[..., 3], -np.inf),
    )


class BucketWriter:
    """Brings every level up to date with new rows; keeps each level's last bucket in memory."""

    def __init__(self, connection: sqlite3.Connection, columns: Sequence[str]) -> None:
        self._connection = connection
        self._columns = tuple(columns)
        self._open = {
            size: read_buckets(connection, size, columns, "1 ORDER BY bucket DESC LIMIT 1")
            for size in BUCKET_SIZES
        }

    def write(self, steps: np.ndarray, values: np.ndarray) -> dict[int, Buckets]:
        """Writes the buckets that the rows fall in, inside the caller's transaction.

        Args:
            steps: (G,) int64, ascending and past every earlier one.
            values: (G, C) float64.

        Returns:
            What to hand to `keep` once the transaction is committed.
        """
        new, last = Buckets.of_rows(steps, values), {}
        for size in BUCKET_SIZES:
            new = new.grouped(size)
            merged = self._open[size].followed_by(new).grouped(size)
            write_buckets(self._connection, size, merged, self._columns)
            last[size] = merged[-1:]
        return last

    def keep(self, last: dict[int, Buckets]) -> None:
        """Takes the result of a `write` that is committed as the present state."""
        self._open = last


def truncate_buckets(connection: sqlite3.Connection, columns: Sequence[str], step: int) -> None:
    """Takes the rows after `step` out of the buckets, after they have left the step table.

    The one bucket a level that `step` falls in is made again, from the level below: from at most
    8 rows, then from 4 buckets, however coarse the level is.
    """
    for level, size in enumerate(BUCKET_SIZES):
        number = (step - 1) // size
        connection.execute(f"DELETE FROM buckets_{size} WHERE bucket >= ?", (number,))
        first = number * size + 1
        if level == 0:
            parts = Buckets.of_rows(*read_rows(connection, columns, first, step)[::2])
        else:
            finer = BUCKET_SIZES[level - 1]
            parts = read_buckets(
                connection, finer, columns, "bucket >= ? ORDER BY bucket", ((first - 1) // finer,)
            )
        if len(parts):
            write_buckets(connection, size, parts.grouped(size), columns)


def read_rows(
    connection: sqlite3.Connection, columns: Sequence[str], first: int, last: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Step rows as they were recorded, only the named columns.

    Returns:
        step (G,) int64, time (G,) float64, values (G, C) float64.

    Raises:
        ValueError: A row is not the one that was recorded; noticed where all columns are wanted.
    """
    whole = tuple(columns) == step_columns(connection) and row_checks.are_kept(connection)
    names = ["step", "time", *columns, *([row_checks.COLUMN] if whole else [])]
    rows = connection.execute(
        f"SELECT {', '.join(map(quoted, names))} FROM steps "
        "WHERE step BETWEEN ? AND ? ORDER BY step",
        (first, last),
    ).fetchall()
    numbers = [row[:-1] for row in rows] if whole else rows
    table = np.array(numbers, np.float64).reshape(len(rows), 2 + len(columns))
    if whole:
        row_checks.check_rows(table, [row[-1] for row in rows])
    return table[:, 0].astype(np.int64), table[:, 1], table[:, 2:]


def read_curves(
    connection: sqlite3.Connection, columns: Sequence[str], first: int, last: int, points: int
) -> Curves:
    """The rows from `first` to `last`, or the finest buckets over them that number `points`."""
    if last - first < points:
        step, _, values = read_rows(connection, columns, first, last)
        found, size = Buckets.of_rows(step, values), 1
        low = mean = high = values
    else:
        size = next(
            (s for s in BUCKET_SIZES if (last - 1) // s - (first - 1) // s < points),
            BUCKET_SIZES[-1],
        )
        found = read_buckets(
            connection,
            size,
            columns,
            "bucket BETWEEN ? AND ? ORDER BY bucket",
            ((first - 1) // size, (last - 1) // size),
        )
        low, mean, high = (
            np.where(found.count > 0, part, np.nan) for part in (found.low, found.mean, found.high)
        )
    missing = found.rows[:, None] - found.count.astype(np.int64)
    return Curves(
        step=(found.first + found.last) // 2,
        first=found.first,
        last=found.last,
        mean={name: mean[:, i] for i, name in enumerate(columns)},
        low={name: low[:, i] for i, name in enumerate(columns)},
        high={name: high[:, i] for i, name in enumerate(columns)},
        non_finite={name: missing[:, i] for i, name in enumerate(columns)},
        bucket=size,
    )
