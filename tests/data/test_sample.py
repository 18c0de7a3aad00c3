"""Label rows and sample names."""

from __future__ import annotations

import numpy as np
import pytest

from yolo_core.data.sample import label_rows, split_name


def test_label_rows_are_flag_box_and_one_hot_class_then_padding() -> None:
    boxes = np.array([[0.5, 0.25, 0.5, 0.125], [0.75, 0.5, 0.25, 1.0]])
    rows = label_rows(boxes, np.array([2, 0]), num_classes=3, max_objects=3)
    assert rows.dtype == np.float32
    assert rows.tolist() == [
        [1, 0.5, 0.25, 0.5, 0.125, 0, 0, 1],
        [1, 0.75, 0.5, 0.25, 1.0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
    ]


def test_no_objects_is_all_padding() -> None:
    rows = label_rows(np.zeros((0, 4)), np.zeros(0), num_classes=3, max_objects=2)
    assert rows.tolist() == [[0] * 8] * 2


def test_objects_that_do_not_fit_get_a_sentence() -> None:
    box = [[0.5, 0.5, 0.5, 0.5]]
    with pytest.raises(ValueError, match="2 objects do not fit in 1 label rows"):
        label_rows(np.array(box * 2), np.array([0, 0]), num_classes=3, max_objects=1)


def test_an_object_of_an_unknown_class_keeps_its_row() -> None:
    boxes = np.array([[0.5, 0.5, 0.5, 0.5]] * 3)
    rows = label_rows(boxes, np.array([3, 1, -1]), num_classes=3, max_objects=3)
    assert rows[:, 0].tolist() == [1, 1, 1]
    assert rows[:, 5:].tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_names() -> None:
    assert split_name("val/3") == ("val", 3)
    assert split_name("train/170") == ("train", 170)


@pytest.mark.parametrize(
    "name", ["val", "val/", "/3", "val/-1", "val/1.0", "val/1/2", "dev/1", "val/٣", "", "val/ 1"]
)
def test_other_names_get_a_sentence(name: str) -> None:
    with pytest.raises(ValueError, match="such as val/3; received"):
        split_name(name)
