"""Buckets computed the slow and obvious way, to hold the store's against."""

from __future__ import annotations

import sqlite3

import numpy as np

from yolo_core.runs.database import BUCKET_SIZES
from yolo_core.runs.store import RunStore


def expected_buckets(steps: np.ndarray, values: np.ndarray, size: int) -> dict[int, list[float]]:
    """{bucket: [first, last, rows, count, low, mean, high]} of one column, None for no value."""
    table = {}
    for bucket in sorted({(int(step) - 1) // size for step in steps}):
        inside = (steps - 1) // size == bucket
        finite = values[inside][np.isfinite(values[inside])].astype(np.longdouble)
        empty = not len(finite)
        table[bucket] = [
            int(steps[inside].min()),
            int(steps[inside].max()),
            int(inside.sum()),
            len(finite),
            None if empty else float(finite.min()),
            None if empty else float(finite.mean()),
            None if empty else float(finite.max()),
        ]
    return table


def assert_buckets_are_right(store: RunStore) -> None:
    """Every bucket of every level equals what the raw rows say."""
    table = store.steps()
    connection = sqlite3.connect(f"file:{store.folder.database}?mode=ro", uri=True)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    for size in BUCKET_SIZES:
        for column in store.columns:
            names = ["bucket", "first", "last", "rows"]
            names += [f"{column}|{part}" for part in ("count", "low", "mean", "high")]
            quoted = ", ".join(f'"{name}"' for name in names)
            rows = connection.execute(f"SELECT {quoted} FROM buckets_{size} ORDER BY bucket")
            found = {row[0]: list(row[1:]) for row in rows}
            expected = expected_buckets(table["step"], table[column], size)
            assert found.keys() == expected.keys()
            for bucket, row in expected.items():
                got = found[bucket]
                assert got[:3] == row[:3]
                assert (got[3] or 0) == row[3]
                if row[3] == 0:
                    assert got[4:] == [None, None, None]
                else:
                    assert [got[4], got[6]] == [row[4], row[6]]
                    assert got[4] <= got[5] <= got[6]
                    scale = max(abs(row[4]), abs(row[6]))
                    assert abs(got[5] - row[5]) <= 1e-12 * scale
    connection.close()
