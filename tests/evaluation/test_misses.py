"""Found or not, and why not: one picture with two objects, detections put by hand."""

import dataclasses

import numpy as np
import pytest

from tests.dashboard.sample_run import make_loss, make_snapshot
from yolo_core.evaluation.misses import Miss, find_objects, reachable

# Objects 0 and 1 of val/0 are both of class 4.
SLOTS = 108


def view_with(detections):
    """val/0 with nothing predicted but those: {slot: (class, score, kept, {object: IoU})}."""
    view = make_snapshot(make_loss("yolov2"), 0).sample("val/0")
    objectness = np.zeros(SLOTS, np.float32)
    classes = np.zeros((SLOTS, 10), np.float32)
    keep = np.zeros(SLOTS, bool)
    overlap = np.zeros_like(view.targets["overlap"])
    for slot, (label, score, kept, ious) in detections.items():
        objectness[slot], classes[slot, label], keep[slot] = score, 1.0, kept
        for index, iou in ious.items():
            overlap[slot, index] = iou
    return dataclasses.replace(
        view,
        keep=keep,
        targets={**view.targets, "overlap": overlap},
        predictions={
            **view.predictions,
            "objectness": objectness,
            "class_probabilities": classes,
        },
    )


@pytest.mark.parametrize(
    ("detections", "miss"),
    [
        ({7: (4, 0.9, True, {0: 0.8})}, Miss.FOUND),
        ({7: (4, 0.3, True, {0: 0.5})}, Miss.FOUND),
        ({7: (3, 0.9, True, {0: 0.8})}, Miss.OTHER_CLASS),
        ({7: (4, 0.9, False, {0: 0.8})}, Miss.SUPPRESSED),
        ({7: (4, 0.9, True, {0: 0.4})}, Miss.LOOSE_BOX),
        ({7: (4, 0.2, True, {0: 0.8})}, Miss.LOW_SCORE),
        ({7: (4, 0.9, True, {0: 0.05})}, Miss.NOT_SEEN),
        ({}, Miss.NOT_SEEN),
    ],
)
def test_why_object_0_is_missed(detections, miss):
    assert find_objects(view_with(detections)).miss[0] == miss


def test_each_detection_finds_one_object_the_surest_first():
    # One box on both objects: it fits object 1 better.
    found = find_objects(view_with({7: (4, 0.9, True, {0: 0.6, 1: 0.7})}))
    assert found.miss[:2].tolist() == [Miss.TAKEN, Miss.FOUND]
    assert found.false_detections == 0
    # A second one finds what the first one left.
    both = {7: (4, 0.9, True, {0: 0.6, 1: 0.7}), 9: (4, 0.8, True, {0: 0.5, 1: 0.9})}
    assert find_objects(view_with(both)).miss[:2].tolist() == [Miss.FOUND, Miss.FOUND]
    # A third one has nothing left to find.
    again = {**both, 11: (4, 0.7, True, {0: 0.9})}
    assert find_objects(view_with(again)).false_detections == 1


def test_the_numbers_beside_a_miss():
    found = find_objects(view_with({7: (3, 0.9, True, {0: 0.8}), 8: (4, 0.2, False, {0: 0.6})}))
    assert found.best_iou[0] == np.float32(0.8)
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


def test_a_picture_without_objects():
    view = make_snapshot(make_loss("yolov2"), 0).sample("val/2")
    assert find_objects(view).miss.tolist() == reachable(view).tolist() == []
