"""Since when an object is detected and a slot is wrong: by hand, and read from a snapshot."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.runs.snapshot_cases import make_snapshot
from yolo_core.explain.history import (
    Sighting,
    SlotState,
    best_iou,
    first_true,
    sighting,
    slot_states,
    stretch,
)

QUIET, FINDS, FALSE_ALARM, MISSES, LEFT = SlotState


def seen(step: int, *detections: tuple[int, float, list[float]]) -> Sighting:
    """A step with detections (slot, score, IoU with objects 0 and 1); slot 5 has object 0."""
    return Sighting(
        step=step,
        slot=np.array([slot for slot, _, _ in detections], np.int32),
        score=np.array([score for _, score, _ in detections], np.float32),
        iou=np.array([iou for _, _, iou in detections], np.float32).reshape(-1, 2),
        own={5: [0]},
    )


def test_the_best_iou_is_of_the_detections_above_the_cut() -> None:
    steps = [
        seen(0),
        seen(10, (5, 0.2, [0.9, 0.0])),
        seen(20, (5, 0.3, [0.6, 0.1]), (7, 0.8, [0.4, 0.0])),
    ]
    np.testing.assert_allclose(best_iou(steps, 0.3), [[0, 0, 0.6], [0, 0, 0.1]])
    np.testing.assert_allclose(best_iou(steps, 0.1), [[0, 0.9, 0.6], [0, 0, 0.1]])
    np.testing.assert_allclose(best_iou(steps, 0.9), np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("detection", "own", "other"),
    [
        (None, MISSES, QUIET),
        ((0.29, [0.9, 0.9]), MISSES, QUIET),  # below the cut
        ((0.3, [0.5, 0.0]), FINDS, FINDS),
        ((0.3, [0.49, 0.0]), MISSES, FALSE_ALARM),
        # It finds an object: that is enough for a slot without one, and not for one that has its
        # own to find.
        ((0.9, [0.0, 0.7]), MISSES, FINDS),
    ],
)
def test_a_slot_is_right_or_wrong(
    detection: tuple[float, list[float]] | None, own: SlotState, other: SlotState
) -> None:
    for slot, expected in ((5, own), (6, other)):
        step = seen(0, (slot, *detection)) if detection else seen(0)
        assert slot_states([step], [slot], 0.3).tolist() == [[expected]]


def test_which_states_are_wrong() -> None:
    assert [state.is_wrong for state in SlotState] == [False, False, True, True, False]


def test_a_slot_whose_object_a_healthy_neighbour_finds_is_not_wrong() -> None:
    """Slot 6 is ignored for seeing object 0 as well, and suppresses slot 5, which is trained."""
    step = seen(0, (6, 0.8, [0.9, 0.0]))
    assert slot_states([step], [5, 6], 0.3).tolist() == [[LEFT], [FINDS]]
    # At a higher cut nobody finds it; and what it finds itself must be right.
    assert slot_states([step], [5, 6], 0.9).tolist() == [[MISSES], [QUIET]]
    both = seen(0, (6, 0.8, [0.9, 0.0]), (5, 0.8, [0.2, 0.0]))
    assert slot_states([both], [5, 6], 0.3).tolist() == [[MISSES], [FINDS]]


def test_slots_and_steps_have_their_places() -> None:
    steps = [seen(0), seen(1, (5, 1.0, [0.8, 0.0]), (2, 1.0, [0.0, 0.0])), seen(2)]
    states = slot_states(steps, [2, 5], 0.5)
    assert states.tolist() == [[QUIET, FALSE_ALARM, QUIET], [MISSES, FINDS, MISSES]]


def test_a_slot_that_two_objects_share_is_right_with_either() -> None:
    step = dataclasses.replace(seen(0, (5, 0.9, [0.0, 0.7])), own={5: [0, 1]})
    assert slot_states([step], [5], 0.3).tolist() == [[FINDS]]


def test_what_a_snapshot_holds() -> None:
    snapshot = make_snapshot()
    view = snapshot.sample("val/0")
    kept = np.zeros(view.layout.count, bool)
    kept[[2, 5, 9]] = True
    classes = view.predictions["class_probabilities"]
    classes[:] = [0.2, 0.8]
    classes[5] = [0.5, 0.25]  # the object's class
    view.predictions["objectness"][:] = 0.5
    x, y, width, height = view.y_true[view.objects[0], 1:5]
    boxes = view.predictions["boxes"]
    boxes[:] = [3.0, 3.0, 0.1, 0.1]
    boxes[[2, 5]] = [[x, y, 0.9 * width, height], [x, y, width, 0.75 * height]]
    # What the loss says of it: of other objects than those of the labels, or of some only.
    view.targets["overlap"][:] = 0.0
    found = sighting(dataclasses.replace(view, keep=kept))
    assert found.step == 120
    assert found.slot.tolist() == [2, 5, 9]
    np.testing.assert_allclose(found.score, [0.4, 0.25, 0.4])
    # Another class than the object's finds nothing, however well it lies.
    np.testing.assert_allclose(found.iou, [[0], [0.75], [0]], rtol=1e-5)
    assert found.own == {5: [0]}


def test_a_picture_without_objects_has_rows_for_none() -> None:
    step = Sighting(0, np.array([3]), np.array([0.9], np.float32), np.zeros((1, 0)), {})
    assert best_iou([step, step], 0.3).shape == (0, 2)
    assert slot_states([step], [3, 4], 0.3).tolist() == [[FALSE_ALARM], [QUIET]]


def test_first_and_since() -> None:
    flags = np.array([False, False, True, True, False, True])
    assert first_true(flags) == 2
    assert first_true(flags[:2]) is None
    assert [stretch(flags, at) for at in range(6)] == [
        (0, 1),
        (0, 1),
        (2, 3),
        (2, 3),
        (4, 4),
        (5, 5),
    ]
