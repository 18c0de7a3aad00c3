"""Which detection finds which object, counts, the confusion matrix and kinds of errors."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evaluation.rows import detections, matched, objects, random_scene
from yolo_core.evaluation.confusion import confusion
from yolo_core.evaluation.curves import counts_at
from yolo_core.evaluation.errors import ErrorKind, find_errors
from yolo_core.evaluation.metrics import mean_average_precision

# Class 0 at places 0 and 2, class 1 at 4 and 6, on one picture. Of the detections, surest first:
# finds the first; a second one on it; right class, moved by half a box (IoU 1/3) from the second;
# the third under the wrong class; wrong class and moved by half a box from the fourth; on nothing.
THERE = objects((0, 0), (2, 0), (4, 1), (6, 1))
SEEN = detections(
    (0, 0, 0.9), (0, 0, 0.8), (2.5, 0, 0.7), (4, 0, 0.6), (6.5, 0, 0.5), (8.5, 1, 0.4)
)
KINDS = [
    -1,
    ErrorKind.DUPLICATE,
    ErrorKind.LOCALISATION,
    ErrorKind.CLASS,
    ErrorKind.BOTH,
    ErrorKind.BACKGROUND,
]


def test_each_kind_of_error_once() -> None:
    found, truth, matching = matched([SEEN], [THERE])
    assert matching.finds.tolist() == [0, -1, -1, -1, -1, -1]
    errors = find_errors(found, truth, matching, num_classes=2)
    assert errors.kind.tolist() == KINDS
    assert errors.object.tolist() == [-1, 0, 1, 2, 3, -1]
    # The second object has a localisation error on it, the third a class error.
    assert errors.missed.tolist() == [False, False, False, True]
    assert [errors.count(kind) for kind in ErrorKind] == [1] * 6


def test_what_each_kind_costs() -> None:
    found, truth, matching = matched([SEEN], [THERE])
    errors = find_errors(found, truth, matching, num_classes=2)
    # Class 0: right, then four wrong, of 2 objects: precision 1 up to recall 1/2, 51 of 101 levels.
    # Class 1: one wrong, of 2 objects: 0.
    assert errors.map50 == pytest.approx(51 / 101 / 2)
    cost = {kind: value * 2 for kind, value in errors.cost.items()}
    # The third detection right: precision 2/3 from recall 0.5 to 1.
    assert cost[ErrorKind.LOCALISATION] == pytest.approx(50 / 101 * 2 / 3)
    # The fourth becomes class 1's surest, and right: half of its objects.
    assert cost[ErrorKind.CLASS] == pytest.approx(51 / 101)
    # What goes after the last right detection costs nothing.
    for kind in (ErrorKind.BOTH, ErrorKind.DUPLICATE, ErrorKind.BACKGROUND):
        assert cost[kind] == pytest.approx(0)
    # Class 1 is asked for one object instead of two, and finds neither.
    assert cost[ErrorKind.MISSED] == pytest.approx(0)


def test_a_duplicate_and_a_false_alarm_cost_where_they_rank_above() -> None:
    for place, kind in ((0, ErrorKind.DUPLICATE), (5, ErrorKind.BACKGROUND)):
        seen = detections((0, 0, 0.9), (place, 0, 0.8), (2, 0, 0.7))
        found, truth, matching = matched([seen], [objects((0, 0), (2, 0))])
        errors = find_errors(found, truth, matching, num_classes=1)
        # Right, wrong, right: 51 levels at 1 and 50 at 2/3; without the second one all at 1.
        assert errors.map50 == pytest.approx((51 + 50 * 2 / 3) / 101)
        assert errors.cost[kind] == pytest.approx(50 / 101 / 3)


def test_missed_objects_cost_what_they_leave_out_of_reach() -> None:
    found, truth, matching = matched([detections((0, 0, 0.9))], [objects((0, 0), (5, 0), (8, 0))])
    errors = find_errors(found, truth, matching, num_classes=1)
    assert errors.map50 == pytest.approx(34 / 101)  # recall levels 0.00 to 0.33
    assert errors.cost[ErrorKind.MISSED] == pytest.approx(67 / 101)
    # A class of which nothing is found has then nothing left to be found.
    found, truth, matching = matched([detections()], [objects((0, 0))])
    errors = find_errors(found, truth, matching, num_classes=1)
    assert (errors.map50, errors.cost[ErrorKind.MISSED]) == (0.0, 1.0)


def test_of_two_class_errors_on_one_object_one_is_repaired() -> None:
    seen = detections((0, 1, 0.9), (0.1, 1, 0.8))
    found, truth, matching = matched([seen], [objects((0, 0), (5, 1))])
    errors = find_errors(found, truth, matching, num_classes=2)
    assert errors.kind.tolist() == [ErrorKind.CLASS] * 2
    assert errors.cost[ErrorKind.CLASS] == pytest.approx(
        1 / 2
    )  # class 0 perfect, class 1 as it was


def test_counts_at_a_threshold() -> None:
    found, truth, matching = matched([SEEN], [THERE])
    counts = counts_at(found, truth, matching, 0.55)
    assert (counts.found, counts.missed, counts.false) == (1, 3, 3)
    assert (counts.precision, counts.recall) == (1 / 4, 1 / 4)
    counts = counts_at(found, truth, matching, 0.0, class_index=1)
    assert (counts.found, counts.missed, counts.false) == (0, 2, 1)
    counts = counts_at(found, truth, matching, 0.95)
    assert (counts.found, counts.missed, counts.false, counts.precision) == (0, 4, 0, None)


def test_the_confusion_matrix_has_every_object_in_a_row_and_every_detection_in_a_column() -> None:
    found, truth, matching = matched([SEEN], [THERE])
    matrix = confusion(found, truth, matching, 0.0, num_classes=2)
    # Rows: class 0, class 1, background. The object under the class error is taken for class 0.
    assert matrix.counts.tolist() == [[1, 0, 1], [1, 0, 1], [3, 1, 0]]
    wrong = np.flatnonzero((matrix.place == [1, 0]).all(axis=1))
    assert matrix.object[wrong].tolist() == [2]
    assert matrix.detection[wrong].tolist() == [3]
    # Above every detection but the first, nothing is taken for anything.
    above = confusion(found, truth, matching, 0.85, num_classes=2)
    assert above.counts.tolist() == [[1, 0, 1], [0, 0, 2], [0, 0, 0]]


def test_an_object_that_an_unsure_detection_finds_can_be_taken_for_another_class_above_it() -> None:
    found, truth, matching = matched([detections((0, 1, 0.9), (0, 0, 0.2))], [objects((0, 0))])
    low = confusion(found, truth, matching, 0.0, num_classes=2)
    assert low.counts.tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]
    high = confusion(found, truth, matching, 0.5, num_classes=2)
    assert high.counts.tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]


def test_what_lies_in_an_ignored_region_of_its_class_counts_neither_way() -> None:
    there = objects((0, 0), ignored=((4, 0),))
    seen = detections((4, 0, 0.9), (4.1, 0, 0.8), (4, 1, 0.7), (0, 0, 0.6), (4.6, 0, 0.5))
    found, truth, matching = matched([seen], [there])
    # The last one lies 0.4 inside; the third is of another class.
    assert matching.left_out.tolist() == [True, True, False, False, False]
    counts = counts_at(found, truth, matching, 0.0)
    assert (counts.found, counts.missed, counts.false) == (1, 0, 2)
    matrix = confusion(found, truth, matching, 0.0, num_classes=2)
    assert matrix.counts.tolist() == [[1, 0, 0], [0, 0, 0], [1, 1, 0]]
    errors = find_errors(found, truth, matching, num_classes=2)
    assert errors.kind.tolist() == [-1, -1, ErrorKind.BACKGROUND, -1, ErrorKind.BACKGROUND]
    assert not errors.missed.any()


def test_nothing_at_all() -> None:
    found, truth, matching = matched([detections()], [objects()])
    errors = find_errors(found, truth, matching, num_classes=2)
    assert errors.map50 == 0
    assert set(errors.cost.values()) == {0.0}
    matrix = confusion(found, truth, matching, 0.5, num_classes=2)
    assert matrix.counts.tolist() == [[0] * 3] * 3


@pytest.mark.parametrize("seed", range(20))
def test_everything_is_accounted_for(seed: int) -> None:
    seen, there = random_scene(seed)
    found, truth, matching = matched(seen, there)
    errors = find_errors(found, truth, matching, num_classes=3)
    # Of the detections each is right, left out, or an error of one kind.
    assert ((matching.finds >= 0) ^ matching.left_out ^ (errors.kind >= 0)).all()
    assert errors.map50 == pytest.approx(
        mean_average_precision(seen, there, num_classes=3)["map50"]
    )
    for threshold in (0.0, 0.3, 0.8):
        matrix = confusion(found, truth, matching, threshold, num_classes=3)
        counts = counts_at(found, truth, matching, threshold)
        assert np.trace(matrix.counts) == counts.found
        assert matrix.counts[:3].sum() == counts.found + counts.missed == (~truth.ignored).sum()
        assert matrix.counts[:, :3].sum() == counts.found + counts.false
    # Whatever goes after the repair of a kind that only removes, AP does not fall.
    for kind in (ErrorKind.BOTH, ErrorKind.DUPLICATE, ErrorKind.BACKGROUND, ErrorKind.MISSED):
        assert errors.cost[kind] >= -1e-12
