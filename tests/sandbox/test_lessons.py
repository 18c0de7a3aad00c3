"""Each lesson opened: what it says is what the ledger, the masks and the terms have."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from yolo_core.assignment import ObjectStatus
from yolo_core.compare.differences import slot_parts
from yolo_core.explain.by_label import label_iou
from yolo_core.explain.report import is_partition, object_status
from yolo_core.losses.lessons import LESSONS
from yolo_core.sandbox.changes import compare_edits
from yolo_core.sandbox.lessons import lesson_edits, lesson_words
from yolo_core.views import SampleView

MATCHED, SHARED, OVERWRITTEN = (
    ObjectStatus.MATCHED,
    ObjectStatus.SHARED,
    ObjectStatus.OVERWRITTEN,
)


@functools.cache
def opened(name: str) -> tuple[SampleView, SampleView]:
    """The sample before the change of a lesson, and after it."""
    from yolo_core.sandbox.lessons import open_lesson
    from yolo_core.sandbox.recompute import check_edits, recompute

    loss, before = open_lesson(LESSONS[name])
    edits = lesson_edits(LESSONS[name], before)
    check_edits(loss, before, edits)
    return before, recompute(loss, before, edits)


def statuses(view: SampleView) -> list[ObjectStatus]:
    return [object_status(view, int(index)) for index in view.objects]


def watched(name: str, view: SampleView) -> int:
    head, row, column, number = LESSONS[name].watch
    return int(view.layout.cell_slots(head, row, column)[number])


def trained_slots(view: SampleView) -> list[int]:
    return [int(view.assignment.object_slot[index].max()) for index in view.objects]


@pytest.mark.slow
@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_has_three_whole_sentences(name: str) -> None:
    before, after = opened(name)
    words = lesson_words(LESSONS[name], before, after)
    assert len(words) == 3
    for sentence in words:
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "nan" not in sentence
        assert "{" not in sentence
    assert is_partition(before)
    assert is_partition(after)
    assert before.total != after.total


@pytest.mark.parametrize(
    ("name", "first", "then"),
    [
        ("collision", [SHARED, SHARED], [MATCHED, MATCHED]),
        ("no-collision", [MATCHED, MATCHED], [OVERWRITTEN, MATCHED]),
        ("border", [MATCHED], [MATCHED]),
        ("ignore", [MATCHED], [MATCHED]),
        ("no-anchor", [MATCHED], [MATCHED]),
        ("overwritten", [OVERWRITTEN, MATCHED], [MATCHED, MATCHED]),
        ("forced", [MATCHED], [MATCHED]),
        ("warm-up", [MATCHED], [MATCHED]),
        ("zero", [MATCHED, MATCHED], [MATCHED, MATCHED]),
    ],
)
def test_what_becomes_of_the_objects(name: str, first: list, then: list) -> None:
    before, after = opened(name)
    assert (statuses(before), statuses(after)) == (first, then)
    words = lesson_words(LESSONS[name], before, after)
    assert first[0].word in words[0] or name not in ("collision", "overwritten")


def test_a_collision_is_one_slot_and_becomes_two() -> None:
    for name in ("collision", "overwritten"):
        before, after = opened(name)
        assert len(set(trained_slots(before))) == 1
        assert len(set(trained_slots(after))) == 2
    before, after = opened("no-collision")
    one, other = trained_slots(before)
    layout = before.layout
    assert (layout.row[one], layout.column[one]) == (layout.row[other], layout.column[other])
    assert layout.anchor[one] != layout.anchor[other]
    assert len(set(trained_slots(after))) == 1


def test_a_border_of_two_cells_decides() -> None:
    before, after = opened("border")
    assert before.y_true[0, 1] * 96 == 47
    assert after.y_true[0, 1] * 96 == pytest.approx(50)
    columns = [view.layout.column[trained_slots(view)[0]] for view in (before, after)]
    assert columns == [2, 3]
    # Right of the border nothing is trained for it, and nothing is ignored.
    right = (before.layout.column == 3) & (before.layout.row == 2)
    assert (slot_parts(before)[right] == 1).all()


def test_an_ignored_slot_overlaps_the_object() -> None:
    before, after = opened("ignore")
    slot = watched("ignore", before)
    assert [slot_parts(view)[slot] for view in (before, after)] == [2, 1]
    assert 0.6 < label_iou(before, np.array([slot]), before.objects).max() < 0.9
    assert before.weighted_map[slot] == 0 < after.weighted_map[slot]
    # Of all others nothing has become different.
    assert [each.slot for each in compare_edits(before, after).masks] == [slot]


def test_an_anchor_that_fits_badly_is_taken_all_the_same() -> None:
    before, after = opened("no-anchor")
    assert before.assignment.candidate_score[0].max() < 0.05
    assert after.assignment.candidate_score[0].max() > 0.5
    assert before.terms["wh"] > 10 * after.terms["wh"]


def test_a_forced_match_is_below_the_threshold() -> None:
    before, after = opened("forced")
    assert before.assignment.candidate_score[0].max() < 0.5
    assert (before.assignment.matched_object == 0).sum() == 1
    assert after.assignment.candidate_score[0].max() >= 0.5
    assert (after.assignment.matched_object == 0).sum() > 1


def test_warm_up_trains_the_boxes_of_slots_without_objects() -> None:
    before, after = opened("warm-up")
    slot = watched("warm-up", before)
    assert not before.assignment.object_mask[slot]
    assert before.maps["xy"][slot] + before.maps["wh"][slot] > 0
    assert after.maps["xy"][slot] + after.maps["wh"][slot] == 0
    assert after.weighted_map[slot] == pytest.approx(
        after.lambdas["no_object"] * after.maps["no_object"][slot]
    )


def test_a_lambda_of_zero_changes_no_mask_and_no_term() -> None:
    before, after = opened("zero")
    assert not compare_edits(before, after).masks
    assert after.terms == pytest.approx(before.terms)
    assert after.lambdas["no_object"] == 0
    lost = before.lambdas["no_object"] * before.terms["no_object"]
    assert after.total == pytest.approx(before.total - lost, rel=1e-5)
    assert after.weighted_map[watched("zero", after)] == 0
