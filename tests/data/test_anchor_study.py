"""How well anchors suit a data set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from yolo_core.data.anchor_study import iou_by_count, study_anchors
from yolo_core.data.sample import Sample
from yolo_core.data.source import GivenSamples

# Pictures of 100 x 200 px. Three objects of 20 x 10 px, one of 60 x 40 and one of 120 x 80.
SIZES = [(0.1, 0.1), (0.1, 0.1), (0.1, 0.1), (0.3, 0.4), (0.6, 0.8)]


class Boxes(GivenSamples):
    """Objects of given sizes, as training objects."""

    def __init__(self, sizes, shape=(100, 200, 3)):
        boxes = np.array([(0.5, 0.5, *size) for size in sizes], np.float32).reshape(-1, 4)
        classes = np.zeros(len(boxes), np.int32)
        super().__init__([Sample("val/0", np.zeros(shape, np.uint8), boxes, classes)], ["a"])
        self.boxes = boxes

    def training_boxes(self):
        return self.boxes


def test_three_sizes_and_three_anchors_fit_exactly_and_are_dealt_out_by_area():
    study = study_anchors(Boxes(SIZES), 3, strides=(16, 8))
    np.testing.assert_allclose(study.pixels, [[20, 10], [60, 40], [120, 80]], rtol=1e-5)
    assert study.mean_iou == pytest.approx(1)
    assert study.share.tolist() == [0.6, 0.2, 0.2]
    assert study.heads == [[2, 1], [0]], "the two largest on the coarser head"
    np.testing.assert_allclose(study.cells, [[20 / 8, 10 / 8], [3.75, 2.5], [7.5, 5]], rtol=1e-5)
    assert study_anchors(Boxes(SIZES), 3, strides=(8, 16)).heads == [[0], [2, 1]]


def test_the_recall_that_given_anchors_allow():
    # The small object has a quarter of the anchor's area, 200 px to 800; the next is 3 times it.
    study = study_anchors(Boxes(SIZES), anchors=[(0.2, 0.2)])
    np.testing.assert_allclose(study.overlap, [0.25, 0.25, 0.25, 1 / 3, 1 / 12], rtol=1e-5)
    assert study.best_possible_recall(0.3) == 0.2
    assert study.best_possible_recall(0.25 - 1e-6) == 0.8
    assert study.to_json()["best_possible_recall"]["0.5"] == 0


def test_more_anchors_never_fit_worse_and_the_comparison_ends_at_as_many_as_there_are_sizes():
    curve = iou_by_count(Boxes(SIZES), 9)
    assert [count for count, _ in curve] == [1, 2, 3]
    assert curve[2][1] == pytest.approx(1)
    assert curve[0][1] < curve[1][1] < curve[2][1]


def test_boxes_without_an_area_are_left_out_and_counted():
    study = study_anchors(Boxes([*SIZES, (0.0, 0.2), (0.1, float("nan"))]), 2)
    assert (len(study.sizes), study.left_out, study.to_json()["left_out"]) == (5, 2, 2)
    with pytest.raises(ValueError, match="given has none with an area there, of 1 in all"):
        study_anchors(Boxes([(0.0, 0.2)]), 1)
    with pytest.raises(ValueError, match="of 0 in all"):
        iou_by_count(Boxes([]))


@example([(1.0, 0.5), (0.5, 1.0)], [8, 16, 32])
@given(
    st.lists(st.tuples(*[st.floats(0.001, 1)] * 2), min_size=1, max_size=30),
    st.permutations([8, 16, 32]),
)
def test_every_anchor_is_on_one_head_and_no_smaller_one_on_a_coarser(sizes, strides):
    count = min(5, len(np.unique(np.float32(sizes), axis=0)))
    study = study_anchors(Boxes(sizes), count, strides=strides)
    assert sorted(row for rows in study.heads for row in rows) == list(range(count))
    assert (np.diff(study.stride_of) >= 0).all(), "anchors are in rising order of area"
    assert study.share.sum() == pytest.approx(1)
    lengths = [len(rows) for rows in study.heads]
    assert max(lengths) - min(lengths) <= 1
