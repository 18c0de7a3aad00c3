"""Average precision by the rules of COCO, on cases that can be counted by hand."""

from __future__ import annotations

import time

import numpy as np
import pytest

from yolo_core.data.sample import label_rows
from yolo_core.evaluation.metrics import (
    Detections,
    Objects,
    detections_in,
    mean_average_precision,
    objects_in,
)

A, B = (0.3, 0.3, 0.2, 0.2), (0.7, 0.7, 0.2, 0.2)
NOTHING = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0))


def objects(*boxes: tuple, classes: list[int] | None = None) -> Objects:
    return Objects(np.array(boxes).reshape(-1, 4), np.array(classes or [0] * len(boxes)))


def found(*boxes: tuple, scores: list[float], classes: list[int] | None = None) -> Detections:
    return Detections(
        np.array(boxes).reshape(-1, 4), np.array(scores), np.array(classes or [0] * len(boxes))
    )


def precision(detections: list, truth: list, num_classes: int = 3) -> dict[str, float]:
    return mean_average_precision(detections, truth, num_classes=num_classes)


def test_perfect_detections() -> None:
    result = precision(
        [found(A, B, scores=[0.9, 0.6], classes=[0, 1]), found(B, scores=[0.2], classes=[1])],
        [objects(A, B, classes=[0, 1]), objects(B, classes=[1])],
    )
    assert result == pytest.approx({"map50": 1.0, "map50_95": 1.0, "recall": 1.0})


def test_half_of_the_objects_missed() -> None:
    result = precision([found(A, scores=[0.9])], [objects(A, B)])
    # 51 of COCO's 101 recall levels, 0.00 to 0.50, are reached, all at precision 1.
    assert result == pytest.approx({"map50": 51 / 101, "map50_95": 51 / 101, "recall": 0.5})


def test_a_box_that_is_a_little_off_counts_at_low_thresholds_only() -> None:
    # 0.2 wide, shifted by 0.045: IoU 0.155 / 0.245 = 0.633, enough for 0.50, 0.55 and 0.60.
    result = precision([found((0.345, 0.3, 0.2, 0.2), scores=[0.9])], [objects(A)])
    assert result == pytest.approx({"map50": 1.0, "map50_95": 0.3, "recall": 1.0})


def test_a_false_alarm_hurts_when_it_ranks_above() -> None:
    assert precision([found(A, B, scores=[0.9, 0.1])], [objects(A)])["map50"] == pytest.approx(1.0)
    assert precision([found(A, B, scores=[0.1, 0.9])], [objects(A)])["map50"] == pytest.approx(0.5)


def test_a_false_alarm_in_another_image_counts_too() -> None:
    result = precision([found(A, scores=[0.1]), found(B, scores=[0.9])], [objects(A), objects()])
    assert result["map50"] == pytest.approx(0.5)


def test_a_second_detection_of_an_object_is_a_false_alarm() -> None:
    # Ranked true, false, true: precision 1 up to recall 0.5, 2/3 from there on.
    result = precision([found(A, A, B, scores=[0.9, 0.8, 0.7])], [objects(A, B)])
    assert result["map50"] == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_the_class_must_be_right() -> None:
    result = precision([found(A, scores=[0.9], classes=[1])], [objects(A)])
    assert result == {"map50": 0.0, "map50_95": 0.0, "recall": 0.0}


def test_classes_count_alike_and_those_without_objects_not_at_all() -> None:
    # Class 0: 1 of 1 found. Class 1: 0 of 3 found. Class 2: no object, one false alarm.
    result = precision(
        [found(A, B, scores=[0.9, 0.9], classes=[0, 2])],
        [objects(A, A, B, B, classes=[0, 1, 1, 1])],
    )
    assert result == pytest.approx({"map50": 0.5, "map50_95": 0.5, "recall": 0.5})


def test_nothing_found_and_nothing_to_find() -> None:
    zero = {"map50": 0.0, "map50_95": 0.0, "recall": 0.0}
    assert precision([NOTHING], [objects(A)]) == zero
    assert precision([found(A, scores=[0.9])], [objects()]) == zero
    assert precision([], []) == zero


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_detections_that_are_not_finite_are_left_out(bad: float) -> None:
    detections = found(A, (bad, 0.3, 0.2, 0.2), A, scores=[0.5, 0.9, bad])
    assert precision([detections], [objects(A)])["map50"] == pytest.approx(1.0)
    only_bad = found((bad, bad, bad, bad), scores=[bad])
    assert precision([only_bad], [objects(A)])["map50"] == 0.0


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    precision([found(A, scores=[0.9])], [objects(A)])
    assert capsys.readouterr() == ("", "")


def test_bad_input_gets_a_sentence() -> None:
    with pytest.raises(ValueError, match="same images; received 1 and 2 entries"):
        precision([NOTHING], [objects(A), objects(B)])
    with pytest.raises(ValueError, match=r"must be 0 to 2; received \[3\]"):
        precision([NOTHING], [objects(A, classes=[3])])


def test_label_rows_and_kept_slots_become_objects_and_detections() -> None:
    rows = label_rows(np.array([A, B]), np.array([1, 0]), num_classes=2, max_objects=4)
    empty = label_rows(np.zeros((0, 4)), np.zeros(0), num_classes=2, max_objects=4)
    first, second = objects_in(np.stack([rows, empty]))
    np.testing.assert_allclose(first.boxes, [A, B], rtol=1e-6)
    assert first.classes.tolist() == [1, 0]
    assert second.boxes.shape == (0, 4)

    (detections,) = detections_in(
        np.array([[A, B]]),
        np.array([[0.5, 0.5]]),
        np.array([[[0.2, 0.8], [0.9, 0.1]]]),
        np.array([[True, False]]),
    )
    np.testing.assert_allclose(detections.boxes, [A])
    np.testing.assert_allclose(detections.scores, [0.4])
    assert detections.classes.tolist() == [1]


def test_a_whole_evaluation_is_quick() -> None:
    random = np.random.default_rng(0)

    def boxes(count: int) -> np.ndarray:
        return np.concatenate(
            [random.uniform(0.1, 0.9, (count, 2)), random.uniform(0.1, 0.3, (count, 2))], 1
        )

    truth = [Objects(boxes(3), random.integers(10, size=3)) for _ in range(300)]
    guesses = [
        Detections(boxes(50), random.uniform(size=50), random.integers(10, size=50))
        for _ in range(300)
    ]
    started = time.process_time()
    precision(guesses, truth, num_classes=10)
    assert time.process_time() - started < 1.5  # 0.15 s where it was written
