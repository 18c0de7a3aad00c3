"""Rate, training time and time left: of the steps after those that compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from yolo_core.runs.layout import create_run
from yolo_core.runs.status import RunState, RunStatus
from yolo_core.runs.store import RunStore
from yolo_core.training import progress
from yolo_core.training.progress import Progress, Totals

COLUMNS = ("total", "learning_rate", "images_per_second", "recall_current", "recall_average")
VALUES = {"total": 1.0, "recall_current": 0.5, "learning_rate": 0.01}
WITH, WITHOUT = "with a snapshot", "without a snapshot"
STEPS, BATCH = 1000, 16

Step = Callable[..., RunStatus]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore.create(create_run(tmp_path, "one"), COLUMNS) as store:
        store.set_status(state=RunState.RUNNING, steps=STEPS)
        yield store


@pytest.fixture
def take(store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Step]:
    """take(3, 0.1): step 3 takes 0.1 seconds; gives the status after it."""
    made = Progress(
        store, steps=STEPS, batch_size=BATCH, tensorboard=tmp_path / "tb", totals=Totals()
    )
    now = 0.0
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now)

    def take(step: int, seconds: float, *, snapshot: bool = False) -> RunStatus:
        nonlocal now
        made.begin_step(WITH if snapshot else WITHOUT)
        now += seconds
        made.end_step(step, VALUES)
        store.flush()
        return store.status()

    yield take
    made.close()


def test_the_steps_that_compile_count_neither_as_training_time_nor_in_the_rate(take):
    # As trained: steps 1, 2, 4 and 8 have a snapshot, and each of the two kinds compiles once.
    take(1, 30.0, snapshot=True)
    take(2, 0.1, snapshot=True)
    take(3, 20.0)
    take(4, 0.1, snapshot=True)
    for step in range(5, 12):
        status = take(step, 0.1)
    assert (status.images_per_second, status.seconds_left(BATCH)) == (None, None)
    status = take(12, 0.1)
    assert status.images_per_second == pytest.approx(160)
    assert status.seconds == pytest.approx(1.0)
    assert status.seconds_left(BATCH) == pytest.approx(98.8)


def test_a_process_that_resumes_compiles_again(take, store):
    store.set_status(images_per_second=160.0)
    assert take(501, 30.0).images_per_second is None
    for step in range(502, 511):
        assert take(step, 0.2).images_per_second is None
    status = take(511, 0.2)
    assert status.images_per_second == pytest.approx(80)
    assert status.seconds_left(BATCH) == pytest.approx(489 * 0.2)
    # The first one with a snapshot: another compiled step.
    status = take(512, 25.0, snapshot=True)
    assert (status.images_per_second, status.seconds) == pytest.approx((80, 2.0))


def test_it_says_what_compiles_until_the_step_is_there(store, tmp_path):
    made = Progress(
        store, steps=STEPS, batch_size=BATCH, tensorboard=tmp_path / "other", totals=Totals()
    )
    made.begin_step(WITH)
    assert store.status().message == "Compiling the first step with a snapshot."
    made.end_step(1, VALUES)
    made.begin_step(WITH)
    assert store.status().message == ""
    made.end_step(2, VALUES)
    made.begin_step(WITHOUT)
    assert store.status().message == "Compiling the first step without a snapshot."
    made.close()
