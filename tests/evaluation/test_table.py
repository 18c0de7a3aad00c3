"""The file of an evaluation: what is written is read, and what is not one is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.rows import random_scene
from yolo_core.evaluation.metrics import Detections, Objects, coco_scores
from yolo_core.evaluation.table import EvaluationTable, read_table, rows_of, write_table


def made_table(seed: int = 0) -> EvaluationTable:
    seen, there = random_scene(seed)
    slots = [np.arange(len(each.scores)) for each in seen]
    found, truth = rows_of(seen, there, slots)
    return EvaluationTable(
        step=7,
        split="test",
        of=20,
        loss_name="a loss",
        class_names=("0", "1", "2"),
        image_size=(96, 64),
        grids=((4, 6, 3),),
        samples=tuple(f"test/{index}" for index in range(len(there))),
        losses={"total": 1.5, "term/xy": 0.25},
        scores=coco_scores(seen, there, num_classes=3, image_size=(96, 64)),
        found=found,
        truth=truth,
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    table = made_table()
    write_table(tmp_path / "table.npz", table)
    again = read_table(tmp_path / "table.npz")
    for part in ("found", "truth"):
        for name, column in vars(getattr(table, part)).items():
            np.testing.assert_array_equal(getattr(getattr(again, part), name), column)
    same = {"found": table.found, "truth": table.truth}
    assert dataclasses.replace(again, **same) == table


def test_of_a_sample_the_surest_detection_comes_first_with_its_slot() -> None:
    boxes = np.array([[0.5, 0.5, 0.1, 0.1]] * 3)
    seen = Detections(boxes, np.array([0.2, 0.9, np.nan]), np.array([0, 1, 0]))
    nothing = Objects(boxes[:0], np.zeros(0))
    there = Objects(boxes[:1], np.array([2]), boxes[:1], np.array([1]))
    empty = Detections(boxes[:0], np.zeros(0), np.zeros(0))
    found, truth = rows_of([empty, seen], [nothing, there], [np.zeros(0), np.array([30, 10, 20])])
    assert found.sample.tolist() == [1, 1]
    assert found.slot.tolist() == [10, 30]
    assert found.class_index.tolist() == [1, 0]
    assert truth.index.tolist() == [0, -1]
    assert truth.class_index.tolist() == [2, 1]
    assert truth.ignored.tolist() == [False, True]


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("found", {"sample": np.array([9])}, "found.sample must be at most 5; received 9"),
        ("found", {"slot": np.array([72])}, "found.slot must be at most 71; received 72"),
        ("found", {"score": np.array([np.nan])}, "found.score must be finite"),
        ("truth", {"class_index": np.array([3])}, "class_index must be at most 2; received 3"),
        ("truth", {"box": np.zeros((1, 3))}, r"truth.box must have shape \(1, 4\)"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, part: str, change: dict, message: str) -> None:
    table = made_table()
    rows = getattr(table, part)
    one = {name: column[:1] for name, column in vars(rows).items()}
    table = dataclasses.replace(table, **{part: type(rows)(**(one | change))})
    write_table(tmp_path / "table.npz", table)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "table.npz")


def test_a_file_that_is_cut_or_missing(tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    with pytest.raises(ValueError, match="does not exist"):
        read_table(path)
    write_table(path, made_table())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="is damaged, half-written or no evaluation"):
        read_table(path)
