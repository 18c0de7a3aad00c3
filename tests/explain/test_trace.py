"""What became of each candidate, and what a slot is about, by pictures with known answers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.dashboard.sample_run import make_loss, make_snapshot
from tests.explain.made_view import BOXES, make_view
from yolo_core.assignment import IgnoreRule, ObjectStatus
from yolo_core.explain.reasons import object_reason, slot_reason
from yolo_core.explain.trace import candidates, channel_label, object_of_slot, push_words
from yolo_core.slots import SlotLayout


def test_every_candidate_says_what_became_of_it() -> None:
    view = make_view()  # slot 1 for object 0, slot 6 for object 1; slot 0 is ignored
    (taken, other), (mine, empty) = candidates(view, 0, 0), candidates(view, 1, 0)
    assert (taken.slot, taken.decision) == (1, "taken")
    assert (other.slot, other.decision) == (0, "not taken; ignored")
    assert (mine.slot, mine.decision) == (6, "taken")
    assert (empty.slot, empty.decision) == (7, "not taken; no object")


def test_a_slot_that_another_object_has_or_took_says_whose_it_is() -> None:
    view = make_view(boxes=[BOXES[0]] * 2, status=[3, 1], slots=[1, 1], scores=[[0.1, 0.6]] * 2)
    assert candidates(view, 0, 0)[0].decision == "wanted, but another object took it"
    taken = dataclasses.replace(view.assignment, overwritten_by=np.array([[1], [-1], [-1]]))
    view = dataclasses.replace(view, assignment=taken)
    assert candidates(view, 0, 0)[0].decision == "wanted, but object 1 (class dog) took it"
    view = make_view(boxes=[BOXES[0]] * 2, slots=[1, 0], scores=[[0.1, 0.6]] * 2)
    assert candidates(view, 0, 0)[1].decision == "trained for object 1 (class dog)"


def test_a_best_one_below_the_threshold_is_taken_all_the_same() -> None:
    view = dataclasses.replace(make_view(), thresholds={"overlap_threshold": 0.65})
    assert candidates(view, 0, 0)[0].decision == "taken all the same: its best"  # 0.64
    assert candidates(view, 1, 0)[0].decision == "taken"  # 0.67


def test_a_shared_slot_is_about_the_object_that_it_is_booked_on() -> None:
    view = make_snapshot(make_loss("mnist_yolo"), 20).sample("val/1")
    slot = int(view.assignment.object_slot[0, 0])
    assert view.assignment.object_slot[1, 0] == slot, "objects 0 and 1 share it"
    assert object_of_slot(view, slot) == view.assignment.matched_object[slot]


def test_the_score_of_a_slot_stands_once() -> None:
    """What decided is the IoU of its box, or another measure beside it."""
    layout = SlotLayout.from_grids([(2, 2, 2)])
    view = make_view(layout=layout, measure="box IoU")
    assert slot_reason(view, 6) == (
        "object: it is trained for object 1 (class dog); its box has IoU 0.67 now."
    )
    view = make_view(candidates=[[0, 2], [6, 7]])  # slot 1 was not compared for its object
    assert slot_reason(view, 1) == (
        "object: it is trained for object 0 (class cat); its box has IoU 0.44 now."
    )


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (IgnoreRule("predicted_box", 0.6), ", and the rule ignores from IoU 0.60 on"),
        (IgnoreRule(), ""),
    ],
)
def test_a_picture_without_objects_names_the_rule_of_what_it_ignores(
    rule: IgnoreRule, words: str
) -> None:
    view = make_view(boxes=BOXES[:1], status=[ObjectStatus.PADDING], slots=[-1], scores=[[0, 0]])
    view = dataclasses.replace(view, ignore_rule=rule)
    assert slot_reason(view, 0) == f"ignored: the picture holds no objects{words}."
    assert slot_reason(view, 2) == "no object: the picture holds no objects."


def test_who_took_a_slot_may_not_be_on_record() -> None:
    view = make_view(
        boxes=BOXES[:1], status=[ObjectStatus.OVERWRITTEN], slots=[1], scores=[[0.1, 0.6]]
    )
    assert "But another object comes later in the labels" in object_reason(view, 0)


def test_a_box_without_height_is_said_in_pixels() -> None:
    box = [0.5, 0.5, 0.3, 0.0]
    view = make_view(boxes=[box], status=[ObjectStatus.ZERO_AREA], slots=[-1], scores=[[0, 0]])
    assert object_reason(view, 0).startswith("Its box is 6.0 px wide and 0.0 px high: without")


def test_a_channel_is_of_a_class_where_its_name_says_which() -> None:
    view = make_view()
    names = ("x", "y", "w", "h", "class 1", "class 0", "class of its own")
    view = dataclasses.replace(view, channels=names)
    assert [channel_label(view, k) for k in (0, 5, 6)] == ["x", "class cat", "class of its own"]


def test_a_push_names_three_and_counts_the_rest() -> None:
    view = make_view()
    # Largest first, nothing below a tenth of the largest, objectness always.
    gradient = np.array([1.0, -2.0, 0.15, 0.4, -0.01, 0.6, 0.0])
    assert push_words(view, gradient) == (
        "centre down, centre left, class cat down, objectness up (weakly), 1 more"
    )
    assert push_words(view, np.zeros(7)) == "nothing"
    assert push_words(view, np.full(7, np.nan)) == "no number"
