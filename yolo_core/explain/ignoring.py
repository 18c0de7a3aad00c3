"""Why a slot without an object is left alone or trained as empty, by the ignore rule of its loss.

Each sentence is made from the rule's fields, the evidence in the snapshot, and the mask; where the
mask is not what the rule would make of the evidence, it says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yolo_core.assignment import ObjectStatus
from yolo_core.explain.by_label import account, nearest_by_label, score_with_label
from yolo_core.explain.names import object_name
from yolo_core.models.decode import overlaps

if TYPE_CHECKING:
    from yolo_core.views import SampleView


def counts_for_rule(view: SampleView, slot: int, index: int) -> bool:
    """Whether the ignore rule looks at an object when it judges a slot."""
    against = view.ignore_rule.against
    if against == "objects":
        return True
    slots, status = view.assignment.object_slot[index], view.assignment.object_status[index]
    owned = [
        int(each)
        for each, is_now in zip(slots, status, strict=True)
        if ObjectStatus(int(is_now)).is_matched
    ]
    if against == "head":
        owned = [each for each in owned if view.layout.head[each] == view.layout.head[slot]]
    return bool(owned)


def called_empty(view: SampleView, slot: int) -> str:
    """Why a slot is trained as empty by a loss that looks at nothing that it predicts."""
    overlap, near = nearest_object(view, slot)
    if overlap < 0.5:
        return _overlap_words(view, slot)
    return (
        f"its box does overlap {near}, but another slot is responsible for that object, and this "
        "loss pushes this one down"
    )


def by_overlap(view: SampleView, slot: int) -> str:
    """Why a slot falls in its part where what it predicts decides."""
    rule, ignored = view.ignore_rule, bool(view.assignment.ignore_mask[slot])
    of_objects = view.targets["overlap"][slot]
    counted = [index for index in view.objects.tolist() if counts_for_rule(view, slot, index)]
    best = max(counted, key=lambda index: of_objects[index], default=None)
    reaches = best is not None and rule.reaches(of_objects[best])
    overlap, near = nearest_object(view, slot)
    if reaches and best is not None:
        near = f"{object_name(view, best)} with IoU {rule.score_text(float(of_objects[best]))}"
        near += nearest_by_label(view, slot)
        yet = "" if ignored else "; yet this loss trains it as empty"
        return f"its box overlaps {near}, and {rule.sentence()}{yet}"
    if ignored:
        yet = "; yet this loss leaves it alone"
        return f"{_overlap_words(view, slot)}, and {rule.sentence()}{yet}"
    if rule.reaches(overlap):
        why = "trained by another head" if rule.against == "head" else "without a slot"
        return f"its box does overlap {near}, which is {why}, and {rule.sentence()}"
    return f"{_overlap_words(view, slot)}{f', and {rule.sentence()}' if overlap > 0 else ''}"


def by_shape(view: SampleView, slot: int) -> str:
    """Why a slot falls in its part where anchors decide, and not what is predicted."""
    rule, ignored = view.ignore_rule, bool(view.assignment.ignore_mask[slot])
    claims = [
        (score, index)
        for index in view.objects
        if (score := score_of(view, index, slot)) is not None
    ]
    if not claims:
        yet = f", and {rule.sentence()}; yet this loss leaves it alone" if ignored else ""
        return f"no object has its centre in its cell; {_overlap_words(view, slot)}{yet}"
    score, index = max(claims, key=lambda claim: claim[0])
    yet = ""
    if rule.reaches(score) != ignored:
        yet = "; yet this loss " + ("leaves it alone" if ignored else "trains it as empty")
    return (
        f"its anchor has shape IoU {rule.score_text(score)} with {object_name(view, index)}"
        f"{account(score, score_with_label(view, slot, index))}, whose centre is in its cell, and "
        f"{rule.sentence()}{yet}"
    )


def by_prior(view: SampleView, slot: int) -> str:
    """Why a slot falls in its part where prior boxes decide, and not what is predicted."""
    rule, ignored = view.ignore_rule, bool(view.assignment.ignore_mask[slot])
    labels = view.y_true[view.objects, 1:5].astype(np.float64)
    scores = overlaps(view.layout.prior[slot][None].astype(np.float64), labels)[0]
    # What the loss itself compared, where the ledger kept it, to its last digit.
    scores = [
        float(overlap) if (kept := score_of(view, index, slot)) is None else kept
        for index, overlap in zip(view.objects.tolist(), scores, strict=True)
    ]
    best = int(np.argmax(scores))
    yet = ""
    if rule.reaches(scores[best]) != ignored:
        yet = "; yet this loss " + ("leaves it alone" if ignored else "trains it as empty")
    return (
        f"its prior box has IoU {rule.score_text(scores[best])} at most, with "
        f"{object_name(view, int(view.objects[best]))}, and {rule.sentence()}{yet}"
    )


def by_mining(view: SampleView, slot: int) -> str:
    """Why a prior is a hard negative, or none: sentences."""
    masks, rule = view.assignment, view.ignore_rule.sentence()
    count = int(masks.no_object_mask.sum())
    if not masks.object_mask.any():
        return f"no prior is matched, so no negative is mined: {rule}."
    background = 1 - view.predictions["objectness"].astype(np.float64)
    hardest = background[masks.no_object_mask].max(initial=0.0)
    own = f"p(background) {_apart(background[slot], hardest)}"
    if masks.no_object_mask[slot]:
        return (
            f"it is one of the {count} hardest negatives with {own}, and {rule}; "
            f"{_overlap_words(view, slot)}."
        )
    # A published slip ranks them otherwise.
    theirs = (
        f", theirs {_apart(hardest, background[slot])} at most"
        if hardest <= background[slot]
        else ""
    )
    rival = candidacy(view, slot)
    compared = f" {rival[0].upper()}{rival[1:]}." if rival else ""
    return f"it is none of the {count} hardest negatives ({own}{theirs}), and {rule}.{compared}"


def score_of(view: SampleView, index: int, slot: int) -> float | None:
    """What a slot scored when it was compared for an object; None if it was not."""
    found = np.argwhere(view.assignment.candidate_slots[index] == slot)
    return float(view.assignment.candidate_score[index][tuple(found[0])]) if found.size else None


def candidacy(view: SampleView, slot: int) -> str:
    """For which object a slot was compared, and with what score; empty if for none."""
    scores = {index: score_of(view, index, slot) for index in view.objects.tolist()}
    known = {index: score for index, score in scores.items() if score is not None}
    if not known:
        return ""
    index = max(known, key=known.__getitem__)
    return (
        f"it was compared for {object_name(view, index)} with "
        f"{view.assignment.candidate_measure} {known[index]:.2f}"
        f"{account(known[index], score_with_label(view, slot, index))}, and another slot got it"
    )


def _overlap_words(view: SampleView, slot: int) -> str:
    overlap, near = nearest_object(view, slot)
    if overlap > 0:
        return f"its box overlaps {near} at most"
    return f"its box overlaps no object{nearest_by_label(view, slot)}"


def nearest_object(view: SampleView, slot: int) -> tuple[float, str]:
    """The loss's IoU of a slot's box with the object that it overlaps most, and both in words."""
    of_objects = view.targets["overlap"][slot, view.objects]
    nearest = int(np.argmax(of_objects))
    index, overlap = int(view.objects[nearest]), float(of_objects[nearest])
    words = f"{object_name(view, index)} with IoU {view.ignore_rule.score_text(overlap)}"
    return overlap, f"{words}{nearest_by_label(view, slot)}"


def _apart(value: float, other: float) -> str:
    """A number with two digits, or four where two would read like the other one."""
    short = f"{value:.2f}"
    return f"{value:.4f}" if short == f"{other:.2f}" else short


def best_overlap(view: SampleView) -> np.ndarray:
    """(P,) IoU of each slot's predicted box with the object that it overlaps most."""
    return view.targets["overlap"][:, view.objects].max(axis=1)
