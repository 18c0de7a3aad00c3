"""Since when: at which recorded steps an object was detected, and a slot was right or wrong.

Read from the snapshots that training wrote; nothing is run again. No Keras in here.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from yolo_core.explain.reasons import trained_objects
from yolo_core.models.decode import overlaps, scores

if TYPE_CHECKING:
    from yolo_core.runs.snapshots import SampleView

DETECTED_IOU = 0.5
"""IoU with its object from which on a detection of the right class detects it."""


class SlotState(enum.IntEnum):
    """What a slot does at one step, see `slot_states`."""

    QUIET = 0
    """Right: it has no object to detect, and makes no detection."""
    FINDS = 1
    """Right: its detection finds an object, its own where it has one."""
    FALSE_ALARM = 2
    """Wrong: it has no object, and its detection finds none either."""
    MISSES = 3
    """Wrong: it has an object, and makes no detection of it."""
    LEFT = 4
    """Right: it has an object, which another slot finds; suppression may have taken its own."""

    @property
    def is_wrong(self) -> bool:
        """Whether the slot is wrong."""
        return self in (SlotState.FALSE_ALARM, SlotState.MISSES)


@dataclasses.dataclass(frozen=True)
class Sighting:
    """What one sample's detections found at one step; a few hundred bytes.

    D detections that survived suppression, n objects.

    Attributes:
        step: The snapshot's step.
        slot: (D,) int32, the detections' slots.
        score: (D,) float32.
        iou: (D, n) float32, IoU of a detection with an object of its class; 0 for another class.
        own: {slot: the places among the n objects of those that it is trained for}.
    """

    step: int
    slot: np.ndarray
    score: np.ndarray
    iou: np.ndarray
    own: dict[int, list[int]]


def sighting(view: SampleView) -> Sighting:
    """Keeps of a sample what `best_iou` and `slot_states` need, for any cut of the score."""
    score, label = scores(
        view.predictions["objectness"][None], view.predictions["class_probabilities"][None]
    )
    slot = np.flatnonzero(view.keep)
    objects = view.objects
    one_hot = view.y_true[objects, 5:]
    wanted = np.where((one_hot > 0).any(axis=1), one_hot.argmax(axis=1), -1)
    overlap = overlaps(view.predictions["boxes"][slot], view.y_true[objects, 1:5])
    place = {int(index): k for k, index in enumerate(objects)}
    return Sighting(
        step=view.step,
        slot=slot.astype(np.int32),
        score=score[0, slot],
        iou=np.where(label[0, slot][:, None] == wanted, overlap, 0).astype(np.float32),
        own={
            int(each): [place[index] for index in trained_objects(view, int(each))]
            for each in np.flatnonzero(view.assignment.object_mask)
        },
    )


def best_iou(sightings: Sequence[Sighting], cut: float) -> np.ndarray:
    """How well each object is found at each step.

    An object counts as detected from `DETECTED_IOU` on.

    Args:
        sightings: S of them, of one sample with n objects.
        cut: Lowest score of a detection that counts.

    Returns:
        (n, S) float32, the highest IoU of the object with a detection of its class; 0 where there
        is none.
    """
    columns = [each.iou[each.score >= cut].max(axis=0, initial=0.0) for each in sightings]
    return np.stack(columns, axis=1)


def slot_states(sightings: Sequence[Sighting], slots: Sequence[int], cut: float) -> np.ndarray:
    """Whether slots were right or wrong at each step.

    A slot finds an object if it is left over by suppression, scores `cut` or more, and has the
    object's class and an IoU of `DETECTED_IOU` or more with it. A slot that is trained for objects
    is right if it finds one of them, or makes no detection while another slot finds one, such as
    its neighbour that is ignored for seeing the object, too; any other slot is right if it makes no
    detection or finds an object.

    Args:
        sightings: S of them, of one sample.
        slots: s of them, indices on the slot axis.
        cut: Lowest score of a detection that counts.

    Returns:
        (s, S) int8, `SlotState` values.
    """
    states = np.zeros((len(slots), len(sightings)), np.int8)
    for column, each in enumerate(sightings):
        detections = {int(slot): k for k, slot in enumerate(each.slot)}
        for row, slot in enumerate(slots):
            at = detections.get(int(slot))
            made = at is not None and each.score[at] >= cut
            own = each.own.get(int(slot))
            if made and (each.iou[at, slice(None) if own is None else own] >= DETECTED_IOU).any():
                states[row, column] = SlotState.FINDS
            elif own is not None:
                found = each.iou[each.score >= cut][:, own] >= DETECTED_IOU
                left = not made and found.any()
                states[row, column] = SlotState.LEFT if left else SlotState.MISSES
            elif made:
                states[row, column] = SlotState.FALSE_ALARM
    return states


def first_true(flags: np.ndarray) -> int | None:
    """Index of the first true one of (S,) flags; None where all are false."""
    return int(np.argmax(flags)) if np.any(flags) else None


def stretch(flags: np.ndarray, at: int) -> tuple[int, int]:
    """First and last index of the unbroken stretch of (S,) flags around `at` that are like it."""
    others = np.flatnonzero(np.asarray(flags) != flags[at])
    before, after = others[others < at], others[others > at]
    return (
        int(before[-1]) + 1 if before.size else 0,
        int(after[0]) - 1 if after.size else len(flags) - 1,
    )
