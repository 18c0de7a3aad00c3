"""Counterfactuals: true at the value, not true one step before it, for every loss."""

import numpy as np
import pytest

from tests.explain.whatif.judged import one_object, view_of
from tests.losses.loss_table import CASES, DEFAULTS, GRID, label
from yolo_core.assignment import ObjectStatus
from yolo_core.boxes import shape_iou
from yolo_core.compare.raw_shape import network_output
from yolo_core.compare.side_by_side import sample_view
from yolo_core.explain.whatif.assigner import Assigner
from yolo_core.explain.whatif.outcomes import (
    IGNORED,
    NO_OBJECT,
    ObjectSubject,
    Outcomes,
    SlotSubject,
)
from yolo_core.explain.whatif.search import box_changes, labels_with, threshold_changes

pytestmark = pytest.mark.slow

# Two in one cell of the 3 x 4 grid, one alone, one outside the picture.
SCENE = (
    label(0.40, 0.45, 0.30, 0.40, 1),
    label(0.43, 0.50, 0.20, 0.50, 2),
    label(0.80, 0.15, 0.25, 0.20, 0),
    label(1.20, 0.50, 0.20, 0.20, 0),
)


TWO_HEADS = [case for case in CASES if case.id == "yolov3/pytorch"]


@pytest.fixture(scope="module", params=[*DEFAULTS, *TWO_HEADS])
def judged(request):
    """(loss, sample, judge) of each loss, compiled once."""
    # A snapshot holds slots on one axis, which do not tell a head's rows and columns.
    one_head = request.param.name in ("yolov3", "yolov5")
    loss = request.param.loss(**({"grids": [GRID]} if one_head else {}))
    view = view_of(loss, request.param.predictions(1, seed=1), SCENE)
    assigner = Assigner(loss)
    return loss, view, lambda y_true, thresholds: assigner(view, y_true, thresholds)


def recorded_with(loss, view, y_true):
    """The outcome by the loss itself, without anything that was compiled for the search."""
    again = sample_view(
        loss,
        image=view.image,
        y_true=y_true,
        y_pred=network_output(loss, view.y_pred, view.layout.grids),
        class_names=view.class_names,
        loss_name=loss.name,
    )
    return Outcomes.recorded(again)


def subjects_of(view):
    slots = {int(view.assignment.object_slot[0, 0]), 0, view.layout.count // 2}
    slots |= {*np.flatnonzero(view.assignment.ignore_mask)[:2].tolist()}
    overlap = view.targets["overlap"].max(axis=1)
    slots.add(int(np.argmax(np.where(view.assignment.no_object_mask, overlap, -1))))
    rows = range(view.assignment.object_slot.shape[1])
    objects = [ObjectSubject(int(index), row) for index in view.objects for row in rows]
    return [*objects, *(SlotSubject(slot) for slot in sorted(slots))]


def test_without_a_change_it_is_what_was_recorded(judged):
    _, view, judge = judged
    assert not judge(view.y_true[None], {}).differs_from(Outcomes.recorded(view))


def test_a_change_of_a_box_does_what_it_says_and_not_one_step_before(judged):
    loss, view, judge = judged
    found = 0
    for index in (0, 2, 3):
        for change in box_changes(judge, view, index, subjects_of(view)):
            nearer = change.value - (change.step if change.up else -change.step)
            at, before = (
                recorded_with(loss, view, labels_with(view, index, change.number, value))
                for value in (change.value, nearer)
            )
            subject = change.subject
            now = subject.codes(Outcomes.recorded(view))
            assert subject.outcome(at, 0) == change.after
            assert (subject.codes(at) != now).any()
            np.testing.assert_array_equal(subject.codes(before), now)
            assert (change.value > change.start) == change.up
            found += 1
    assert found >= 8


def test_a_change_of_a_threshold_does_what_it_says_and_not_one_step_before(judged):
    loss, view, judge = judged
    found = threshold_changes(judge, view, loss.thresholds, subjects_of(view))
    assert bool(found) == bool(loss.thresholds)
    for change in found:
        nearer = change.value - (change.step if change.up else -change.step)
        now = change.subject.codes(Outcomes.recorded(view))
        results = []
        for value in (change.value, round(nearer, 2)):
            config = {**loss.get_config(), change.number: value}
            other = type(loss).from_config(config)
            results.append(recorded_with(other, view, view.y_true))
        assert change.subject.outcome(results[0], 0) == change.after
        np.testing.assert_array_equal(change.subject.codes(results[1]), now)


def test_a_centre_changes_its_cell_at_the_border():
    _, view, judge = one_object()
    found = {(c.number, c.up): c for c in box_changes(judge, view, 0, [ObjectSubject(0)])}
    # From 14.4 px in cells of 12 px: the border at 24 belongs to the next cell, that at 12 not.
    right, left = found["x", True], found["x", False]
    assert (view.layout.column[right.after.slot], right.move) == (2, pytest.approx(9.6, abs=0.011))
    assert (view.layout.column[left.after.slot], left.move) == (0, pytest.approx(2.4, abs=0.011))
    assert view.layout.row[found["y", True].after.slot] == 2


def test_a_size_changes_the_anchor_where_the_shape_overlaps_are_equal():
    _, view, judge = one_object(width=0.25, height=0.25)
    found = {(c.number, c.up): c for c in box_changes(judge, view, 0, [ObjectSubject(0)])}
    wider = found["width", True]
    assert view.layout.anchor[wider.after.slot] == 1
    shapes = np.float32([[12, 12], [24, 24]])
    for value, best in ((wider.value - 0.02, 0), (wider.value, 1)):
        score = np.asarray(shape_iou(np.float32([[value, 12.0]]), shapes))
        assert int(np.argmax(score)) == best


def test_the_ignore_threshold_is_the_recorded_overlap_cut_to_hundredths():
    loss, view, judge = one_object()
    overlap = view.targets["overlap"][:, 0]
    slot = int(np.argmax(np.where(view.assignment.no_object_mask, overlap, -1)))
    (change,) = threshold_changes(judge, view, loss.thresholds, [SlotSubject(slot)])
    assert (change.before.part, change.after.part, change.up) == (NO_OBJECT, IGNORED, False)
    assert change.value == np.floor(overlap[slot] * 100) / 100


def test_an_object_outside_the_picture_comes_in_at_its_border():
    _, view, judge = one_object(x=1.25)
    (change,) = (c for c in box_changes(judge, view, 0, [ObjectSubject(0)]) if c.number == "x")
    assert change.before.status is ObjectStatus.OUTSIDE
    assert change.after.status is ObjectStatus.MATCHED
    assert change.value == pytest.approx(48.0)


def test_an_object_without_numbers_has_no_way_to_go():
    _, view, judge = one_object(x=np.nan, y=np.nan, width=np.nan, height=np.nan)
    assert box_changes(judge, view, 0, [ObjectSubject(0)]) == []


def test_very_many_slots_go_through_in_parts(monkeypatch):
    _, view, judge = one_object()
    whole = box_changes(judge, view, 0, [ObjectSubject(0)])
    monkeypatch.setattr("yolo_core.explain.whatif.assigner.MOST_NUMBERS", 1000)
    assert box_changes(judge, view, 0, [ObjectSubject(0)]) == whole
