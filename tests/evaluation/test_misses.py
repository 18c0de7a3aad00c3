"""Found or not, and why not: one picture with two objects, detections put by hand."""

import dataclasses

import numpy as np
import pytest

from tests.dashboard.sample_run import exchanging, make_loss, make_snapshot
from yolo_core.evaluation.misses import Miss, find_objects, reachable

SLOTS = 108
# Objects 0 and 1, both of class 4. Two such boxes side by side, d apart, have the IoU
# (0.2 - d) / (0.2 + d): 0.8 for 0.0222, 0.6 for 0.05, 0.5 for 0.0667.
BOXES = ((0.4, 0.4, 0.2, 0.2), (0.5, 0.4, 0.2, 0.2))


def view_with(detections):
    """val/0 with nothing predicted but those: {slot: (class, score, kept, x of its centre)}."""
    view = make_snapshot(make_loss("yolov2"), 0).sample("val/0")
    objectness = np.zeros(SLOTS, np.float32)
    classes = np.zeros((SLOTS, 10), np.float32)
    keep = np.zeros(SLOTS, bool)
    boxes = np.zeros((SLOTS, 4), np.float32)
    for slot, (label, score, kept, x) in detections.items():
        objectness[slot], classes[slot, label], keep[slot] = score, 1.0, kept
        boxes[slot] = x, 0.4, 0.2, 0.2
    y_true = view.y_true.copy()
    y_true[:2, 1:5] = BOXES
    return dataclasses.replace(
        view,
        keep=keep,
        y_true=y_true,
        predictions={
            **view.predictions,
            "boxes": boxes,
            "objectness": objectness,
            "class_probabilities": classes,
        },
    )


@pytest.mark.parametrize(
    ("detections", "miss"),
    [
        ({7: (4, 0.9, True, 0.378)}, Miss.FOUND),
        ({7: (4, 0.3, True, 0.334)}, Miss.FOUND),
        ({7: (3, 0.9, True, 0.378)}, Miss.OTHER_CLASS),
        ({7: (4, 0.9, False, 0.378)}, Miss.SUPPRESSED),
        ({7: (4, 0.9, True, 0.332)}, Miss.LOOSE_BOX),
        ({7: (4, 0.2, True, 0.378)}, Miss.LOW_SCORE),
        ({7: (4, 0.9, True, 0.22)}, Miss.NOT_SEEN),
        ({}, Miss.NOT_SEEN),
    ],
)
def test_why_object_0_is_missed(detections, miss):
    assert find_objects(view_with(detections)).miss[0] == miss


def test_each_detection_finds_one_object_the_surest_first():
    # One box on both objects: it fits object 1 better.
    found = find_objects(view_with({7: (4, 0.9, True, 0.455)}))
    assert found.miss[:2].tolist() == [Miss.TAKEN, Miss.FOUND]
    assert found.false_detections == 0
    # A second one, which fits object 1 better too, finds what the first one left.
    both = {7: (4, 0.9, True, 0.455), 9: (4, 0.8, True, 0.465)}
    assert find_objects(view_with(both)).miss[:2].tolist() == [Miss.FOUND, Miss.FOUND]
    # A third one has nothing left to find.
    again = {**both, 11: (4, 0.7, True, 0.4)}
    assert find_objects(view_with(again)).false_detections == 1


def test_the_numbers_beside_a_miss():
    found = find_objects(view_with({7: (3, 0.9, True, 0.3778), 8: (4, 0.2, False, 0.35)}))
    assert found.best_iou[0] == pytest.approx(0.8, abs=1e-3)
    assert found.best_score[0] == np.float32(0.2)


def test_an_object_that_no_slot_is_trained_for_is_missed_for_that():
    view = make_snapshot(make_loss("yolov2"), 40).sample("val/1")
    # 0: overwritten; 2: outside; 3: without an area.
    assert [find_objects(view).miss[k] for k in (0, 2, 3)] == [Miss.NOT_TRAINED] * 3
    assert reachable(view).tolist() == [False, True, False, False, True]


def test_objects_on_one_slot_and_one_with_another_slot_can_be_found_both():
    view = make_snapshot(make_loss("mnist_yolo"), 40).sample("val/1")
    assert reachable(view).tolist() == [True, False, False, False, True]
    # Object 0 gets a second slot of its own: the shared one is free for object 1.
    matched = view.assignment.matched_object.copy()
    matched[np.flatnonzero(matched < 0)[0]] = 0
    two = dataclasses.replace(
        view, assignment=dataclasses.replace(view.assignment, matched_object=matched)
    )
    assert reachable(two).tolist() == [True, True, False, False, True]


@pytest.mark.parametrize("name", ["mnist_yolo", "yolov2", "yolov3"])
def test_an_object_whose_slot_is_trained_towards_another_place_cannot_be_found(name):
    view = make_snapshot(exchanging(make_loss(name)), 10, names=("val/0",)).sample("val/0")
    assert (view.assignment.object_slot >= 0).any(axis=1).all(), "every object has a slot"
    # The centre of object 2 lies on the diagonal, nearly.
    assert reachable(view).tolist() == [False, False, True, False, False]


def test_a_centre_that_no_slot_of_the_cell_can_reach_cannot_be_found():
    """A right target in a wrong cell: YOLOv2's centres stay in their own cells."""
    loss = make_loss("yolov2")
    right = make_snapshot(loss, 10, names=("val/0",)).sample("val/0")
    slot = int(right.assignment.object_slot[0, 0])
    # The same target, three cells to the right of where it belongs.
    place = right.layout.index(0, 2, 0, int(right.layout.anchor[slot]))
    targets = {name: value.copy() for name, value in right.targets.items()}
    for name in ("xy", "wh"):
        targets[name][place] = targets[name][slot]
    object_slot = right.assignment.object_slot.copy()
    matched = right.assignment.matched_object.copy()
    object_slot[0, 0], matched[slot], matched[place] = place, -1, 0
    wrong = dataclasses.replace(
        right,
        targets=targets,
        assignment=dataclasses.replace(
            right.assignment, object_slot=object_slot, matched_object=matched
        ),
    )
    assert reachable(right).tolist() == [True] * 5
    assert reachable(wrong).tolist() == [False, *[True] * 4]


def test_a_picture_without_objects():
    view = make_snapshot(make_loss("yolov2"), 0).sample("val/2")
    assert find_objects(view).miss.tolist() == reachable(view).tolist() == []
