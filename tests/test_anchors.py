"""Anchors by k-means under the distance 1 - shape IoU."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_core import anchors as module
from yolo_core.anchors import doubtful_anchors, kmeans_anchors, shape_iou
from yolo_core.slots import SlotLayout


def test_shape_iou_of_boxes_that_share_a_centre() -> None:
    # 2x4 and 4x2 share the 2x2 square in their middle: 4 / (8 + 8 - 4).
    assert shape_iou([[2, 4]], [[4, 2], [2, 4], [1, 2]]).tolist() == [[4 / 12, 1.0, 0.25]]


def test_three_kinds_of_boxes_give_three_anchors_smallest_first() -> None:
    sizes = np.array([[0.5, 0.5], [0.1, 0.2], [0.2, 0.1], [0.1, 0.2], [0.5, 0.5]])
    anchors, mean_iou = kmeans_anchors(sizes, 3)
    assert anchors.dtype == np.float32
    np.testing.assert_allclose(anchors, [[0.1, 0.2], [0.2, 0.1], [0.5, 0.5]], rtol=1e-6)
    assert mean_iou == pytest.approx(1.0)


def test_one_anchor_is_the_mean_box() -> None:
    anchors, mean_iou = kmeans_anchors([[0.2, 0.2], [0.4, 0.4]], 1)
    np.testing.assert_allclose(anchors, [[0.3, 0.3]], rtol=1e-6)
    assert mean_iou == pytest.approx((4 / 9 + 9 / 16) / 2)


def test_the_distance_is_relative_so_small_boxes_count_as_much_as_large_ones() -> None:
    # By Euclidean distance the two small kinds would share an anchor: they are 0.014 apart, the
    # large ones 0.14.
    sizes = [[0.01, 0.02], [0.02, 0.01]] * 5 + [[0.80, 0.80], [0.90, 0.90]] * 5
    anchors, _ = kmeans_anchors(sizes, 3)
    np.testing.assert_allclose(anchors, [[0.01, 0.02], [0.02, 0.01], [0.85, 0.85]], rtol=1e-6)


sizes_lists = st.lists(
    st.tuples(*[st.floats(1e-4, 1.0, allow_subnormal=False)] * 2), min_size=1, max_size=30
)


@given(sizes=sizes_lists, count=st.integers(1, 5), seed=st.integers(0, 2**32 - 1))
def test_laws(sizes: list[tuple[float, float]], count: int, seed: int) -> None:
    different = len(set(sizes))
    if different < count:
        with pytest.raises(ValueError, match=f"need at least {count} different box sizes"):
            kmeans_anchors(sizes, count, seed)
        return
    anchors, mean_iou = kmeans_anchors(sizes, count, seed)
    again, _ = kmeans_anchors(sizes, count, seed)
    np.testing.assert_array_equal(anchors, again)
    assert (np.diff(anchors.prod(-1)) >= -1e-6).all(), "sorted by area"
    low, high = np.min(sizes, 0), np.max(sizes, 0)
    assert (anchors >= low * (1 - 1e-6)).all()
    assert (anchors <= high * (1 + 1e-6)).all()
    assert mean_iou == pytest.approx(shape_iou(sizes, anchors).max(-1).mean(), abs=1e-5)


@pytest.mark.parametrize(
    ("sizes", "count", "message"),
    [
        ([[0.1, 0.2, 0.3]], 1, r"an \(n, 2\) array of width, height; received shape \(1, 3\)"),
        ([], 1, r"received shape \(0,\)"),
        (np.zeros((0, 2)), 1, "1 anchors need at least 1 different box sizes; received 0"),
        ([[0.1, 0.2], [0.1, 0.0]], 1, r"positive finite numbers; received \[0.1, 0.0\] in row 1"),
        ([[0.1, np.nan]], 1, "positive finite numbers; received .* in row 0"),
        ([[0.1, 0.2]], 0, "must be at least 1; received 0"),
        ([[0.1, 0.2], [0.1, 0.2]], 2, "2 anchors need at least 2 different .* received 1"),
    ],
)
def test_bad_input_gets_a_sentence(sizes: object, count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kmeans_anchors(sizes, count)


def doubts(*heads: list[tuple[float, float]], image: tuple[int, int, int] = (96, 96, 1)) -> str:
    """What is doubted about anchors in pixels, on heads of 6 x 6, 12 x 12, ... cells."""
    grids = [(6 << head, 6 << head, len(anchors)) for head, anchors in enumerate(heads)]
    sizes = [np.array(anchors) / (image[1], image[0]) for anchors in heads]
    return " ".join(doubtful_anchors(SlotLayout.from_grids(grids, sizes), image))


def test_anchors_larger_than_the_picture_are_doubted() -> None:
    assert doubts([(11, 18), (178, 286), (150, 40)]) == (
        "Anchors larger than the picture of 96 x 96 px (anchor 1: 178 x 286 px; anchor 2: "
        "150 x 40 px) fit no object. Were the sizes given in another unit?"
    )
    assert "picture of 48 x 96 px (anchor 0: 50 x 97 px)" in doubts([(50, 97)], image=(96, 48, 3))


def test_anchors_of_hardly_any_cell_are_doubted() -> None:
    # Fractions of the picture, taken for cells: 0.2 of 16 px.
    assert doubts([(11, 18)], [(1.9, 1.8), (1.9, 3)]) == (
        "Anchors of less than a quarter of their cells of 8 x 8 px (head 1, anchor 0: "
        "1.9 x 1.8 px) fit hardly any object. Were the sizes given in another unit?"
    )


def test_usual_anchors_are_not_doubted() -> None:
    assert doubts([(10, 13), (90, 96), (4, 60), (110, 60)], [(5, 5)]) == ""
    assert doubtful_anchors(SlotLayout.from_grids([(6, 6, 3)]), (96, 96, 1)) == []


def test_of_very_many_boxes_the_k_means_sees_some_and_the_mean_counts_all(monkeypatch):
    monkeypatch.setattr(module, "MOST_BOXES", 2)
    # It sees rows 0 and 2; row 1 has a quarter of the area of either.
    anchors, mean_iou = kmeans_anchors([[0.4, 0.4], [0.2, 0.2], [0.4, 0.4], [0.2, 0.2]], 1)
    np.testing.assert_allclose(anchors, [[0.4, 0.4]], rtol=1e-6)
    assert mean_iou == pytest.approx((1 + 0.25) / 2)
