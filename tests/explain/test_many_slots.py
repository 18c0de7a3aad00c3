"""Objects that train many slots, in words: which, why those, and whose they are besides."""

from __future__ import annotations

import numpy as np
import pytest

from yolo_core.assignment import ObjectStatus, trained_slots
from yolo_core.compare.side_by_side import sample_view
from yolo_core.explain.reasons import object_reason, trained_objects
from yolo_core.explain.report import explain
from yolo_core.explain.trace import candidates
from yolo_core.explain.whatif.outcomes import ObjectSubject, Outcomes, SlotSubject
from yolo_core.losses import published

# Cells of 8 and of 16 pixels in a picture of 64 x 64; each head has two anchors.
ANCHORS = [[[8, 8], [16, 12]], [[32, 24], [24, 40]]]
GRIDS = [(8, 8), (4, 4)]


def view_of(*boxes: tuple[float, float, float, float], **options: object):
    """Objects in pixels: x, y, width, height."""
    loss = published(
        "yolov5", anchors=ANCHORS, image_size=64, num_classes=2, grids=GRIDS, **options
    )
    y_true = np.zeros((len(boxes) + 1, 7), np.float32)
    for row, box in zip(y_true, boxes, strict=False):
        row[:6] = [1, *np.divide(box, 64), 1]
    return sample_view(
        loss,
        y_true=y_true,
        y_pred=np.zeros((160, 7), np.float32),
        image=np.zeros((64, 64, 1), np.uint8),
        class_names=("cat", "dog"),
        loss_name="it",
    )


def places(view, index: int) -> set[tuple[int, int, int, int]]:
    layout = view.layout
    return {
        (int(layout.head[s]), int(layout.row[s]), int(layout.column[s]), int(layout.anchor[s]))
        for s in trained_slots(view.assignment, index)
    }


def test_an_object_trains_three_cells_two_anchors_and_two_heads():
    # Centre (18, 20) px: on cells of 8 px in row 2.5 and column 2.25, on those of 16 in 1.25 and
    # 1.125. 12 x 10 px is 1.5 times 8, 1.33 times less than 16, 2.67 times less than 32 and 4
    # times less than 40.
    view = view_of((18, 20, 12, 10))
    fine = {(0, 2, column, anchor) for column in (2, 1) for anchor in (0, 1)}
    coarse = {(1, 1, 1, 0), (1, 1, 0, 0), (1, 0, 1, 0)}
    assert places(view, 0) == fine | coarse
    assert object_reason(view, 0) == (
        "It trains 7 slots, on heads 0 and 1. Head 0: Its centre (18.0, 20.0 px) lies in the left "
        "part of cell (row 2, column 2), so it trains 4 slots: anchors 0 and 1, in its cell and "
        "the one left. The sides of anchor 1 are most like its own: side ratio 0.75 (an anchor "
        "takes an object above 0.25). Its predicted box has IoU 0.62 now. Head 1: Its centre "
        "(18.0, 20.0 px) lies in the left upper part of cell (row 1, column 1), so it trains 3 "
        "slots: anchor 0, in its cell and the ones left and above. The sides of anchor 0 are most "
        "like its own: side ratio 0.38 (an anchor takes an object above 0.25). Its predicted box "
        "has IoU 0.16 now."
    )
    (report,) = explain(view).objects
    assert len(report.slots) == 7
    assert report.status is ObjectStatus.MATCHED


def test_an_object_that_no_anchor_takes():
    view = view_of((40, 40, 3, 60))
    assert places(view, 0) == set()
    reason = object_reason(view, 0)
    assert (
        "Head 0: No anchor has sides like its own: those of the best one, anchor 1, are" in reason
    )
    assert "up to 5.33 times as long or short (side ratio 0.19). It enters no term" in reason
    assert {each.decision for each in candidates(view, 0, 0)} == {"not taken; no object"}


def test_objects_that_share_slots_know_whose_objectness_is_whose():
    # Two boxes of one shape in cells next to each other, their centres on the sides that meet.
    view = view_of((23, 20, 16, 12), (25, 20, 16, 12))
    # Own cells of 8 px: columns 2 and 3 of row 2; each is the other one's neighbour.
    assert places(view, 0) & places(view, 1) >= {(0, 2, 2, 1), (0, 2, 3, 1)}
    left, right = view.layout.index(0, 2, 2, 1), view.layout.index(0, 2, 3, 1)
    assert (trained_objects(view, left), trained_objects(view, right)) == ([0, 1], [1, 0])
    assert (
        "It shares all of these slots with object 1 (class cat). A shared slot is trained for the "
        "box and the class of each of its objects, and for the objectness of one: in 2 of them "
        "that is another one."
    ) in object_reason(view, 0)
    said = {each.slot: each.decision for each in candidates(view, 0, 0)}
    assert said[left] == "taken, shared"
    assert said[right] == "taken as well; its objectness follows object 1 (class cat)"


def test_in_the_middle_of_a_cell_and_on_the_border_of_the_picture():
    view = view_of((20, 20, 8, 8), (1, 1, 8, 8))
    reason = object_reason(view, 0)
    assert "lies in the middle of cell (row 2, column 2), so it trains 2 slots" in reason
    assert "anchors 0 and 1, in that cell alone." in reason
    assert "the left upper part of cell (row 0, column 0), so it trains 2" in object_reason(view, 1)


@pytest.mark.parametrize("slips", [[], ["neighbour-overwrites"]])
def test_an_own_cell_is_kept_from_neighbours_but_for_the_slip(slips):
    # The later one reaches into the own cell of the first.
    view = view_of((23, 20, 16, 12), (25, 20, 16, 12), slips=slips)
    left = view.layout.index(0, 2, 2, 1)
    assert view.assignment.matched_object[left] == (1 if slips else 0)


def test_how_many_slots_it_trains_is_an_outcome():
    near, far = (Outcomes.recorded(view_of((x, 20, 12, 10))) for x in (18, 20))
    subject = ObjectSubject(0, 0)
    assert subject.outcome(near, 0).count == 4
    assert subject.outcome(far, 0).count == 2  # in the middle of its cell: no neighbour
    assert (subject.codes(near) != subject.codes(far)).any()
    slot = int(near.object_slot[0, 0, 0])
    assert (SlotSubject(slot).codes(near) == SlotSubject(slot).codes(far)).all()
