"""Average precision in three ways, on cases that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evaluation.rows import detections, matched, objects, random_scene
from yolo_core.evaluation.curves import (
    Curve,
    ap_coco,
    ap_voc2007,
    ap_voc2012,
    best_threshold,
    curve,
    voc_curve,
)
from yolo_core.evaluation.metrics import coco_scores


def made(*right: int, objects: int) -> Curve:
    return Curve(np.linspace(0.9, 0.1, len(right)), np.array(right, bool), objects)


def test_right_wrong_right_of_four() -> None:
    each = made(1, 0, 1, objects=4)
    assert each.precision.tolist() == [1, 1 / 2, 2 / 3]
    assert each.recall.tolist() == [1 / 4, 1 / 4, 2 / 4]
    # Precision 1 up to recall 1/4, 2/3 up to 1/2, nothing beyond.
    assert ap_voc2012(each) == pytest.approx(1 / 4 + 1 / 4 * 2 / 3)
    # Levels 0.0, 0.1, 0.2 and 0.3, 0.4, 0.5 of eleven; 0.00 to 0.25 and 0.26 to 0.50 of 101.
    assert ap_voc2007(each) == pytest.approx((3 + 3 * 2 / 3) / 11)
    assert ap_coco(each) == pytest.approx((26 + 25 * 2 / 3) / 101)


def test_all_right_nothing_right_and_nothing_to_find() -> None:
    for ap in (ap_coco, ap_voc2007, ap_voc2012):
        assert ap(made(1, 1, objects=2)) == 1
        assert ap(made(0, 0, objects=2)) == 0
        assert ap(made(objects=2)) == 0
        assert ap(made(0, objects=0)) is None


def test_the_best_threshold_has_the_highest_f1() -> None:
    # F1 of the first n: 2/4, 2/5, 4/6, 4/7.
    assert best_threshold(made(1, 0, 1, 0, objects=3)) == pytest.approx(np.linspace(0.9, 0.1, 4)[2])
    assert best_threshold(made(0, objects=3)) == 0.5


def test_voc_gives_a_detection_no_second_choice() -> None:
    # Two objects with an IoU of 2/3 (moved by a fifth). The second detection lies on the first
    # object and would do for the second one.
    there, seen = objects((0, 0), (0.2, 0)), detections((0, 0, 0.9), (0.05, 0, 0.8))
    found, truth, matching = matched([seen], [there])
    assert curve(found, truth, matching, 0).right.tolist() == [True, True]
    assert voc_curve(found, truth, matching, 0).right.tolist() == [True, False]


def test_voc_leaves_out_what_goes_with_a_difficult_object() -> None:
    there = objects((0, 0), ignored=((4, 0),))
    found, truth, matching = matched(
        [detections((4, 0, 0.9), (4.1, 0, 0.8), (0, 0, 0.7), (8, 0, 0.6))], [there]
    )
    each = voc_curve(found, truth, matching, 0)
    assert each.right.tolist() == [True, False]
    assert (each.score.tolist(), each.objects) == ([0.7, 0.6], 1)


@pytest.mark.parametrize("seed", range(20))
def test_the_area_of_each_curve_is_what_faster_coco_eval_counts(seed: int) -> None:
    seen, there = random_scene(seed, samples=8)
    found, truth, matching = matched(seen, there)
    scores = coco_scores(seen, there, num_classes=3, image_size=(100, 200))
    for index, score in enumerate(scores.by_class):
        each = curve(found, truth, matching, index)
        assert each.objects == score.objects
        assert ap_coco(each) == (None if score.map50 is None else pytest.approx(score.map50))


def test_scores_by_size_are_counted_in_pixels() -> None:
    # 0.1 x 0.1 of 200 x 200 is 20 x 20: small; of 400 x 400 medium; of 1000 x 1000 large.
    seen, there = [detections((0, 0, 0.9))], [objects((0, 0), (5, 1))]
    for side, size in ((200, "small"), (400, "medium"), (1000, "large")):
        scores = coco_scores(seen, there, num_classes=3, image_size=(side, side))
        assert scores.whole.map50 == 0.5
        assert scores.whole.objects == 2
        assert [each.map50 for each in scores.by_class] == [1.0, 0.0, None]
        assert {name: each.objects for name, each in scores.by_size.items() if each.objects} == {
            size: 2
        }
        assert scores.by_size[size].map50 == 0.5
        assert {scores.by_size[name].map50 for name in scores.by_size if name != size} == {None}


def test_ignored_regions_take_no_part_in_the_scores() -> None:
    seen = [detections((4, 0, 0.9), (0, 0, 0.6))]
    assert coco_scores(
        seen, [objects((0, 0))], num_classes=1, image_size=(10, 10)
    ).whole.map50 == pytest.approx(0.5)
    there = [objects((0, 0), ignored=((4, 0),))]
    scores = coco_scores(seen, there, num_classes=1, image_size=(10, 10))
    assert (scores.whole.map50, scores.whole.objects) == (1.0, 1)
