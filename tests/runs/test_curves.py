from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yolo_core.runs import curves, database
from yolo_core.runs.database import BUCKET_SIZES
from yolo_core.runs.layout import RunFolder, create_run
from yolo_core.runs.store import RunStore

from .bucket_cases import assert_buckets_are_right, expected_buckets


def record(store: RunStore, first: int, values: list[float]) -> None:
    for step, value in enumerate(values, start=first):
        store.record_step(step, {"total": value, "term/xy": -value})
    store.flush()


def test_few_rows_come_as_they_were_recorded(store):
    record(store, 1, [4.0, math.nan, math.inf, 1.0])
    found = store.curves(points=4)
    assert found.bucket == 1
    assert found.step.tolist() == found.first.tolist() == found.last.tolist() == [1, 2, 3, 4]
    for part in (found.low, found.mean, found.high):
        np.testing.assert_array_equal(part["total"], [4.0, math.nan, math.inf, 1.0])
    assert found.non_finite["total"].tolist() == [0, 1, 1, 0]
    assert list(found.mean) == ["total", "term/xy", "lambda/xy"]


def test_many_rows_come_in_buckets_of_eight(store):
    record(store, 1, [float(value) for value in range(1, 21)])
    found = store.curves(["total"], points=19)
    assert found.bucket == 8
    assert found.first.tolist() == [1, 9, 17]
    assert found.last.tolist() == [8, 16, 20]
    assert found.step.tolist() == [4, 12, 18]
    assert found.low["total"].tolist() == [1, 9, 17]
    assert found.mean["total"].tolist() == [4.5, 12.5, 18.5]
    assert found.high["total"].tolist() == [8, 16, 20]
    assert found.non_finite["total"].tolist() == [0, 0, 0]


def test_buckets_leave_out_what_is_not_finite_but_count_it(store):
    record(store, 1, [1.0, math.nan, 3.0, math.inf, -math.inf, 5.0, math.nan, 7.0] + [math.nan] * 8)
    found = store.curves(["total"], points=2)
    assert found.bucket == 8
    np.testing.assert_array_equal(found.low["total"], [1.0, math.nan])
    np.testing.assert_array_equal(found.mean["total"], [4.0, math.nan])
    np.testing.assert_array_equal(found.high["total"], [7.0, math.nan])
    assert found.non_finite["total"].tolist() == [4, 8]


@pytest.mark.parametrize(
    ("points", "bucket", "count"),
    [
        (1000, 1, 1000),
        (999, 8, 125),
        (125, 8, 125),
        (124, 32, 32),
        (31, 128, 8),
        (7, 512, 2),
        (1, 2048, 1),
    ],
)
def test_the_finest_level_that_fits_is_taken(store, points, bucket, count):
    record(store, 1, [1.0] * 1000)
    found = store.curves(points=points)
    assert (found.bucket, len(found.step)) == (bucket, count)


def test_a_range_includes_the_buckets_that_lie_over_its_ends(store):
    record(store, 1, [float(value) for value in range(1, 101)])
    raw = store.curves(["total"], first=10, last=12)
    assert (raw.bucket, raw.mean["total"].tolist()) == (1, [10, 11, 12])
    found = store.curves(["total"], first=10, last=40, points=5)
    assert found.bucket == 8
    assert found.first.tolist() == [9, 17, 25, 33]
    assert store.curves(first=500).step.tolist() == []
    assert store.curves(first=50, last=20).step.tolist() == []
    with pytest.raises(ValueError, match="points must be at least 1; received 0"):
        store.curves(points=0)


def test_nothing_recorded_is_nothing_drawn(store):
    found = store.curves()
    assert found.step.shape == (0,)
    assert found.mean["total"].shape == (0,)


@pytest.mark.parametrize("points", [1500, 10])
def test_only_the_columns_asked_for_are_read(store, points):
    record(store, 1, [1.0] * 100)
    with RunStore.open(store.folder) as reader:
        read = set()

        def note(action: int, _table: str | None, column: str | None, *_: object) -> int:
            if action == 20:  # SQLITE_READ
                read.add(column)
            return 0

        reader._connection.set_authorizer(note)
        reader.curves(["total"], points=points)
    assert "term/xy" not in {str(column).split("|")[0] for column in read}
    assert "total" in {str(column).split("|")[0] for column in read}


def test_a_mean_of_huge_numbers_stays_finite_and_equal_ones_keep_their_mean(store):
    record(store, 1, [1.7e308] * 8 + [0.1] * 8)
    found = store.curves(["total"], points=2)
    assert found.mean["total"].tolist() == [1.7e308, 0.1]


