"""Label rows sorted into usable ones and the reasons against the others."""

import numpy as np
import pytest

from tests.losses.loss_table import PADDING, images, label
from yolo_core.assignment import ObjectStatus
from yolo_core.losses.labels import first_and_last, owning_cell, read_labels, same_slot
from yolo_core.losses.slot_axis import (
    add_to_slots,
    best_candidates,
    first_best,
    gather_candidates,
    object_of_slot,
    spread_to_slots,
)


def status_of(row, **options):
    labels = read_labels(np.asarray([[row]], np.float32), **options)
    assert bool(labels.usable[0, 0]) == (int(labels.status[0, 0]) == ObjectStatus.MATCHED)
    return ObjectStatus(int(labels.status[0, 0]))


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((0.5, 0.5, 0.1, 0.1), ObjectStatus.MATCHED),
        ((0.0, 0.0, 0.1, 0.1), ObjectStatus.MATCHED),
        ((1.0, 1.0, 0.1, 0.1), ObjectStatus.MATCHED),
        ((0.5, 0.5, 3.0, 3.0), ObjectStatus.MATCHED),  # larger than the picture
        ((0.5, 0.5, 1e-30, 1e-30), ObjectStatus.MATCHED),  # its area is 0 in float32
        ((-1e-7, 0.5, 0.1, 0.1), ObjectStatus.OUTSIDE),
        ((0.5, 1.0000001, 0.1, 0.1), ObjectStatus.OUTSIDE),
        ((0.5, 0.5, 0.0, 0.1), ObjectStatus.ZERO_AREA),
        ((0.5, 0.5, 0.1, -0.1), ObjectStatus.ZERO_AREA),
        ((0.5, 0.5, -0.0, 0.1), ObjectStatus.ZERO_AREA),
        ((np.nan, 0.5, 0.1, 0.1), ObjectStatus.INVALID),
        ((0.5, 0.5, 0.1, -np.inf), ObjectStatus.INVALID),
        ((0.5, 2e6, 0.1, 0.1), ObjectStatus.INVALID),
        # Several reasons: the one that says most about the row.
        ((-1.0, np.nan, 0.0, 0.1), ObjectStatus.INVALID),
        ((-1.0, 0.5, 0.0, 0.1), ObjectStatus.ZERO_AREA),
    ],
)
def test_status_of_a_row(box, expected):
    assert status_of(label(*box)) == expected


def test_rows_without_a_class_and_rows_of_padding():
    assert status_of(label(0.5, 0.5, 0.1, 0.1, cls=-1)) == ObjectStatus.INVALID
    assert status_of(label(0.5, 0.5, 0.1, 0.1, flag=0.0)) == ObjectStatus.PADDING
    assert status_of(label(np.nan, 0.5, 0.1, 0.1, flag=0.0)) == ObjectStatus.PADDING
    assert status_of(label(0.5, 0.5, 0.1, 0.1, flag=np.nan)) == ObjectStatus.INVALID
    assert status_of(PADDING) == ObjectStatus.PADDING


def test_a_centre_on_one_can_be_dropped_as_the_notebook_does():
    assert status_of(label(1.0, 0.5, 0.1, 0.1), drop_centre_on_one=True) == ObjectStatus.OUTSIDE
    assert status_of(label(0.99999994, 0.5, 0.1, 0.1), drop_centre_on_one=True).is_matched


def test_unusable_rows_are_safe_to_compute_with():
    bad = label(np.nan, np.inf, -1.0, np.nan, cls=2)
    labels = read_labels(images([bad, label(0.25, 0.5, 0.125, 0.75, cls=2)]))
    assert labels.boxes[0].numpy().tolist() == [[0] * 4, [0.25, 0.5, 0.125, 0.75], [0] * 4]
    assert labels.one_hot[0].numpy().tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert labels.classes[0].numpy().tolist() == [0, 2, 0]


@pytest.mark.parametrize("cells", [6, 7, 10, 13, 19, 26, 52])
def test_a_centre_on_a_border_belongs_to_the_cell_that_begins_there(cells):
    borders = np.arange(cells, dtype=np.float64) / cells
    assert owning_cell(borders.astype(np.float32), cells).numpy().tolist() == list(range(cells))


def test_the_ends_of_the_grid():
    assert owning_cell(np.float32([0.0, 0.99999994, 1.0, 1.5, -0.5]), 6).numpy().tolist() == [
        *(0, 5, 5),
        *(5, 0),  # such centres are unusable, but an index must stay inside
    ]


def test_first_and_last_of_those_that_want_one_slot():
    slots = np.asarray([[4, 7, 4, 4, 7]], np.int32)
    usable = np.asarray([[True, True, True, False, False]])
    first, last = first_and_last(same_slot(slots, usable))
    assert first[0].numpy().tolist() == [0, 1, 0, 5, 5]
    assert last[0].numpy().tolist() == [2, 1, 2, -1, -1]


def test_between_objects_and_slots():
    slots = np.asarray([[2, 0, 2]], np.int32)
    summed = add_to_slots(np.float32([[1.0, 10.0, 100.0]]), slots, 4)
    assert summed[0].numpy().tolist() == [10, 0, 101, 0]
    owner = object_of_slot(slots, np.asarray([[False, True, True]]), 4)
    assert owner[0].numpy().tolist() == [1, -1, 2, -1]
    spread = spread_to_slots(np.float32([[5.0, 6.0, 7.0]]), owner, -9.0)
    assert spread[0].numpy().tolist() == [6, -9, 7, -9]
    pairs = spread_to_slots(np.float32([[[1, 2], [3, 4], [5, 6]]]), owner, 0.0)
    assert pairs[0].numpy().tolist() == [[3, 4], [0, 0], [5, 6], [0, 0]]
    values = np.arange(8, dtype=np.float32).reshape(1, 4, 2)
    picked = gather_candidates(values, np.asarray([[[3, 0], [1, 1], [0, 2]]], np.int32))
    assert picked.shape == (1, 3, 2, 2)
    assert picked[0, 0].numpy().tolist() == [[6, 7], [0, 1]]


def test_without_label_rows_slots_get_the_fill():
    owner = object_of_slot(np.zeros((2, 0), np.int32), np.zeros((2, 0), bool), 3)
    assert owner.numpy().tolist() == [[-1] * 3] * 2
    assert spread_to_slots(np.zeros((2, 0), np.int32), owner, -1).numpy().tolist() == [[-1] * 3] * 2


def test_the_first_candidate_wins_a_tie():
    assert first_best(np.float32([[0.5, 0.7, 0.7], [0.0, 0.0, -1.0]])).numpy().tolist() == [1, 0]
    # 0 / -2 is -0.0, which Keras's argmax would put below 0.0.
    assert first_best(np.float32([[-0.0, 0.0], [0.0, -0.0]])).numpy().tolist() == [0, 0]


def test_the_best_sixteen_candidates_in_slot_order():
    score = np.full((1, 20), 0.1, np.float32)
    score[0, [2, 5, 6, 11]] = 0.0
    score[0, 17] = 0.9
    slots, kept = best_candidates(np.arange(100, 120, dtype=np.int32)[None], score)
    assert slots[0].numpy().tolist() == [
        *(100, 101, 103, 104, 107, 108, 109, 110),
        *(112, 113, 114, 115, 116, 117, 118, 119),
    ]
    assert kept.shape == (1, 16)
    assert float(kept[0].numpy().max()) == pytest.approx(0.9)
    few = np.arange(5, dtype=np.int32)[None]
    assert best_candidates(few, np.zeros((1, 5), np.float32))[0] is few
