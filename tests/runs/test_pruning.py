from __future__ import annotations

import itertools

import pytest

from yolo_core.runs.snapshots import prune_snapshots, snapshot_path
from yolo_core.runs.store import RunStore

SIZE = 100_000


def record(store: RunStore, kind: str, steps: list[int]) -> None:
    for step in steps:
        path = snapshot_path(store.folder, kind, step)
        path.write_bytes(b"\0" * SIZE)
        for sample in ("val/0", "val/1"):
            store.record_snapshot(
                step, kind, sample, path, 1.0, terms={"xy": 1.0}, lambdas={"xy": 5.0}
            )


def left(store: RunStore, kind: str = "pinned") -> list[int]:
    on_disk = sorted(int(p.stem.split("-")[1]) for p in store.folder.snapshots.glob(f"{kind}-*"))
    assert [record.step for record in store.snapshots(kind, "val/0")] == on_disk
    return on_disk


def test_nothing_goes_while_there_is_room(store):
    record(store, "pinned", [0, 1, 2, 3])
    assert prune_snapshots(store, 0.4) == []
    assert left(store) == [0, 1, 2, 3]
    assert store.events() == []


def test_the_one_that_leaves_the_smallest_hole_goes_first(store):
    record(store, "pinned", [0, 1, 2, 3, 4, 5, 10, 20, 30, 40])
    # Ten take 1.0 MB; down to 0.71 takes three of them. The holes, from 1 + the step before to
    # 1 + the step after: 4 to 6, then 21 to 41, then 3 to 6.
    removed = prune_snapshots(store, 0.95)
    assert [path.name for path in removed] == [
        "pinned-00000004.npz",
        "pinned-00000030.npz",
        "pinned-00000003.npz",
    ]
    assert left(store) == [0, 1, 2, 5, 10, 20, 40]


def test_it_is_on_record_what_went(store):
    record(store, "pinned", [0, 10, 20, 30])
    record(store, "batch", [10, 20, 30])
    prune_snapshots(store, 0.5)
    (event,) = store.events()
    assert (event.step, event.kind) == (30, "snapshots-pruned")
    assert event.detail == {"pinned": [10, 20], "batch": [20], "megabytes": 0.5}
    assert left(store, "pinned") == [0, 30]
    assert left(store, "batch") == [10, 30]


def test_the_first_and_the_last_of_each_kind_always_stay(store):
    record(store, "pinned", [0, 10, 20, 30])
    prune_snapshots(store, 0.001)
    assert left(store) == [0, 30]
    assert prune_snapshots(store, 0.001) == []
    assert len(store.events()) == 1


def test_pruning_while_training_keeps_early_steps_dense_and_later_ones_evenly_thinned(store):
    due = [0, 1, 2, 4, 8, 16, 32, 64, *range(100, 10_001, 100)]
    for step in due:
        record(store, "pinned", [step])
        prune_snapshots(store, 4.0)
        assert left(store)[0] == 0
        assert left(store)[-1] == step
        assert len(left(store)) <= 40
    kept = left(store)
    assert len(kept) >= 25
    assert kept[:8] == [0, 1, 2, 4, 8, 16, 32, 64]
    # From there on no hole is much longer than another, measured by how far the training was.
    ratios = [(1 + b) / (1 + a) for a, b in itertools.pairwise(kept[8:])]
    assert max(ratios) <= 2.0
    # Room is made for a quarter at a time, so that not every snapshot brings an event.
    assert len(store.events()) <= 15
    gone = [step for event in store.events() for step in event.detail["pinned"]]
    assert sorted([*gone, *kept]) == due


def test_other_files_in_the_folder_are_left_alone(store):
    record(store, "pinned", [0, 10, 20])
    other = store.folder.snapshots / "my-notes.npz"
    other.write_bytes(b"\0" * SIZE * 10)
    assert prune_snapshots(store, 0.3) == []
    prune_snapshots(store, 0.2)
    assert other.exists()


def test_a_reader_may_not_prune(store):
    record(store, "pinned", [0, 10, 20])
    with (
        RunStore.open(store.folder) as reader,
        pytest.raises(ValueError, match="not open for writing"),
    ):
        prune_snapshots(reader, 0.001)
    assert left(store) == [0, 10, 20]


def test_a_missing_folder_is_a_sentence(store):
    store.folder.snapshots.rmdir()
    with pytest.raises(ValueError, match="snapshots cannot be read: No such file"):
        prune_snapshots(store, 1)