numbers = st.one_of(
    st.floats(-1e6, 1e6), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e300, -1e300])
)
rows = st.tuples(st.just("rows"), st.integers(0, 120), st.lists(numbers, min_size=1, max_size=6))
cuts = st.tuples(st.just("cut"), st.floats(0, 1), st.none())
reopenings = st.tuples(st.just("reopen"), st.none(), st.none())


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.lists(st.one_of(rows, rows, cuts, reopenings), max_size=8))
def test_every_bucket_equals_its_rows_whatever_happens(actions):
    """Rows in batches of any size, cuts anywhere, new writers: the buckets are always right."""
    with tempfile.TemporaryDirectory() as place:
        store = RunStore.create(create_run(Path(place), "a-1"), ["total"])
        last = 0
        for action, amount, values in actions:
            if action == "rows":
                for i in range(amount):
                    last += 1
                    store.record_step(last, {"total": values[i % len(values)] + i})
                store.flush()
            elif action == "cut":
                last = int(last * amount)
                store.truncate_after(last)
            else:
                store.close()
                store = RunStore.open(store.folder, writable=True)
        assert_buckets_are_right(store)
        store.close()


@pytest.mark.slow
def test_cutting_inside_every_level_repairs_every_level(store):
    for step in range(1, 3001):
        store.record_step(step, {"total": math.sin(step), "term/xy": step % 7})
    for step in (2999, 2561, 2560, 2049, 2048, 513, 512, 9, 8, 1):
        store.truncate_after(step)
        assert_buckets_are_right(store)
        record(store, step + 1, [0.25] * 20)
        assert_buckets_are_right(store)


def test_steps_with_gaps_are_bucketed_by_their_number(store):
    for step in (1, 8, 9, 40, 1000):
        store.record_step(step, {"total": step})
    assert_buckets_are_right(store)
    found = store.curves(["total"], points=200)
    assert (found.bucket, found.first.tolist()) == (8, [1, 9, 40, 1000])


def million(folder: RunFolder) -> np.ndarray:
    """Fills a new run with a million steps as fast as SQLite can; returns the totals."""
    steps = np.arange(1, 1_000_001)
    total = np.sin(steps / 1000) + steps % 13
    total[::1000] = math.nan
    RunStore.create(folder, ["total", "term/xy"]).close()
    connection = database.connect(folder.database, writable=True)
    writer = curves.BucketWriter(connection, ["total", "term/xy"])
    for start in range(0, 1_000_000, 250_000):
        part = slice(start, start + 250_000)
        values = np.stack([total[part], -total[part]], axis=1)
        with database.transaction(connection, write=True):
            connection.executemany(
                'INSERT INTO steps (step, time, total, "term/xy") VALUES (?, 0, ?, ?)',
                zip(steps[part].tolist(), *values.T.tolist(), strict=True),
            )
            writer.keep(writer.write(steps[part], values))
    connection.close()
    return total


def counted(store: RunStore) -> list[None]:
    """Gets longer with every thousand instructions that SQLite carries out for the store."""
    spent: list[None] = []
    store._connection.set_progress_handler(lambda: spent.append(None), 1000)
    return spent


@pytest.mark.slow
def test_a_million_steps_are_looked_at_without_reading_them(folder):
    total = million(folder)
    with RunStore.open(folder) as reader:
        spent = counted(reader)
        whole = reader.curves()
        near = reader.curves(["total"], first=500_001, last=501_000)
        middle = reader.curves(["total"], first=400_000, last=500_000)
        assert len(spent) < 100
        reader.steps(last=100_000, columns=["total"])
        assert len(spent) > 500, "a tenth of the rows, read one by one"
    assert (whole.bucket, len(whole.step)) == (2048, 489)
    assert (near.bucket, len(near.step)) == (1, 1000)
    assert (middle.bucket, len(middle.step)) == (128, 783)
    np.testing.assert_array_equal(near.mean["total"], total[500_000:501_000])
    expected = expected_buckets(np.arange(1, 1_000_001)[:4096], total[:4096], 2048)
    assert whole.mean["total"][0] == pytest.approx(expected[0][5], rel=1e-12)
    assert whole.non_finite["total"][:2].tolist() == [2048 - expected[0][3], 2048 - expected[1][3]]
    with RunStore.open(folder, writable=True) as store:
        spent = counted(store)
        store.truncate_after(999_990)
        store.record_step(999_991, {"total": 1.0})
        assert store.curves(["total"], first=999_985).non_finite["total"].tolist() == [0] * 7
        assert len(spent) < 100
    assert BUCKET_SIZES[-1] == 131072
