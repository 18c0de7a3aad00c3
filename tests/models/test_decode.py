"""Scores and non-maximum suppression."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yolo_core.models.decode import nms_keep, overlaps, scores

BOX = (0.5, 0.5, 0.4, 0.4)
SHIFTED = (0.6, 0.5, 0.4, 0.4)  # shares 0.3 x 0.4 with BOX: IoU 0.12 / 0.20 = 0.6
FAR = (0.1, 0.1, 0.1, 0.1)


def keep(boxes: list, score: list[float], classes: list[int] | None = None, **options) -> list:
    """NMS of one image, given scores and classes instead of probabilities."""
    probabilities = np.eye(3)[classes or [0] * len(boxes)]
    return nms_keep(np.array([boxes]), np.array([score]), probabilities[None], **options)[
        0
    ].tolist()


def test_score_is_objectness_times_the_best_class() -> None:
    score, label = scores(np.array([[0.5, 1.0]]), np.array([[[0.2, 0.8], [0.6, 0.4]]]))
    np.testing.assert_allclose(score, [[0.4, 0.6]], rtol=1e-6)
    assert label.tolist() == [[1, 0]]
    assert (score.dtype, label.dtype) == (np.float32, np.int32)


def test_overlaps_of_boxes_with_objects() -> None:
    boxes = np.array([BOX, FAR, (0.5, 0.5, 0.0, 0.4), (np.nan, 0.5, 0.4, 0.4)])
    found = overlaps(boxes, np.array([SHIFTED, BOX, (0.5, 0.5, 0.4, 0.2)]))
    np.testing.assert_allclose(found, [[0.6, 1, 0.5], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
    assert overlaps(boxes, np.zeros((0, 4))).shape == (4, 0)


def test_the_higher_score_wins_among_overlapping_boxes() -> None:
    assert keep([BOX, SHIFTED, FAR], [0.8, 0.9, 0.1]) == [False, True, True]


def test_the_first_slot_wins_a_tie() -> None:
    assert keep([BOX, BOX], [0.7, 0.7]) == [True, False]


def test_overlap_must_exceed_the_threshold() -> None:
    assert keep([BOX, SHIFTED], [0.9, 0.8], iou_threshold=0.59) == [True, False]
    assert keep([BOX, SHIFTED], [0.9, 0.8], iou_threshold=0.61) == [True, True]


def test_other_classes_are_left_alone() -> None:
    assert keep([BOX, BOX, BOX], [0.9, 0.8, 0.7], [0, 1, 0]) == [True, True, False]


def test_a_removed_box_removes_nothing() -> None:
    # A chain of neighbours with IoU 0.6: the middle one goes, so the last one stays (IoU 1/3).
    chain = [BOX, SHIFTED, (0.7, 0.5, 0.4, 0.4)]
    assert keep(chain, [0.9, 0.8, 0.7]) == [True, False, True]


def test_low_scores_and_surplus_detections_are_dropped() -> None:
    apart = [(0.1 + 0.2 * i, 0.5, 0.1, 0.1) for i in range(4)]
    score = [0.009, 0.3, 0.01, 0.2]
    assert keep(apart, score) == [False, True, True, True]
    assert keep(apart, score, max_detections=2) == [False, True, False, True]
    assert keep(apart, score, score_threshold=0.25) == [False, True, False, False]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_no_detection_and_hides_none(bad: float) -> None:
    assert keep([BOX, BOX], [bad, 0.5]) == [False, True]
    assert keep([(bad, *BOX[1:]), BOX], [0.9, 0.5]) == [False, True]
    classes = np.array([[[bad, 0.0], [1.0, 0.0]]])
    assert nms_keep(np.array([[BOX, BOX]]), np.ones((1, 2)), classes).tolist() == [[False, True]]


@pytest.mark.filterwarnings("error")
def test_an_exploded_image_beside_a_sound_one() -> None:
    exploded = [[np.inf, 0.5, np.inf, np.inf], [np.nan, np.nan, 3e38, 3e38]]
    kept = nms_keep(
        np.array([exploded, [BOX, FAR]], np.float32), np.ones((2, 2)), np.ones((2, 2, 1))
    )
    assert kept.tolist() == [[False, False], [True, True]]


def test_boxes_without_area_do_not_overlap() -> None:
    point = (0.5, 0.5, 0.0, 0.0)
    assert keep([point, point, (0.5, 0.5, -1.0, 1.0)], [0.9, 0.8, 0.7]) == [True, True, True]


def test_images_of_a_batch_do_not_touch_each_other() -> None:
    boxes = np.array([[BOX, BOX], [BOX, FAR], [BOX, BOX]])
    objectness = np.array([[0.9, 0.8], [0.9, 0.8], [0.0, 0.8]])
    kept = nms_keep(boxes, objectness, np.ones((3, 2, 1)))
    assert kept.tolist() == [[True, False], [True, True], [False, True]]


def test_no_images_and_no_possible_slot() -> None:
    assert nms_keep(np.zeros((0, 4, 4)), np.zeros((0, 4)), np.zeros((0, 4, 2))).shape == (0, 4)
    assert not nms_keep(np.zeros((2, 4, 4)), np.zeros((2, 4)), np.zeros((2, 4, 2))).any()


def iou(a: np.ndarray, b: np.ndarray) -> float:
    low = np.maximum(a[:2] - a[2:] / 2, b[:2] - b[2:] / 2)
    high = np.minimum(a[:2] + a[2:] / 2, b[:2] + b[2:] / 2)
    shared = np.maximum(high - low, 0).prod()
    return shared / (a[2:].prod() + b[2:].prod() - shared)


def slow_nms(boxes, objectness, probabilities, iou_threshold, score_threshold, most) -> np.ndarray:
    """The definition, one image and one pair at a time."""
    kept: list[int] = []
    score, label = objectness * probabilities.max(-1), probabilities.argmax(-1)
    for slot in sorted(range(len(boxes)), key=lambda slot: -score[slot]):
        if score[slot] < score_threshold or len(kept) == most:
            break
        if all(
            label[slot] != label[other] or iou(boxes[slot], boxes[other]) <= iou_threshold
            for other in kept
        ):
            kept.append(slot)
    return np.isin(np.arange(len(boxes)), kept)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    images=st.integers(1, 4),
    slots=st.integers(1, 40),
    iou_threshold=st.sampled_from([0.0, 0.3, 0.5, 0.9]),
    score_threshold=st.sampled_from([0.01, 0.3]),
    most=st.sampled_from([1, 5, 100]),
)
def test_agrees_with_a_slow_loop(seed, images, slots, iou_threshold, score_threshold, most) -> None:
    random = np.random.default_rng(seed)
    boxes = np.concatenate(
        [random.uniform(0, 1, (images, slots, 2)), random.uniform(0.05, 0.6, (images, slots, 2))],
        -1,
    ).astype(np.float32)
    objectness = random.uniform(0, 1, (images, slots)).astype(np.float32)
    probabilities = random.dirichlet([1, 1, 1], (images, slots)).astype(np.float32)
    options = {"iou_threshold": iou_threshold, "score_threshold": score_threshold}
    kept = nms_keep(boxes, objectness, probabilities, max_detections=most, **options)
    for image in range(images):
        expected = slow_nms(
            boxes[image].astype(np.float64),
            objectness[image],
            probabilities[image],
            *options.values(),
            most,
        )
        np.testing.assert_array_equal(kept[image], expected)
    # A higher cut afterwards is the same as a higher threshold before.
    score, _ = scores(objectness, probabilities)
    higher = nms_keep(
        boxes,
        objectness,
        probabilities,
        iou_threshold=iou_threshold,
        score_threshold=0.4,
        max_detections=most,
    )
    np.testing.assert_array_equal(kept & (score >= 0.4), higher)


def test_a_whole_evaluation_is_quick() -> None:
    random = np.random.default_rng(0)
    boxes = random.uniform(0.05, 0.9, (300, 108, 4))
    started = time.process_time()
    nms_keep(boxes, random.uniform(size=(300, 108)), random.uniform(size=(300, 108, 10)))
    assert time.process_time() - started < 0.5  # 0.07 s where it was written
