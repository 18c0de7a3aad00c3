"""Snapshot files of another making: refused in a sentence, and no dearer than their bytes."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest

from yolo_core.assignment import ObjectStatus
from yolo_core.runs import array_files, snapshots
from yolo_core.runs.snapshots import read_snapshot, snapshot_path, write_snapshot

from .snapshot_cases import assert_same, make_snapshot


@pytest.fixture
def file(folder):
    return snapshot_path(folder, "pinned", 120)


def crafted(file, meta=None, **arrays) -> None:
    """Writes a good snapshot, and over it parts of another making."""
    write_snapshot(file, make_snapshot())
    with np.load(file) as whole:
        good = dict(whole)
    words = json.loads(good["meta"].tobytes()) | (meta or {})
    good["meta"] = np.frombuffer(json.dumps(words).encode(), np.uint8)
    np.savez(file, **good | {name.replace("_in_", "."): each for name, each in arrays.items()})


NAN, INFINITE = np.full((2, 3, 7), np.nan, np.float32), np.full((2, 3, 7), np.inf, np.float32)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"maps_in_0": np.zeros((2, 12), "M8[s]")}, r"maps\.0: expected an array of numbers"),
        (
            {"y_pred": np.full((2, 12, 7), "x")},
            "y_pred: expected an array of numbers; received <U1",
        ),
        ({"y_true": INFINITE}, "y_true must hold finite boxes"),
        ({"y_true": NAN}, "y_true must hold finite boxes"),
        ({"keep": np.zeros((2, 12), np.int32)}, "keep must hold truth values; received int32"),
        (
            {"assignment_in_object_slot": np.full((2, 3, 1), 10**6, np.int32)},
            "object_slot must be at most 11; received 1000000",
        ),
        (
            {"assignment_in_object_slot": np.full((2, 3, 1), -2, np.int32)},
            "object_slot must be -1 or more; received -2",
        ),
        (
            {"assignment_in_object_status": np.full((2, 3, 1), 8, np.int32)},
            "object_status must be at most 7; received 8",
        ),
        (
            {"assignment_in_matched_object": np.full((2, 12), 3, np.int32)},
            "matched_object must be at most 2; received 3",
        ),
        (
            {"assignment_in_matched_object": np.full((2, 12), 2, np.int32)},
            "matched_object must name rows of y_true that hold an object",
        ),
        (
            {"assignment_in_candidate_slots": np.zeros((2, 3, 1, 2), np.float32)},
            "candidate_slots must hold whole numbers; received float32",
        ),
        (
            {"assignment_in_object_slot": np.zeros((2, 3, 0), np.int32)},
            r"object_slot must have shape \(2, 3, 1\); received \(2, 3, 0\)",
        ),
        ({"layout_in_row": np.zeros(12, np.int32)}, r"layout row must be that of the grids"),
        ({"targets_in_0": np.zeros((2, 12), np.float32)}, "targets overlap must have shape"),
        ({"predictions_in_2": np.zeros((2, 12, 9), np.float32)}, "class_probabilities must have"),
        ({"gradients_in_0_in_rows": np.full(2, 99, np.int32)}, "out of bounds"),
        ({"meta": {"class_names": ["zero", True]}}, "class_names must be a list of texts"),
        ({"meta": {"samples": [None, "val/1"]}}, "samples must be a list of texts"),
        (
            {"meta": {"channels": ["x", "y", "w", "h", "objectness", "class 0", "class 2"]}},
            "class 2",
        ),
        ({"meta": {"class_names": []}}, "class_names must not be empty"),
        ({"images": np.zeros((2, 0, 8, 1), np.uint8)}, "images must be"),
        ({"meta": {"kind": "cGlubmVk"}}, "kind must be pinned or batch"),
        ({"meta": {"kind": ["pinned"]}}, "kind must be pinned or batch"),
        ({"meta": {"loss_name": 3}}, "loss_name must be a list of texts"),
        ({"meta": {"candidate_measure": None}}, "candidate_measure must be a list of texts"),
        ({"meta": {"step": float("inf")}}, "step must be a whole number of at least 0"),
        ({"meta": {"step": -1}}, "step must be a whole number of at least 0"),
        ({"meta": {"thresholds": {"ignore_threshold": "x"}}}, "thresholds must be numbers"),
        ({"meta": {"ignore_rule": 7}}, "ignore_rule must be an object or a text; received 7"),
        ({"meta": {"ignore_rule": {"kind": "odd"}}}, "the kind of IgnoreRule.* is wrong"),
        ({"meta": {"ignore_rule": {"color": "red"}}}, "unexpected keyword argument 'color'"),
        (
            {"meta": {"ignore_rule": {"kind": "predicted_box", "threshold": "x"}}},
            "the threshold of IgnoreRule.* is wrong",
        ),
        (
            {"meta": {"ignore_rule": {"kind": "hard_negatives", "ratio": float("inf")}}},
            "the ratio of IgnoreRule.* is wrong",
        ),
        (
            {
                "meta": {
                    "ignore_rule": "the rule ignores from IoU 0.50 on",
                    "thresholds": {"ignore_threshold": "x"},
                }
            },
            "thresholds must be numbers",
        ),
        ({"meta": {"grids": [[2, 3, 2.0]]}}, "grids must have 12 slots"),
        ({"meta": {"grids": [[-2, -3, 2]]}}, "grids must have 12 slots"),
    ],
)
def test_a_crafted_snapshot_is_refused_when_it_is_read(file, parts, sentence):
    crafted(file, **parts)
    with pytest.raises(ValueError, match=sentence) as refused:
        read_snapshot(file)
    assert str(refused.value).startswith(f"{file} is damaged, half-written or no snapshot (")


def test_gradients_are_not_unpacked_beyond_what_is_kept_in_memory(file, monkeypatch):
    monkeypatch.setattr(snapshots, "_MOST_GRADIENTS", 5 * 2 * 12 * 7 - 1)
    write_snapshot(file, make_snapshot())
    with pytest.raises(ValueError, match=r"5 gradients of \(2, 12, 7\) are more than is kept"):
        read_snapshot(file)


def test_a_label_that_cannot_be_used_may_hold_anything(file):
    status = np.full((2, 3, 1), ObjectStatus.INVALID, np.int32)
    crafted(file, y_true=INFINITE, assignment_in_object_status=status)
    assert read_snapshot(file).sample("val/0").objects.tolist() == [0, 1, 2]


def test_a_training_does_not_end_for_a_number_that_cannot_be_shown(file):
    snapshot = make_snapshot()
    snapshot.breakdown.assignment.match_count[:] = -1
    write_snapshot(file, snapshot)
    with pytest.raises(ValueError, match="match_count must be 0 or more; received -1"):
        read_snapshot(file)


def test_a_file_that_unpacks_to_more_than_it_is_costs_nothing(file, monkeypatch):
    """20 MB of zeros in 20 KB here; of 2 GB in 9 MB the page's process took as much."""
    monkeypatch.setattr(array_files, "SMALL", 1_000_000)
    write_snapshot(file, make_snapshot())
    with np.load(file) as whole:
        np.savez_compressed(file, **dict(whole), zeros=np.zeros(20_000_000, np.uint8))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"is no snapshot: its [\d,]+ bytes would unpack to 20,0"):
        read_snapshot(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_small_file_may_have_been_compressed(file):
    write_snapshot(file, make_snapshot())
    with np.load(file) as whole:
        np.savez_compressed(file, **dict(whole))
    assert_same(read_snapshot(file), make_snapshot())


def test_what_is_not_part_of_a_snapshot_is_not_read(file):
    write_snapshot(file, make_snapshot())
    with np.load(file) as whole:
        np.savez(file, **dict(whole), zeros=np.zeros(20_000_000, np.uint8))
    tracemalloc.start()
    assert_same(read_snapshot(file), make_snapshot())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000
