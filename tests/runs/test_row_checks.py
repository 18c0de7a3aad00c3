"""A bit that turned inside a number of a step row is noticed when the row is read."""

from __future__ import annotations

import math
import sqlite3
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_core.runs.layout import RunFolder, create_run
from yolo_core.runs.row_checks import COLUMN, row_checks
from yolo_core.runs.store import RunStore

COLUMNS = ("total", "term/xy")
ROWS = {1: (3.25, -0.0), 2: (math.nan, math.inf), 3: (0.7001953125, 1e300), 4: (-2.0, 0.5)}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = create_run(tmp_path / "checkpoints", "one")
    with RunStore.create(folder, COLUMNS) as store:
        for step, values in ROWS.items():
            store.record_step(step, dict(zip(COLUMNS, values, strict=True)))
    return folder


def turn_a_bit(folder: RunFolder, number: float) -> None:
    """In the one place of the file where that number stands."""
    with sqlite3.connect(folder.database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(folder.database.read_bytes())
    written = struct.pack(">d", number)
    # Buckets hold the number, too: the row of the step comes with its neighbour.
    at = content.index(written + struct.pack(">d", 1e300))
    content[at + 3] ^= 1
    folder.database.write_bytes(content)


def test_what_is_recorded_reads_as_it_was(folder: RunFolder) -> None:
    with RunStore.open(folder) as store:
        rows = store.steps()
        assert store.columns == COLUMNS
        curves = store.curves()
    for place, name in enumerate(COLUMNS):
        np.testing.assert_array_equal(rows[name], [values[place] for values in ROWS.values()])
        np.testing.assert_array_equal(curves.mean[name], rows[name])


def test_a_turned_bit_is_told_with_its_step(folder: RunFolder) -> None:
    turn_a_bit(folder, 0.7001953125)
    with RunStore.open(folder) as store:
        for read in (store.steps, store.curves, lambda: store.steps(3, 3)):
            with pytest.raises(ValueError, match=r"run\.db is damaged: .*step 3 is not what was"):
                read()
        assert store.steps(1, 2)["step"].tolist() == [1, 2], "the others are sound"
        # A row is checked as a whole, so this reads no more than was asked for.
        assert store.steps(3, 3, ["term/xy"])["term/xy"].tolist() == [1e300]


def test_a_column_that_comes_later_leaves_the_rows_before_it_sound(folder: RunFolder) -> None:
    with RunStore.open(folder, writable=True) as store:
        store.add_columns(["later"])
        store.record_step(5, {"total": 1.0, "later": 2.0})
        assert store.columns == (*COLUMNS, "later")
        np.testing.assert_array_equal(store.steps()["later"], [math.nan] * 4 + [2.0])


def test_a_run_from_before_has_no_checks_and_goes_on_without(folder: RunFolder) -> None:
    with sqlite3.connect(folder.database) as connection:
        connection.execute(f'ALTER TABLE steps DROP COLUMN "{COLUMN}"')
    with RunStore.open(folder, writable=True) as store:
        store.record_step(5, {"total": 1.0})
        store.truncate_after(4)
        store.record_step(5, {"total": 7.0})
        assert store.steps()["total"].tolist()[3:] == [-2.0, 7.0]
        assert store.last_step()["total"] == 7.0


@given(
    st.lists(st.floats(allow_nan=False), min_size=3, max_size=6),
    st.integers(0, 63),
    st.data(),
)
def test_every_single_bit_counts(numbers: list[float], bit: int, data: st.DataObject) -> None:
    row = np.array([[1.0, 2.0, *numbers]]) + 0.0
    place = data.draw(st.integers(0, row.size - 1))
    other = row.copy()
    other.view(np.uint64)[0, place] ^= np.uint64(1) << np.uint64(bit)
    # Either sign of zero is kept as the same zero.
    if (other + 0.0).tobytes() != row.tobytes():
        assert row_checks(other) != row_checks(row)
