"""One slot explained: for which object it competes, with what scores, and what pulls it where.

Everything is read from a snapshot; nothing is computed again. No Keras and no TensorFlow in here.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from yolo_core.assignment import ObjectStatus, trained_slots
from yolo_core.explain.by_label import iou_with_label, label_iou, score_with_label
from yolo_core.explain.ignoring import counts_for_rule
from yolo_core.explain.names import object_name
from yolo_core.explain.reasons import trained_objects

if TYPE_CHECKING:
    from yolo_core.views import SampleView

MATCH = "overlap_threshold"
_LEAST_SHARE = 0.1
_MOST_NAMED = 3
_WAYS = {
    "x": ("centre left", "centre right"),
    "y": ("centre up", "centre down"),
    "w": ("width down", "width up"),
    "h": ("height down", "height up"),
}


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A slot that was compared for an object.

    Attributes:
        slot: Index on the slot axis.
        score: What it scored, in `Assignment.candidate_measure`, by the loss's own account.
        by_label: The same measure of the slot and the object's label.
        decision: What the rule made of it, in words.
    """

    slot: int
    score: float
    by_label: float
    decision: str


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A slot's predicted box held against an object, as the ignore rule does.

    Attributes:
        index: Row of the object.
        iou: IoU of the two boxes by the loss's own account, which the rule goes by.
        by_label: IoU of the predicted box with the object's label.
        decision: What the rule makes of it, in words.
    """

    index: int
    iou: float
    by_label: float
    decision: str


def object_of_slot(view: SampleView, slot: int) -> int | None:
    """The object that a slot is trained for; else the one that it was compared for with the best
    score; else the one whose label its box overlaps most; None where it meets none.
    """
    trained = trained_objects(view, slot)
    if trained:
        return trained[0]
    if not view.objects.size:
        return None
    assignment = view.assignment
    score = np.where(assignment.candidate_slots == slot, assignment.candidate_score, -1.0)
    best = np.nanmax(score.reshape(len(score), -1), axis=1, initial=-1.0)[view.objects]
    if best.max() >= 0:
        return int(view.objects[np.argmax(best)])
    overlap = label_iou(view, [slot], view.objects)[0]
    return int(view.objects[np.argmax(overlap)]) if overlap.max() > 0 else None


def ledger_row(view: SampleView, slot: int) -> int:
    """The ledger row that a slot belongs to: its head, where each head matches by itself."""
    rows = view.assignment.object_slot.shape[1]
    return int(view.layout.head[slot]) if rows == len(view.layout.grids) else 0


def candidates(view: SampleView, index: int, row: int) -> tuple[Candidate, ...]:
    """The slots that were compared for an object, best first, with what became of each.

    Args:
        view: The sample.
        index: Row of the object in the labels.
        row: Ledger row of the object.
    """
    slots = view.assignment.candidate_slots[index, row]
    scores = view.assignment.candidate_score[index, row]
    order = np.argsort(-scores, kind="stable")
    return tuple(
        Candidate(
            int(slots[k]),
            float(scores[k]),
            score_with_label(view, int(slots[k]), index),
            _decision(view, index, row, int(slots[k]), float(scores[k])),
        )
        for k in order.tolist()
        if slots[k] >= 0
    )


def comparisons(view: SampleView, slot: int) -> tuple[Comparison, ...]:
    """A slot's box against every object, the largest overlap first.

    Empty where the loss has no rule that ignores by predicted boxes, or the slot has an object.
    """
    if view.ignore_rule.kind != "predicted_box" or view.assignment.object_mask[slot]:
        return ()
    overlap = view.targets["overlap"][slot]
    order = view.objects[np.argsort(-overlap[view.objects], kind="stable")]
    return tuple(
        Comparison(
            index,
            float(overlap[index]),
            iou_with_label(view, slot, index),
            _judged(view, slot, index),
        )
        for index in order.tolist()
    )


def push_words(view: SampleView, gradient: np.ndarray) -> str:
    """Where a step against a gradient pushes a slot: "objectness down, width up".

    Channels with less than a tenth of the largest gradient are left out, but for objectness.

    Args:
        view: The sample.
        gradient: (channels,) on the raw numbers of the slot.
    """
    if not np.isfinite(gradient).all():
        return "no number"
    size = np.abs(gradient)
    if not size.any():
        return "nothing"
    order = np.argsort(-size, kind="stable")
    named = [k for k in order.tolist() if size[k] >= _LEAST_SHARE * size.max()]
    said = named[:_MOST_NAMED]
    words = [_push(view, k, float(gradient[k])) for k in said]
    # Whether the slot is to find something at all is asked first, however flat its sigmoid is.
    asked = [k for k in order.tolist() if view.channels[k] == "objectness" and size[k]]
    for k in asked:
        if k not in said:
            words.append(f"{_push(view, k, float(gradient[k]))} (weakly)")
    more = len(set(named) - {*said, *asked})
    if more:
        words.append(f"{more} more")
    return ", ".join(words)


def channel_label(view: SampleView, channel: int) -> str:
    """A channel as the tables call it: "x", "objectness", "class 7"."""
    name = view.channels[channel]
    if name.startswith("class ") and name[6:].isdecimal():
        return f"class {view.class_names[int(name[6:])]}"
    return name


def weighted_gradients(view: SampleView, slot: int) -> dict[str, np.ndarray]:
    """{term: (channels,)}: lambda times the gradient on a slot; empty without any on record."""
    return {name: view.lambdas[name] * each[slot] for name, each in view.gradients.items()}


def _push(view: SampleView, channel: int, gradient: float) -> str:
    ways = _WAYS.get(view.channels[channel])
    if ways is None:
        name = channel_label(view, channel)
        ways = (f"{name} down", f"{name} up")
    return ways[gradient < 0]


def _judged(view: SampleView, slot: int, index: int) -> str:
    """What the ignore rule makes of a slot's overlap with an object."""
    if not view.ignore_rule.reaches(view.targets["overlap"][slot, index]):
        return "below it"
    if not counts_for_rule(view, slot, index):
        head = view.ignore_rule.against == "head"
        return "reaches it, and does not count: " + ("another head's" if head else "without a slot")
    ignored = view.assignment.ignore_mask[slot]
    return "reaches it: ignored" if ignored else "reaches it, and yet trained as empty"


def _decision(view: SampleView, index: int, row: int, slot: int, score: float) -> str:
    assignment = view.assignment
    status = ObjectStatus(int(assignment.object_status[index, row]))
    if slot == int(assignment.object_slot[index, row]):
        if status is ObjectStatus.OVERWRITTEN:
            taker = int(assignment.overwritten_by[index, row])
            who = object_name(view, taker) if taker >= 0 else "another object"
            return f"wanted, but {who} took it"
        if status is ObjectStatus.SHARED:
            return "taken, shared"
        # SSD gives every object its best prior, however bad that is.
        forced = score < np.float32(view.thresholds.get(MATCH, -1.0))
        return "taken all the same: its best" if forced else "taken"
    trained = int(assignment.matched_object[slot])
    if trained == index:
        return "taken as well"
    if slot in trained_slots(assignment, index):
        return f"taken as well; its objectness follows {object_name(view, trained)}"
    if trained >= 0:
        return f"trained for {object_name(view, trained)}"
    if assignment.ignore_mask[slot]:
        return "not taken; ignored"
    return "not taken; no object"
