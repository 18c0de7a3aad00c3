"""Boxes and their overlap, with numbers that fit on paper."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from yolo_core.boxes import (
    corner_area,
    intersection_corners,
    intersection_over_union,
    overlap_ratio,
    pairwise_iou,
    shape_iou,
    to_corners,
    union_area,
)


def iou(box_1, box_2, **options):
    return float(intersection_over_union(np.float32(box_1), np.float32(box_2), **options))


def test_corners():
    corners = to_corners(np.float32([[10, 20, 4, 6], [0.5, 0.5, 1, 1]]))
    assert corners.numpy().tolist() == [[8, 17, 12, 23], [0, 0, 1, 1]]


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((2, 2, 2, 2), 1.0),
        ((3, 2, 2, 2), 2 / 6),  # half of it shared: 2 of 4 + 4 - 2
        ((3, 3, 2, 2), 1 / 7),
        ((2, 2, 1, 1), 1 / 4),  # inside
        ((4, 2, 2, 2), 0.0),  # they touch
        ((9, 2, 2, 2), 0.0),
        ((2, 2, 0, 2), 0.0),  # a line
        ((2, 2, 4, 1), 2 / 6),  # a cross
    ],
)
def test_overlap_with_a_square_of_two_at_two(box, expected):
    assert iou((2, 2, 2, 2), box) == pytest.approx(expected)
    assert iou(box, (2, 2, 2, 2)) == pytest.approx(expected)


def test_the_steps_of_an_overlap():
    corners_1, corners_2 = np.float32([1, 1, 3, 3]), np.float32([2, 0, 5, 2])
    shared = intersection_corners(corners_1, corners_2)
    assert shared.numpy().tolist() == [2, 1, 3, 2]
    assert float(corner_area(shared)) == 1
    union = union_area(np.float32([2, 2]), np.float32([3, 2]), corner_area(shared))
    assert float(union) == 4 + 6 - 1
    assert float(overlap_ratio(corner_area(shared), union)) == pytest.approx(1 / 9)
    apart = intersection_corners(corners_1, np.float32([7, 7, 8, 8]))
    assert float(corner_area(apart)) == 0  # not (3 - 7) * (3 - 7) = 16


def test_boxes_broadcast():
    many = np.float32(np.ones((4, 1, 3, 4)))
    assert intersection_over_union(many, np.float32(np.ones((1, 5, 1, 4)))).shape == (4, 5, 3)
    assert shape_iou(many[..., 2:], np.float32(np.ones((7, 1, 2)))).shape == (4, 7, 3)


def test_pairs_of_boxes_are_the_same_number_as_one_by_one():
    random = np.random.default_rng(0)
    few, many = (np.float32(random.uniform(0, 3, (2, count, 4))) for count in (3, 5))
    few[0, 0] = many[0, 0] = 0
    np.testing.assert_array_equal(
        pairwise_iou(few, many), intersection_over_union(few[:, :, None], many[:, None])
    )


def test_shapes():
    assert float(shape_iou(np.float32([2, 3]), np.float32([2, 3]))) == 1
    assert float(shape_iou(np.float32([2, 3]), np.float32([3, 2]))) == pytest.approx(4 / 8)
    assert float(shape_iou(np.float32([1, 1]), np.float32([2, 2]))) == 0.25
    assert float(shape_iou(np.float32([0, 0]), np.float32([0, 0]))) == 0


def test_boxes_without_area_are_zero_and_not_a_number_divided_by_zero():
    assert iou((0, 0, 0, 0), (0, 0, 0, 0)) == 0
    assert iou((0.5, 0.5, 1e-25, 1e-25), (0.5, 0.5, 1e-25, 1e-25)) == 0  # area 0 in float32
    assert iou((0, 0, 0, 0), (0, 0, 0, 0), epsilon=1e-8) == 0


@pytest.mark.parametrize("size", [0.0, 1e-25, 1e-12, 1.0, 1e9])
def test_the_gradient_of_an_overlap_is_finite(size):
    boxes = tf.constant([[1.5, 0.5, size, size]])
    with tf.GradientTape() as tape:
        tape.watch(boxes)
        overlap = intersection_over_union(boxes, tf.constant([[1.0, 0.5, 1.0, 1.0]]))
        zero = intersection_over_union(boxes, tf.zeros((1, 4)))
    assert np.isfinite(tape.gradient([overlap, zero], boxes).numpy()).all()


def test_rounded_corners_as_the_document_has_them():
    # The numbers of docs/losses.md, A-2.
    box = (0.5, 0.5, 0.3, 0.3)
    assert iou(box, box) == pytest.approx(1)
    assert iou(box, box, floor_corners=True) == 0
    corner = (0.05, 0.05, 0.2, 0.2)
    assert iou(corner, corner, floor_corners=True) == pytest.approx(-1.087, abs=1e-3)
    raw = (0.05, 0.05, 1.5, 1.2)
    assert iou(corner, raw, floor_corners=True) == pytest.approx(1.19, abs=1e-2)
    pixels = (20.5, 20.5, 28, 28), (22, 21, 28, 28)
    assert iou(*pixels) == pytest.approx(0.868, abs=1e-3)
    assert iou(*pixels, floor_corners=True) == pytest.approx(0.811, abs=1e-3)


SIDE = st.floats(0.015625, 4, width=32)
PLACE = st.floats(-2, 2, width=32)
BOXES = st.lists(st.tuples(PLACE, PLACE, SIDE, SIDE), min_size=8, max_size=8)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(BOXES, BOXES)
def test_laws_of_overlap(boxes_1, boxes_2):
    boxes_1, boxes_2 = np.float32(boxes_1), np.float32(boxes_2)
    overlap = intersection_over_union(boxes_1, boxes_2).numpy()
    assert ((overlap >= 0) & (overlap <= 1 + 1e-5)).all()
    np.testing.assert_allclose(overlap, intersection_over_union(boxes_2, boxes_1), rtol=1e-5)
    np.testing.assert_allclose(intersection_over_union(boxes_1, boxes_1), 1, rtol=1e-4)
    # On one centre only the shapes count.
    boxes_2[:, :2] = boxes_1[:, :2]
    np.testing.assert_allclose(
        shape_iou(boxes_1[:, 2:], boxes_2[:, 2:]),
        intersection_over_union(boxes_1, boxes_2),
        rtol=1e-3,
    )
