"""Why an object has its slot, and why a slot has its role: sentences made from the evidence.

Generic over losses: the candidates of an object, their scores and what the score measures are in
the assignment, when a slot is left alone is in the ignore rule, and the sentences use nothing else.
Where the masks are not what the rule would make of the evidence, the sentence says that, too; and
where the evidence is not what the labels say, what they say (`by_label.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolo_core.assignment import LARGEST_LABEL, ObjectStatus, trained_slots
from yolo_core.explain.by_label import (
    account,
    cell_of_centre,
    iou_now,
    score_with_label,
    target_sentence,
)
from yolo_core.explain.ignoring import (
    best_overlap,
    by_mining,
    by_overlap,
    by_prior,
    by_shape,
    called_empty,
    candidacy,
    nearest_object,
    score_of,
)
from yolo_core.explain.many_slots import SIDES, by_sides, in_all, many_slots
from yolo_core.explain.names import cell_name, object_name, slot_word
from yolo_core.slots import SlotLayout

if TYPE_CHECKING:
    from yolo_core.runs.snapshots import SampleView

_BEST = {
    "shape IoU": "fits its width and height best",
    "box IoU": "predicts the box that overlaps it best",
    "prior IoU": "has the prior box that overlaps it best",
}
_NO_TERM = "It enters no term of the loss."
_FIELDS = ("object flag", "x_center", "y_center", "width", "height")


def object_reason(view: SampleView, index: int) -> str:
    """Why an object is trained by its slot, or by none: one to four sentences a head.

    Args:
        view: The sample.
        index: Row of the object in the labels.
    """
    rows = view.assignment.object_status.shape[1]
    reasons = [_head_reason(view, index, row) for row in range(rows)]
    if len(set(reasons)) == 1:  # the same on every head: outside, zero area, ...
        return reasons[0]
    heads = [f"Head {row}: {reason}" for row, reason in enumerate(reasons)]
    return " ".join(filter(None, [in_all(view, index), *heads]))


def slot_reason(view: SampleView, slot: int) -> str:
    """Why a slot is trained for an object, trained to say "no object", or ignored.

    Args:
        view: The sample.
        slot: Index on the slot axis.
    """
    assignment, rule = view.assignment, view.ignore_rule
    if assignment.object_mask[slot]:
        return _object_slot_reason(view, slot)
    part = "no object" if assignment.no_object_mask[slot] else "ignored"
    if view.objects.size == 0:
        why = f", and {rule.sentence()}" if rule.kind != "none" and part == "ignored" else ""
        if rule.kind == "hard_negatives" and part == "ignored":
            why = f", so no prior is matched and no negative is mined: {rule.sentence()}"
        return f"{part}: the picture holds no objects{why}."
    if rule.kind == "hard_negatives":
        return f"{part}: {by_mining(view, slot)}"
    if rule.kind == "prior_shape":
        return f"{part}: {by_shape(view, slot)}."
    if rule.kind == "prior_box":
        return f"{part}: {by_prior(view, slot)}."
    if rule.kind == "predicted_box":
        return f"{part}: {by_overlap(view, slot)}."
    if part == "no object":
        return f"no object: {called_empty(view, slot)}."
    overlap, near = nearest_object(view, slot)
    why = "" if rule.kind == "none" else f", and {rule.sentence()}"
    if rule.kind == "none" and overlap > 0:
        trained = best_overlap(view)[assignment.no_object_mask]
        if overlap >= trained.max(initial=0.0):
            return f"ignored: its box overlaps {near}, too much for this loss to call it empty."
    rival = candidacy(view, slot)
    if rival:
        return f"ignored: {rival}{why}."
    return (
        "ignored: it is responsible for no object, and this loss does not train it as empty "
        f"either; its box overlaps {near} at most{why}."
    )


def trained_objects(view: SampleView, slot: int) -> list[int]:
    """The objects that a slot is trained for: one, or several that share it, or none."""
    assignment = view.assignment
    first = int(assignment.matched_object[slot])
    if first < 0:
        return []
    return [first, *_rivals(view, first, slot)]


def _object_slot_reason(view: SampleView, slot: int) -> str:
    objects = trained_objects(view, slot)
    if not objects:
        return "object: it is responsible for an object."
    score = score_of(view, objects[0], slot)
    text = f"object: it is trained for {object_name(view, objects[0])}"
    if score is not None and view.assignment.candidate_measure != "box IoU":
        text += f", with {view.assignment.candidate_measure} {score:.2f}"
        text += account(score, score_with_label(view, slot, objects[0]))
    text += f"; its box has {iou_now(view, slot, objects[0])}"
    if len(objects) > 1:
        names = " and ".join(object_name(view, other) for other in objects[1:])
        return f"{text} now, and it is trained for {names} as well."
    return f"{text} now."


def _head_reason(view: SampleView, index: int, row: int) -> str:
    assignment = view.assignment
    status = ObjectStatus(int(assignment.object_status[index, row]))
    height, width = view.image.shape[:2]
    x, y, w, h = (float(value) for value in view.y_true[index, 1:5])
    centre = f"({x * width:.1f}, {y * height:.1f} px)"
    if status is ObjectStatus.PADDING:
        return "The label row holds no object."
    if status is ObjectStatus.INVALID:
        wrong = [
            f"{name} is {value}"
            for name, value in zip(_FIELDS, view.y_true[index, :5], strict=True)
            if not abs(value) <= LARGEST_LABEL
        ]
        what = ", ".join(wrong) or "it names no class, or a class entry is no usable number"
        return f"Its label row cannot be used: {what}. {_NO_TERM}"
    if status is ObjectStatus.OUTSIDE:
        return (
            f"Its centre {centre} lies outside the picture of {width} x {height} px, "
            f"so no cell owns it. {_NO_TERM}"
        )
    if status is ObjectStatus.ZERO_AREA:
        return (
            f"Its box is {w * width:.1f} px wide and {h * height:.1f} px high: without an area "
            f"there is nothing to match. {_NO_TERM}"
        )
    if status is ObjectStatus.BELOW_THRESHOLD:
        return f"{_below_threshold(view, index, row)} {_NO_TERM}"
    sentences = [_competition(view, index, row, centre)]
    if status is ObjectStatus.OVERWRITTEN:
        taker = int(assignment.overwritten_by[index, row])
        by = object_name(view, taker) if taker >= 0 else "another object"
        own = assignment.object_slot[index, row]
        rival = assignment.object_slot[taker, row] if taker >= 0 else own
        # YOLOv1 has one set of classes a cell: there the whole cell is taken, not just the slot.
        same = own == rival or assignment.matched_object[own] == taker
        what = "slot and took it" if same else "cell, which holds one object, and took it"
        mine, theirs = score_of(view, index, own), score_of(view, taker, own)
        if taker >= 0 and taker < index:
            overlap = f" with {assignment.candidate_measure} {theirs:.2f}" if theirs else ""
            why = " and comes first in the labels" if theirs == mine else ""
            sentences.append(f"But {by} took that slot: it fits it{overlap}{why}.")
        else:
            sentences.append(
                f"But {by} comes later in the labels, belongs to the same {what} over."
            )
        sentences.append(_NO_TERM)
        return " ".join(sentences)
    by_ratio = assignment.candidate_measure == SIDES
    if by_ratio:
        sentences = by_sides(view, index, row, centre)
    elif assignment.match_count[index, row] > 1:
        sentences.append(f"{many_slots(view, index, row)}; this is the best of them.")
    if status is ObjectStatus.SHARED and not by_ratio:
        slot = int(assignment.object_slot[index, row])
        names = " and ".join(object_name(view, each) for each in _rivals(view, index, slot))
        sentences.append(
            f"It shares that slot with {names or 'another object'}: both train one prediction, "
            "which can satisfy only one of them."
        )
    slot = int(assignment.object_slot[index, row])
    if assignment.candidate_measure != "box IoU" and slot >= 0:  # else its score has said that
        sentences.append(f"Its predicted box has {iou_now(view, slot, index)} now.")
    sentences.append(target_sentence(view, index))
    return " ".join(filter(None, sentences))


def _rivals(view: SampleView, index: int, slot: int) -> list[int]:
    """The other objects that train a slot."""
    return [
        int(other)
        for other in view.objects
        if other != index and slot in trained_slots(view.assignment, int(other))
    ]


def _candidates(view: SampleView, index: int, row: int) -> list[tuple[int, float]]:
    """(slot, score) of every candidate, best first, the first one first on a tie."""
    slots = view.assignment.candidate_slots[index, row]
    scores = view.assignment.candidate_score[index, row]
    pairs = [(int(s), float(v)) for s, v in zip(slots, scores, strict=True) if s >= 0]
    return sorted(pairs, key=lambda pair: -pair[1])


def _below_threshold(view: SampleView, index: int, row: int) -> str:
    candidates = _candidates(view, index, row)
    measure, layout = view.assignment.candidate_measure, view.layout
    # An anchor that no head of these predictions uses was compared, and has no slot.
    absent = view.assignment.candidate_score[index, row][
        view.assignment.candidate_slots[index, row] < 0
    ].max(initial=0.0)
    if not candidates and not absent:
        return "No slot reached the matching threshold."
    if measure == SIDES and candidates:
        (slot, score), word = candidates[0], slot_word(layout)
        return (
            f"No {word} has sides like its own: those of the best one, {word} "
            f"{layout.anchor[slot]}, are up to {1 / max(score, 1e-9):.3g} times as long or short "
            f"({SIDES} {score:.2f})."
        )
    slot, score = candidates[0] if candidates else (-1, 0.0)
    best = f"{slot_word(layout)} {layout.anchor[slot]} of {cell_name(layout, slot)}"
    if absent > score or (absent and not candidates):
        here = f"; of those that are, {best} fits best, with {score:.2f}" if candidates else ""
        return (
            f"The anchor that fits its width and height best, with {measure} {absent:.2f}, is "
            f"used by no head of these predictions{here}."
        )
    whose = account(score, score_with_label(view, slot, index))
    return (
        f"No slot reached the matching threshold: the best one, {best}, has only "
        f"{measure} {score:.2f}{whose}."
    )


def _competition(view: SampleView, index: int, row: int, centre: str) -> str:
    """Which cell owns the object, and how its slot won against the other candidates."""
    layout, measure = view.layout, view.assignment.candidate_measure
    own = int(view.assignment.object_slot[index, row])
    candidates = _candidates(view, index, row)
    word = slot_word(layout)
    one_cell = all(_same_cell(layout, own, slot) for slot, _ in candidates)

    def name(slot: int) -> str:
        inside = "" if one_cell else f" of {cell_name(layout, slot)}"
        return f"{word} {layout.anchor[slot]}{inside}"

    where = f"{_ownership(view, index, own, centre)} " if one_cell else ""
    scores = dict(candidates)
    if own not in scores:
        return f"{where}It was given to {name(own)}."
    if len(candidates) == 1:
        return f"{where}{name(own).capitalize()} was the only candidate."
    others = [(slot, score) for slot, score in candidates if slot != own]
    best, second = scores[own], others[0][1]
    whose = account(best, score_with_label(view, own, index))
    if len(set(scores.values())) == 1:
        return (
            f"{where}The {measure} is {best:.2f} for all {len(candidates)} {word}s alike{whose}, "
            f"so the first, {name(own)}, was taken."
        )
    if second > best:
        return (
            f"{where}It was given to {name(own)} with {measure} {best:.2f}{whose}, although "
            f"{name(others[0][0])} has {second:.2f}."
        )
    if second == best:
        return (
            f"{where}{name(own).capitalize()} and {name(others[0][0])} tie with {measure} "
            f"{best:.2f}{whose}; the first was taken."
        )
    digits = 2 if f"{best:.2f}" != f"{second:.2f}" else 4
    among = "" if one_cell else f", of {len(candidates)} compared"
    return (
        f"{where}{name(own).capitalize()} {_BEST.get(measure, 'scores best')}{among}: {measure} "
        f"{best:.{digits}f}{whose}, next {name(others[0][0])} with {second:.{digits}f}."
    )


def _same_cell(layout: SlotLayout, one: int, other: int) -> bool:
    return all(
        getattr(layout, axis)[one] == getattr(layout, axis)[other]
        for axis in ("head", "row", "column")
    )


def _ownership(view: SampleView, index: int, slot: int, centre: str) -> str:
    """Which cell the centre lies in, and that the loss chose another one where it did."""
    layout = view.layout
    row, column = cell_of_centre(view, index, int(layout.head[slot]))
    if (row, column) == (int(layout.row[slot]), int(layout.column[slot])):
        return f"Its centre {centre} lies in {cell_name(layout, slot)}."
    return (
        f"Its centre {centre} lies in cell (row {row}, column {column}), but this loss gives it to "
        f"{cell_name(layout, slot)}."
    )
