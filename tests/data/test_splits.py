"""Train, val and test: those of the format, and by share what it has none of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from yolo_core.data.pictures import AnnotatedPictures
from yolo_core.data.splits import split_up


def data_set(count: int, splits: Mapping[str, list[int]] | None = None) -> AnnotatedPictures:
    """Pictures "0.jpg", "1.jpg", ... without objects."""
    none, edges = np.zeros(0, np.int32), np.zeros((0, 4), np.float32)
    return AnnotatedPictures(
        name="voc:set",
        folder=Path("set"),
        classes=("kite",),
        files=tuple(f"{index}.jpg" for index in range(count)),
        sizes=np.full((count, 2), 8, np.int32),
        splits={
            name: tuple(f"{index}.jpg" for index in listed)
            for name, listed in (splits or {}).items()
        },
        box_picture=none,
        box_edges=edges,
        box_class=none,
        box_difficult=np.zeros(0, bool),
        ignored_picture=none,
        ignored_edges=edges,
        ignored_class=none,
        problems=(),
        read_picture=lambda _: np.zeros((8, 8, 3), np.uint8),
    )


def parts(data: AnnotatedPictures, seed: int = 0) -> dict[str, list[int]]:
    return {name: found.tolist() for name, found in split_up(data, seed).indices.items()}


def test_splits_of_the_format_are_taken_as_they_are() -> None:
    data = data_set(6, {"train": [3, 0, 1], "val": [2], "test": [5, 4]})
    assert parts(data) == {"train": [3, 0, 1], "val": [2], "test": [5, 4]}
    assert split_up(data).notes == ()


def test_a_data_set_with_train_and_val_alone_has_no_test() -> None:
    assert parts(data_set(3, {"train": [0, 1], "val": [2], "test": []})) == {
        "train": [0, 1],
        "val": [2],
    }


def test_valid_is_val() -> None:
    data = data_set(3, {"train": [0, 1], "valid": [2]})
    assert parts(data) == {"train": [0, 1], "val": [2]}
    assert split_up(data).notes == ("valid is taken as val.",)


def test_trainval_is_train_without_val_and_test() -> None:
    data = data_set(6, {"trainval": [0, 1, 2, 3], "val": [3], "test": [4, 5]})
    assert parts(data) == {"train": [0, 1, 2], "val": [3], "test": [4, 5]}
    assert split_up(data).notes == (
        "There is no split train: trainval is taken without what is in val or test.",
    )


def test_without_splits_eight_of_ten_are_trained_on() -> None:
    data = data_set(50)
    found = parts(data)
    assert {name: len(part) for name, part in found.items()} == {"train": 40, "val": 5, "test": 5}
    assert sorted(each for part in found.values() for each in part) == list(range(50))
    assert split_up(data).notes == (
        "The data set has no splits: pictures are dealt out by seed 0, 40 train, 5 val, 5 test.",
    )
    assert found == parts(data)
    assert found != parts(data, seed=1)


def test_a_picture_more_moves_few_others() -> None:
    before, after = parts(data_set(50)), parts(data_set(51))
    assert len(set(before["val"]) ^ set(after["val"])) <= 2
    assert len(set(before["train"]) ^ set(after["train"])) <= 5


def test_a_lone_val_is_dealt_out() -> None:
    data = data_set(10, {"val": list(range(10))})
    assert {name: len(part) for name, part in parts(data).items()} == {
        "train": 8,
        "val": 1,
        "test": 1,
    }
    assert "only val" in split_up(data).notes[0]


def test_without_val_a_tenth_of_train_is_taken_for_it() -> None:
    data = data_set(22, {"train": list(range(20)), "test": [20, 21]})
    found = parts(data)
    assert len(found["val"]) == 2
    assert sorted(found["train"] + found["val"]) == list(range(20))
    assert found["test"] == [20, 21]


def test_few_pictures_are_enough_for_each_part_and_one_is_for_training() -> None:
    assert {name: len(part) for name, part in parts(data_set(3)).items()} == {
        "train": 1,
        "val": 1,
        "test": 1,
    }
    assert parts(data_set(1)) == {"train": [0]}


def test_pictures_in_two_parts_or_none_are_said() -> None:
    data = data_set(4, {"train": [0, 1, 2], "val": [2]})
    assert split_up(data).notes == (
        "Pictures in both train and val: 1.",
        "Pictures in none of train, val, and so not used: 1.",
    )
