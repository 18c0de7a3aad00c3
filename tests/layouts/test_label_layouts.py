"""Labels of other programs become rows and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from yolo_core.layouts import (
    from_darknet_truth,
    from_keras_yolo2,
    from_keras_yolo3,
    from_pytorch_targets,
    from_ssd_targets,
    to_darknet_truth,
    to_keras_yolo2,
    to_keras_yolo3,
    to_pytorch_targets,
    to_ssd_targets,
)
from yolo_core.slots import SlotLayout

CLASSES = 3
TWO = np.array(
    [
        [[1, 0.5, 0.25, 0.125, 0.375, 0, 1, 0], [0] * 8],
        [[1, 0.75, 0.5, 0.25, 0.5, 0, 0, 1], [1, 0.25, 0.25, 0.5, 0.5, 1, 0, 0]],
    ],
    np.float32,
)
"""One object in the first picture, two in the second."""

# A coarse head with a wide and a tall anchor, and a fine one with a small square.
LAYOUT = SlotLayout.from_grids(
    [(2, 2, 2), (4, 4, 1)], [np.array([[0.8, 0.4], [0.4, 0.8]]), np.array([[0.1, 0.1]])]
)


@st.composite
def labels(draw):
    batch, rows = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    y_true = np.zeros((batch, rows, 5 + CLASSES), np.float32)
    inside = st.floats(0.0009765625, 1, width=32)
    for picture in range(batch):
        # Every picture's list is packed to the front; the first is full, so that N comes back.
        count = rows if picture == 0 else draw(st.integers(0, rows))
        y_true[picture, :count, 0] = 1
        y_true[picture, :count, 1:5] = draw(hnp.arrays(np.float32, (count, 4), elements=inside))
        for row in range(count):
            y_true[picture, row, 5 + draw(st.integers(0, CLASSES - 1))] = 1
    return y_true


def test_pytorch_targets_by_hand():
    assert to_pytorch_targets(TWO).tolist() == [
        [0, 1, 0.5, 0.25, 0.125, 0.375],
        [1, 2, 0.75, 0.5, 0.25, 0.5],
        [1, 0, 0.25, 0.25, 0.5, 0.5],
    ]


def test_darknet_truth_by_hand():
    assert to_darknet_truth(TWO, boxes=2).tolist() == [
        [0.5, 0.25, 0.125, 0.375, 1, 0, 0, 0, 0, 0],
        [0.75, 0.5, 0.25, 0.5, 2, 0.25, 0.25, 0.5, 0.5, 0],
    ]


def test_ssd_targets_by_hand():
    assert [each.tolist() for each in to_ssd_targets(TWO)] == [
        [[0.4375, 0.0625, 0.5625, 0.4375, 1]],
        [[0.625, 0.25, 0.875, 0.75, 2], [0, 0, 0.5, 0.5, 0]],
    ]


@given(labels())
def test_the_ways_back_are_exact(y_true):
    batch = len(y_true)
    targets = to_pytorch_targets(y_true)
    assert np.array_equal(from_pytorch_targets(targets, batch=batch, num_classes=CLASSES), y_true)
    truth = to_darknet_truth(y_true, boxes=y_true.shape[1])
    assert np.array_equal(from_darknet_truth(truth, num_classes=CLASSES), y_true)
    corners = to_ssd_targets(y_true)
    np.testing.assert_allclose(
        from_ssd_targets(corners, num_classes=CLASSES), y_true, rtol=0, atol=3e-7
    )


def test_keras_yolo3_by_hand():
    coarse, fine = to_keras_yolo3(TWO, LAYOUT)
    assert coarse.shape == (2, 2, 2, 2, 8)
    assert fine.shape == (2, 4, 4, 1, 8)
    # 0.125 x 0.375 is tall: anchor 1 of the coarse head would be IoU 0.146, the small square
    # min(0.1, 0.125) * min(0.1, 0.375) / (0.046875) = 0.213. Centre (0.5, 0.25): row 1, column 2.
    assert fine[0, 1, 2, 0].tolist() == [0.5, 0.25, 0.125, 0.375, 1, 0, 1, 0]
    # 0.25 x 0.5 is of the tall anchor's shape; centre (0.75, 0.5): row 1, column 1.
    assert coarse[1, 1, 1, 1].tolist() == [0.75, 0.5, 0.25, 0.5, 1, 0, 0, 1]
    # A square of 0.5 fits both large anchors alike: the first.
    assert coarse[1, 0, 0, 0].tolist() == [0.25, 0.25, 0.5, 0.5, 1, 1, 0, 0]
    assert [int((head[..., 4] == 1).sum()) for head in (coarse, fine)] == [2, 1]


def test_keras_yolo2_has_boxes_in_cells():
    layout = SlotLayout.from_grids([(2, 4, 1)], [np.array([[0.2, 0.2]])])
    grid = to_keras_yolo2(TWO, layout)
    # x and width in columns, y and height in rows; the centre (0.5, 0.25) is in row 0, column 2.
    assert grid[0, 0, 2, 0].tolist() == [2, 0.5, 0.5, 0.75, 1, 0, 1, 0]
    assert np.array_equal(from_keras_yolo2(grid)[0, 0], TWO[0, 0])
    with pytest.raises(ValueError, match="of one head; received 2"):
        to_keras_yolo2(TWO, LAYOUT)


@given(labels())
def test_keras_yolo3_keeps_what_has_a_slot(y_true):
    heads = to_keras_yolo3(y_true, LAYOUT)
    rows = from_keras_yolo3(heads)
    again = to_keras_yolo3(rows, LAYOUT)
    assert [each.tobytes() for each in again] == [each.tobytes() for each in heads]
    # Whatever came back is one of the objects, box by box.
    known = {tuple(row[1:5]) for row in y_true.reshape(-1, 8) if row[0]}
    assert {tuple(row[1:5]) for row in rows.reshape(-1, 8) if row[0]} <= known


def test_two_objects_in_one_slot_leave_both_classes():
    y_true = np.array(
        [[[1, 0.2, 0.2, 0.8, 0.4, 1, 0, 0], [1, 0.3, 0.3, 0.8, 0.4, 0, 1, 0]]], np.float32
    )
    assert from_keras_yolo3(to_keras_yolo3(y_true, LAYOUT)).tolist() == [
        [pytest.approx([1, 0.3, 0.3, 0.8, 0.4, 1, 1, 0])]
    ]


def test_the_same_slots_as_the_loss_gives():
    """YOLOv3's own assignment: keras-yolo3's rule is that of the published loss."""
    from yolo_core.losses import YoloV3Loss

    rng = np.random.default_rng(5)
    y_true = np.zeros((4, 6, 8), np.float32)
    y_true[..., 0], y_true[..., 5] = 1, 1
    y_true[..., 1:5] = rng.uniform(0.05, 0.95, (4, 6, 4))
    anchors = [[[0.8, 0.4], [0.4, 0.8]], [[0.1, 0.1]]]
    loss = YoloV3Loss(anchors, CLASSES, grids=[(2, 2), (4, 4)])
    raw = np.zeros((4, 24, 8), np.float32)
    mask = np.asarray(loss.breakdown(y_true, raw).assignment.object_mask)
    heads = to_keras_yolo3(y_true, loss.slots(raw.shape))
    flags = np.concatenate([head[..., 4].reshape(4, -1) for head in heads], axis=1)
    assert np.array_equal(flags == 1, mask)


class TestRefused:
    def test_a_class_that_does_not_exist(self):
        with pytest.raises(ValueError, match=r"class must be a whole number from 0 to 2; .* 3"):
            from_pytorch_targets([[0, 3, 0.5, 0.5, 0.1, 0.1]], batch=1, num_classes=CLASSES)

    def test_a_picture_that_does_not_exist(self):
        with pytest.raises(ValueError, match=r"picture must be a whole number from 0 to 0; .* 1"):
            from_pytorch_targets([[1, 0, 0.5, 0.5, 0.1, 0.1]], batch=1, num_classes=CLASSES)

    def test_an_object_that_darknet_cannot_say(self):
        y_true = np.array([[[1, 0, 0.5, 0.1, 0.1, 1, 0, 0]]], np.float32)
        with pytest.raises(ValueError, match="ends at a box with x_center 0"):
            to_darknet_truth(y_true)

    def test_too_many_objects(self):
        with pytest.raises(ValueError, match="A picture has 2 objects; there is room for 1"):
            from_pytorch_targets(
                to_pytorch_targets(TWO), batch=2, num_classes=CLASSES, max_objects=1
            )
        with pytest.raises(ValueError, match="room for 1 boxes; picture 1 has 2"):
            to_darknet_truth(TWO, boxes=1)

    def test_a_centre_in_no_cell(self):
        y_true = np.array([[[1, 1.5, 0.5, 0.1, 0.1, 1, 0, 0]]], np.float32)
        with pytest.raises(ValueError, match=r"centre at \(1.5, 0.5\), in no cell"):
            to_keras_yolo3(y_true, LAYOUT)

    def test_another_shape(self):
        with pytest.raises(ValueError, match=r"are \(n, 6\)"):
            from_pytorch_targets(np.zeros((3, 5)), batch=1, num_classes=CLASSES)
        with pytest.raises(ValueError, match="boxes \\* 5"):
            from_darknet_truth(np.zeros((3, 7)), num_classes=CLASSES)
        with pytest.raises(ValueError, match=r"anchors, 5 \+ C"):
            from_keras_yolo3([np.zeros((1, 2, 2, 8))])
