"""The report of one sample: counts, sums, and a reason in plain words for everything."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from tests.explain.made_view import ANCHORS, BOXES, make_view, see
from yolo_core.assignment import Assignment, IgnoreRule, ObjectStatus
from yolo_core.explain.reasons import object_reason, slot_reason
from yolo_core.explain.report import MaskCounts, explain, is_partition, object_status, totals_agree
from yolo_core.runs.snapshots import SampleView
from yolo_core.slots import SlotLayout


def change(view: SampleView, **arrays: np.ndarray) -> SampleView:
    """The same view with other assignment arrays."""
    return dataclasses.replace(view, assignment=dataclasses.replace(view.assignment, **arrays))


def test_report_of_two_objects() -> None:
    report = explain(make_view(), recorded_total=1.3125)
    assert report.masks == MaskCounts(slots=8, object=2, no_object=5, ignore=1)
    assert report.terms == {"xy": 0.5, "no_object": 0.625}
    assert report.total == 2 * 0.5 + 0.5 * 0.625
    assert report.recorded_total == 1.3125
    first, second = report.objects
    assert (first.index, first.class_name, first.status) == (0, "cat", ObjectStatus.MATCHED)
    assert (second.class_index, second.class_name) == (1, "dog")
    (slot,) = second.slots
    assert (slot.head, slot.row, slot.column, slot.anchor) == (0, 1, 1, 0)
    assert slot.iou == pytest.approx(0.44)


def test_json_has_the_documented_keys_and_survives_a_round_trip() -> None:
    view = make_view(boxes=[[float("nan"), 0.5, 0.2, 0.2], BOXES[1]], status=[7, 1], slots=[-1, 6])
    fields = json.loads(json.dumps(explain(view, recorded_total=float("nan")).to_json()))
    assert set(fields) == {"objects", "masks", "terms", "lambdas", "total", "recorded_total"}
    assert fields["masks"] == {"slots": 8, "object": 1, "no_object": 6, "ignore": 1}
    assert fields["recorded_total"] is None
    invalid, matched = fields["objects"]
    assert invalid["box"][0] is None
    assert invalid["status"] == "invalid"
    assert invalid["slots"] == []
    assert (matched["index"], matched["class"], matched["class_name"]) == (1, 1, "dog")
    assert set(matched["slots"][0]) == {"head", "row", "column", "anchor", "iou"}


def test_matched_by_shape_names_cell_anchor_scores_and_runner_up() -> None:
    assert object_reason(make_view(), 0) == (
        "Its centre (5.0, 2.5 px) lies in cell (row 0, column 0). Anchor 1 fits its width and "
        "height best: shape IoU 0.64, next anchor 0 with 0.25. Its predicted box has IoU 0.44 now."
    )


def test_matched_by_predicted_box_speaks_of_predictors() -> None:
    layout = SlotLayout.from_grids([(2, 2, 2)])
    reason = object_reason(make_view(layout=layout, measure="box IoU"), 1)
    assert reason == (
        "Its centre (15.0, 7.5 px) lies in cell (row 1, column 1). Predictor 0 predicts the box "
        "that overlaps it best: box IoU 0.67, next predictor 1 with 0.24."
    )


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ([0.0, 0.0], "The box IoU is 0.00 for all 2 predictors alike, so the first, predictor 0"),
        ([0.3, 0.9], "given to predictor 0 with box IoU 0.30, although predictor 1 has 0.90"),
        ([0.501, 0.5012], "although predictor 1 has 0.50"),
        ([0.5012, 0.501], "box IoU 0.5012, next predictor 1 with 0.5010"),
    ],
)
def test_close_and_odd_races(scores: list[float], words: str) -> None:
    layout = SlotLayout.from_grids([(2, 2, 2)])
    view = make_view(boxes=BOXES[1:], slots=[6], scores=[scores], layout=layout, measure="box IoU")
    assert words in object_reason(view, 0)


def test_tie_among_three() -> None:
    layout = SlotLayout.from_grids([(1, 1, 3)])
    view = make_view(
        boxes=BOXES[:1], slots=[0], scores=[[0.4, 0.4, 0.1]], candidates=[[0, 1, 2]], layout=layout
    )
    assert "Predictor 0 and predictor 1 tie with shape IoU 0.40; the first was taken." in (
        object_reason(view, 0)
    )


def test_owner_that_does_not_hold_the_centre_is_told() -> None:
    # As a loss does that indexes rows by x (docs/losses.md, A-3).
    view = make_view(boxes=[[0.75, 0.25, 0.4, 0.4]], slots=[5], scores=[[0.1, 0.6]])
    assert object_reason(view, 0).startswith(
        "Its centre (15.0, 2.5 px) lies in cell (row 0, column 1), but this loss gives it to cell "
        "(row 1, column 0)."
    )


def test_centre_on_the_edge_counts_to_the_last_cell() -> None:
    view = make_view(boxes=[[1.0, 1.0, 0.4, 0.4]], slots=[7], scores=[[0.1, 0.6]])
    assert "lies in cell (row 1, column 1)." in object_reason(view, 0)


def test_candidates_in_several_cells_are_named_with_their_cells() -> None:
    view = make_view(
        boxes=BOXES[:1], slots=[1], scores=[[0.7, 0.3]], candidates=[[1, 6]], measure="prior IoU"
    )
    assert object_reason(view, 0).startswith(
        "Anchor 1 of cell (row 0, column 0) has the prior box that overlaps it best, of 2 "
        "compared: prior IoU 0.70, next anchor 0 of cell (row 1, column 1) with 0.30."
    )


def test_several_slots_for_one_object() -> None:
    view = make_view(boxes=BOXES[:1], slots=[1], scores=[[0.1, 0.6]])
    matched = view.assignment.matched_object.copy()
    matched[4] = 0
    view = change(view, match_count=np.array([[2], [0]]), matched_object=matched)
    assert (
        "It trains 2 slots (anchors 0 and 1, 2 cells); this is the best of them."
        in object_reason(view, 0)
    )
    slots = explain(view).objects[0].slots
    assert [(slot.row, slot.column, slot.anchor) for slot in slots] == [(0, 0, 1), (1, 0, 0)]


def test_shared_slot_names_the_other_object_on_both_sides() -> None:
    view = make_view(boxes=[BOXES[0]] * 2, status=[2, 2], slots=[1, 1], scores=[[0.1, 0.6]] * 2)
    assert "It shares that slot with object 1 (class dog)" in object_reason(view, 0)
    assert "It shares that slot with object 0 (class cat)" in object_reason(view, 1)
    report = explain(view)
    assert [each.status.name for each in report.objects] == ["SHARED", "SHARED"]
    assert all(len(each.slots) == 1 for each in report.objects)
    assert "and it is trained for object 0 (class cat) as well" in slot_reason(view, 1)


def test_overwritten_object_names_who_took_its_slot() -> None:
    view = make_view(boxes=[BOXES[0]] * 2, status=[3, 1], slots=[1, 1], scores=[[0.1, 0.6]] * 2)
    view = change(view, overwritten_by=np.array([[1], [-1], [-1]]))
    reason = object_reason(view, 0)
    assert "Anchor 1 fits its width and height best" in reason
    assert reason.endswith(
        "But object 1 (class dog) comes later in the labels, belongs to the same slot and took it "
        "over. It enters no term of the loss."
    )
    assert explain(view).objects[0].slots == ()


@pytest.mark.parametrize(
    ("status", "box", "words"),
    [
        (
            ObjectStatus.OUTSIDE,
            [1.2, 0.5, 0.2, 0.2],
            "Its centre (24.0, 5.0 px) lies outside the picture of 20 x 10 px",
        ),
        (
            ObjectStatus.ZERO_AREA,
            [0.5, 0.5, 0.0, 0.2],
            "Its box is 0.0 px wide and 2.0 px high: without an area",
        ),
        (
            ObjectStatus.INVALID,
            [0.5, float("inf"), 0.1, 0.2],
            "Its label row cannot be used: y_center is inf.",
        ),
    ],
)
def test_objects_that_no_slot_can_have(status: int, box: list[float], words: str) -> None:
    view = make_view(boxes=[box], status=[status], slots=[-1], scores=[[0.0, 0.0]])
    reason = object_reason(view, 0)
    assert reason.startswith(words)
    assert reason.endswith("It enters no term of the loss.")


def test_below_threshold_names_the_best_there_was() -> None:
    view = make_view(
        boxes=BOXES[:1],
        status=[ObjectStatus.BELOW_THRESHOLD],
        slots=[-1],
        scores=[[0.31, 0.2]],
        candidates=[[6, 2]],
        measure="prior IoU",
    )
    assert object_reason(view, 0) == (
        "No slot reached the matching threshold: the best one, anchor 0 of cell (row 1, column 1), "
        "has only prior IoU 0.31. It enters no term of the loss."
    )


def test_each_head_gives_its_own_reason() -> None:
    layout = SlotLayout.from_grids([(1, 1, 2), (2, 2, 2)], [ANCHORS, ANCHORS])
    view = make_view(boxes=BOXES[:1], slots=[1], scores=[[0.1, 0.6]], layout=layout)
    two = {
        name: np.repeat(getattr(view.assignment, name), 2, axis=1)
        for name in Assignment.ARRAYS
        if getattr(view.assignment, name).ndim > 1
    }
    two["object_status"][0] = [ObjectStatus.BELOW_THRESHOLD, ObjectStatus.MATCHED]
    two["object_slot"][0] = [-1, 3]
    two["candidate_slots"][0] = [[0, 1], [2, 3]]
    view = change(view, **two)
    reason = object_reason(view, 0)
    assert reason.startswith("Head 0: No slot reached the matching threshold: the best one, ")
    assert " Head 1: Its centre (5.0, 2.5 px) lies in head 1, cell (row 0, column 0)." in reason
    assert object_status(view, 0) is ObjectStatus.MATCHED
    assert explain(view).objects[0].slots[0].head == 1


def test_every_slot_has_a_reason_that_begins_with_its_part() -> None:
    view = make_view()
    reasons = [slot_reason(view, slot) for slot in range(8)]
    assert reasons[0] == (
        "ignored: its box overlaps object 0 (class cat) with IoU 0.63, too much for this loss to "
        "call it empty."
    )
    assert reasons[1] == (
        "object: it is trained for object 0 (class cat), with shape IoU 0.64; its box has IoU "
        "0.44 now."
    )
    assert reasons[2] == "no object: its box overlaps no object."
    assert reasons[7] == "no object: its box overlaps object 1 (class dog) with IoU 0.12 at most."


def test_a_slot_that_sees_an_object_but_is_pushed_down_says_so() -> None:
    view = make_view()
    see(view, 2, 1, 0.8)
    assert slot_reason(view, 2) == (
        "no object: its box does overlap object 1 (class dog) with IoU 0.80, but another slot is "
        "responsible for that object, and this loss pushes this one down."
    )


def test_ignored_for_another_reason_than_overlap() -> None:
    view = make_view()
    see(view, 0, 0, 0.0)
    assert slot_reason(view, 0) == (
        "ignored: it was compared for object 0 (class cat) with shape IoU 0.25, and another slot "
        "got it."
    )
    view = change(view, candidate_slots=np.full_like(view.assignment.candidate_slots, -1))
    assert "this loss does not train it as empty either" in slot_reason(view, 0)


def test_partition_is_checked_slot_by_slot_not_by_counts() -> None:
    view = make_view()
    assert is_partition(view)
    moved = view.assignment.ignore_mask.copy()
    moved[[0, 2]] = moved[[2, 0]]  # the counts stay as they are
    broken = change(view, ignore_mask=moved)
    assert explain(broken).masks == explain(view).masks
    assert not is_partition(broken)


def test_picture_without_objects() -> None:
    view = make_view(boxes=BOXES[:1], status=[ObjectStatus.PADDING], slots=[-1], scores=[[0, 0]])
    assert explain(view).objects == ()
    assert slot_reason(view, 2) == "no object: the picture holds no objects."


@pytest.mark.parametrize(
    ("total", "recorded", "agree"),
    [
        (1.0, 1.00005, True),
        (1.0, 1.0002, False),
        (0.0, 0.0, True),
        (0.0, 0.001, False),
        (float("nan"), float("nan"), True),
        (float("nan"), 1.0, False),
    ],
)
def test_totals_agree(total: float, recorded: float, agree: bool) -> None:
    assert totals_agree(total, recorded) is agree


def test_no_keras_and_no_tensorflow() -> None:
    code = (
        "import sys, yolo_core.explain.report; "
        "print(sorted({'keras', 'tensorflow'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_an_ignored_slot_names_the_rule_of_its_loss_with_the_threshold() -> None:
    view = dataclasses.replace(make_view(), ignore_rule=IgnoreRule("predicted_box", 0.6))
    assert slot_reason(view, 0) == (
        "ignored: its box overlaps object 0 (class cat) with IoU 0.63, "
        "and the rule ignores from IoU 0.60 on."
    )
