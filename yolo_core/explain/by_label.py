"""What a loss says of its boxes, held against the labels: it may have read them wrongly.

Its own overlaps and scores decide what a loss does, so what it did is said with these. How well a
box lies on an object is for the label to say. Where the two differ, the sentences give both.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from yolo_core.assignment import ObjectStatus
from yolo_core.explain.names import cell_name, object_name
from yolo_core.explain.target_boxes import target_boxes
from yolo_core.models.decode import overlaps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yolo_core.views import SampleView

SAME = 0.005
"""Two overlaps that are no further apart are rounded otherwise, and no other boxes."""
SAME_BOX = 0.98
"""IoU from which on a target is the label: float32 of a box of one pixel in a large picture."""
_NOT_LOOKED_AT = (ObjectStatus.OUTSIDE, ObjectStatus.ZERO_AREA, ObjectStatus.INVALID)
_X, _Y, _WIDTH, _HEIGHT = range(4)
_READINGS = {
    "x and y": [_Y, _X, _WIDTH, _HEIGHT],
    "width and height": [_X, _Y, _HEIGHT, _WIDTH],
    "x and y, and width and height,": [_Y, _X, _HEIGHT, _WIDTH],
}


def label_iou(view: SampleView, slots: Iterable[int] | slice, objects: Iterable[int]) -> np.ndarray:
    """(slots, objects) float64 IoU of predicted boxes with labels; 0 where one is no box."""
    chosen = slots if isinstance(slots, slice) else np.asarray(list(slots), np.int64)
    labels = view.y_true[np.asarray(list(objects), np.int64), 1:5]
    return overlaps(view.predictions["boxes"][chosen], labels)


def iou_with_label(view: SampleView, slot: int, index: int) -> float:
    """IoU of a slot's predicted box with the label of an object."""
    return float(label_iou(view, [slot], [index])[0, 0])


def score_with_label(view: SampleView, slot: int, index: int) -> float:
    """What `Assignment.candidate_measure` is of a slot and an object's label; NaN: not known."""
    measure = view.assignment.candidate_measure
    if measure == "box IoU":
        return iou_with_label(view, slot, index)
    if measure == "side ratio":
        with np.errstate(all="ignore"):
            ratio = view.y_true[index, 3:5] / view.layout.prior[slot, 2:]
            return float(np.minimum(ratio, 1 / ratio).min())
    # A shape has no place.
    which = [0, 0, 1, 1] if measure == "shape IoU" else [1, 1, 1, 1]
    prior, label = view.layout.prior[[slot]], view.y_true[[index], 1:5]
    iou = float(overlaps(prior * which, label * which)[0, 0])
    return iou if np.isfinite(prior).all() else np.nan


def differs(own: float, label: float) -> bool:
    """Whether what a loss says is not what the label says. Of what is no number nothing is said."""
    return abs(own - label) > SAME


def account(own: float, label: float) -> str:
    """What follows on a number of the loss's where the label says another one; else ""."""
    return f" by this loss's own account (by the label {label:.2f})" if differs(own, label) else ""


def iou_now(view: SampleView, slot: int, index: int) -> str:
    """How well a slot's box lies on its object now: "IoU 0.44", and where it differs the loss's."""
    label, own = iou_with_label(view, slot, index), float(view.targets["overlap"][slot, index])
    if not differs(own, label):
        return f"IoU {label:.2f}"
    return f"IoU {label:.2f} with its label ({own:.2f} by this loss's own account)"


def nearest_by_label(view: SampleView, slot: int) -> str:
    """Where a loss's account of a slot's box is not the labels': theirs, in brackets; else "".

    Objects that no slot can be trained for are none to a loss.
    """
    status = view.assignment.object_status[view.objects]
    objects = view.objects[~np.isin(status, _NOT_LOOKED_AT).all(axis=1)]
    label, own = label_iou(view, [slot], objects)[0], view.targets["overlap"][slot, objects]
    if not any(differs(*pair) for pair in zip(own, label, strict=True)):
        return ""
    best = int(np.argmax(label))
    with_what = f"{object_name(view, int(objects[best]))} with IoU {label[best]:.2f}"
    return (
        f" by this loss's own account (by the labels {with_what if label[best] else 'no object'})"
    )


@functools.lru_cache(maxsize=4)  # asked for every object of a view
def missed_targets(view: SampleView) -> dict[int, tuple[np.ndarray, float]]:
    """The objects that are trained towards a box that is not their label.

    Returns:
        {row of the object: (target, IoU)}, the target (4,) x_center, y_center, width, height as
        image fractions, of its own slot on the first head where it has one, and its IoU with the
        label; empty where all is right, and where the snapshot does not tell the targets.
    """
    boxes = target_boxes(view)
    if boxes is None:
        return {}
    found = {}
    for index in view.objects.tolist():
        own = [s for s in view.assignment.object_slot[index].tolist() if s >= 0]
        slots = [s for s in own if view.assignment.matched_object[s] == index]
        slots = [s for s in slots if np.isfinite(boxes[s]).all()]
        if not slots:
            continue
        iou = float(overlaps(boxes[slots[:1]], view.y_true[[index], 1:5])[0, 0])
        if iou < SAME_BOX:
            found[index] = (boxes[slots[0]], iou)
    return found


def target_sentence(view: SampleView, index: int) -> str:
    """That an object is trained towards another box than its label, with both; else ""."""
    missed = missed_targets(view).get(index)
    if missed is None:
        return ""
    target, iou = missed
    return (
        f"This loss trains it towards another box than its label: {_box_words(view, target)} in "
        f"place of {_box_words(view, view.y_true[index, 1:5])}, IoU {iou:.2f}."
    )


def target_doubts(view: SampleView) -> list[str]:
    """A sentence where objects are trained towards other boxes than their labels; else none."""
    missed = missed_targets(view)
    if not missed:
        return []
    labels = view.y_true[list(missed), 1:5]
    targets = np.stack([target for target, _ in missed.values()])
    read = [
        words
        for words, order in _READINGS.items()
        if all(
            overlaps(target[None], label[None, order])[0, 0] >= SAME_BOX
            for target, label in zip(targets, labels, strict=True)
        )
    ]
    worst = min(missed, key=lambda index: missed[index][1])
    target, iou = missed[worst]
    as_if = f", as if {read[0]} of the labels were exchanged" if read else ""
    return [
        f"This loss trains {len(missed)} of the {len(view.objects)} objects of {view.name} towards "
        f"other boxes than their labels{as_if}: {object_name(view, worst)} towards "
        f"{_box_words(view, target)}, while its label says "
        f"{_box_words(view, view.y_true[worst, 1:5])}; the IoU of the two is {iou:.2f}."
    ]


def cell_of_centre(view: SampleView, index: int, head: int) -> tuple[int, int]:
    """Row and column of the cell of a head that holds the centre of an object's label."""
    rows, columns, _ = view.layout.grids[head]
    x, y = view.y_true[index, 1:3]
    # float32, like the losses: a centre on a cell border then falls on the same side.
    row = min(int(np.floor(np.float32(y) * np.float32(rows))), rows - 1)
    return row, min(int(np.floor(np.float32(x) * np.float32(columns))), columns - 1)


def given_elsewhere(view: SampleView, index: int) -> list[int]:
    """The slots that an object trains in cells that do not hold its centre.

    None where the loss compares slots of several cells: those may lie anywhere.
    """
    assignment, layout = view.assignment, view.layout
    if assignment.candidate_measure == "prior IoU":
        return []
    found = []
    for row, slot in enumerate(assignment.object_slot[index].tolist()):
        if slot < 0 or not ObjectStatus(int(assignment.object_status[index, row])).is_matched:
            continue
        head = int(layout.head[slot])
        compared = [s for s in assignment.candidate_slots[index, row].tolist() if s >= 0]
        cells = {
            (int(layout.row[s]), int(layout.column[s])) for s in compared if layout.head[s] == head
        }
        own = (int(layout.row[slot]), int(layout.column[slot]))
        if cells <= {own} and own != cell_of_centre(view, index, head):
            found.append(slot)
    return found


def place_doubts(view: SampleView) -> list[str]:
    """A sentence where objects are given to cells that do not hold their centres; else none."""
    found = {
        index: slots for index in view.objects.tolist() if (slots := given_elsewhere(view, index))
    }
    if not found:
        return []
    layout = view.layout

    def places(index: int) -> tuple[tuple[int, int], tuple[int, int]]:
        slot = found[index][0]
        cell = (int(layout.row[slot]), int(layout.column[slot]))
        return cell, cell_of_centre(view, index, int(layout.head[slot]))

    exchanged = all(cell == centre[::-1] for cell, centre in map(places, found))
    index = next(iter(found))
    row, column = places(index)[1]
    why = " Are x and y, or rows and columns, exchanged?" if exchanged else ""
    return [
        f"This loss gives {len(found)} of the {len(view.objects)} objects of {view.name} to cells "
        f"that do not hold their centres: {object_name(view, index)} to "
        f"{cell_name(layout, found[index][0])}, while its centre lies in (row {row}, column "
        f"{column}).{why}"
    ]


def _box_words(view: SampleView, box: np.ndarray) -> str:
    height, width = view.image.shape[:2]
    x, y, w, h = (box * [width, height, width, height]).tolist()
    return f"({x:.1f}, {y:.1f} px), {w:.1f} x {h:.1f} px"
