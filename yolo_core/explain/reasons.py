"""Why an object has its slot, and why a slot has its role: sentences made from the evidence.

Generic over losses: the candidates of an object, their scores and what the score measures are in
the assignment, when a slot is left alone is in the ignore rule, and the sentences use nothing else.
Where the masks are not what the rule would make of the evidence, the sentence says that, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yolo_core.assignment import LARGEST_LABEL, ObjectStatus
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


def slot_word(layout: SlotLayout) -> str:
    """What a slot of a cell is called: an anchor where there are priors, else a predictor."""
    return "anchor" if layout.has_priors else "predictor"


def cell_name(layout: SlotLayout, slot: int) -> str:
    """The cell of a slot, such as "cell (row 3, column 2)"; with its head if there are several."""
    head = f"head {layout.head[slot]}, " if len(layout.grids) > 1 else ""
    return f"{head}cell (row {layout.row[slot]}, column {layout.column[slot]})"


def object_name(view: SampleView, index: int) -> str:
    """An object with its class, such as "object 2 (class 7)"."""
    one_hot = view.y_true[index, 5:]
    if not np.any(one_hot > 0):
        return f"object {index}"
    return f"object {index} (class {view.class_names[int(np.argmax(one_hot))]})"


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
    return " ".join(f"Head {row}: {reason}" for row, reason in enumerate(reasons))


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
        return f"{part}: {_mining(view, slot)}"
    if rule.kind == "prior_shape":
        return f"{part}: {_own_cell_rule(view, slot)}."
    if rule.kind == "predicted_box":
        return f"{part}: {_overlap_rule(view, slot)}."
    if part == "no object":
        return f"no object: {_called_empty(view, slot)}."
    overlap, near = _nearest(view, slot)
    why = "" if rule.kind == "none" else f", and {rule.sentence()}"
    if rule.kind == "none" and overlap > 0:
        trained = _best_overlap(view)[assignment.no_object_mask]
        if overlap >= trained.max(initial=0.0):
            return f"ignored: its box overlaps {near}, too much for this loss to call it empty."
    candidacy = _candidacy(view, slot)
    if candidacy:
        return f"ignored: {candidacy}{why}."
    return (
        "ignored: it is responsible for no object, and this loss does not train it as empty "
        f"either; its box overlaps {near} at most{why}."
    )


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
    iou = float(view.targets["overlap"][slot, objects[0]])
    score = _score(view, objects[0], slot)
    text = f"object: it is trained for {object_name(view, objects[0])}"
    if score is not None and view.assignment.candidate_measure != "box IoU":
        text += f", with {view.assignment.candidate_measure} {score:.2f}"
    text += f"; its box has IoU {iou:.2f}"
    if len(objects) > 1:
        names = " and ".join(object_name(view, other) for other in objects[1:])
        return f"{text} now, and it is trained for {names} as well."
    return f"{text} now."


def _called_empty(view: SampleView, slot: int) -> str:
    """Why a slot is trained as empty by a loss that looks at nothing that it predicts."""
    overlap, near = _nearest(view, slot)
    if overlap < 0.5:
        return _overlap_words(view, slot)
    return (
        f"its box does overlap {near}, but another slot is responsible for that object, and this "
        "loss pushes this one down"
    )


def _overlap_rule(view: SampleView, slot: int) -> str:
    """Why a slot falls in its part where what it predicts decides."""
    rule, ignored = view.ignore_rule, bool(view.assignment.ignore_mask[slot])
    overlaps = view.targets["overlap"][slot]
    counted = [index for index in view.objects.tolist() if counts_for_rule(view, slot, index)]
    best = max(counted, key=lambda index: overlaps[index], default=None)
    reaches = best is not None and rule.reaches(overlaps[best])
    overlap, near = _nearest(view, slot)
    if reaches and best is not None:
        near = f"{object_name(view, best)} with IoU {rule.score_text(float(overlaps[best]))}"
        yet = "" if ignored else "; yet this loss trains it as empty"
        return f"its box overlaps {near}, and {rule.sentence()}{yet}"
    if ignored:
        yet = "; yet this loss leaves it alone"
        return f"{_overlap_words(view, slot)}, and {rule.sentence()}{yet}"
    if rule.reaches(overlap):
        why = "trained by another head" if rule.against == "head" else "without a slot"
        return f"its box does overlap {near}, which is {why}, and {rule.sentence()}"
    return f"{_overlap_words(view, slot)}{f', and {rule.sentence()}' if overlap > 0 else ''}"


def _own_cell_rule(view: SampleView, slot: int) -> str:
    """Why a slot falls in its part where anchors decide, and not what is predicted."""
    rule, ignored = view.ignore_rule, bool(view.assignment.ignore_mask[slot])
    claims = [
        (score, index) for index in view.objects if (score := _score(view, index, slot)) is not None
    ]
    if not claims:
        yet = f", and {rule.sentence()}; yet this loss leaves it alone" if ignored else ""
        return f"no object has its centre in its cell; {_overlap_words(view, slot)}{yet}"
    score, index = max(claims, key=lambda claim: claim[0])
    yet = ""
    if rule.reaches(score) != ignored:
        yet = "; yet this loss " + ("leaves it alone" if ignored else "trains it as empty")
    return (
        f"its anchor has shape IoU {rule.score_text(score)} with {object_name(view, index)}, whose "
        f"centre is in its cell, and {rule.sentence()}{yet}"
    )


def _mining(view: SampleView, slot: int) -> str:
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
    candidacy = _candidacy(view, slot)
    compared = f" {candidacy[0].upper()}{candidacy[1:]}." if candidacy else ""
    return f"it is none of the {count} hardest negatives ({own}{theirs}), and {rule}.{compared}"


def _score(view: SampleView, index: int, slot: int) -> float | None:
    """What a slot scored when it was compared for an object; None if it was not."""
    found = np.argwhere(view.assignment.candidate_slots[index] == slot)
    return float(view.assignment.candidate_score[index][tuple(found[0])]) if found.size else None


def _candidacy(view: SampleView, slot: int) -> str:
    """For which object a slot was compared, and with what score; empty if for none."""
    scores = {index: _score(view, index, slot) for index in view.objects.tolist()}
    known = {index: score for index, score in scores.items() if score is not None}
    if not known:
        return ""
    index = max(known, key=known.__getitem__)
    return (
        f"it was compared for {object_name(view, index)} with "
        f"{view.assignment.candidate_measure} {known[index]:.2f}, and another slot got it"
    )


def _overlap_words(view: SampleView, slot: int) -> str:
    overlap, near = _nearest(view, slot)
    return f"its box overlaps {near} at most" if overlap > 0 else "its box overlaps no object"


def _nearest(view: SampleView, slot: int) -> tuple[float, str]:
    """The IoU of a slot's box with the object that it overlaps most, and these two in words."""
    overlaps = view.targets["overlap"][slot, view.objects]
    nearest = int(np.argmax(overlaps))
    index, overlap = int(view.objects[nearest]), float(overlaps[nearest])
    return overlap, f"{object_name(view, index)} with IoU {view.ignore_rule.score_text(overlap)}"


def _apart(value: float, other: float) -> str:
    """A number with two digits, or four where two would read like the other one."""
    short = f"{value:.2f}"
    return f"{value:.4f}" if short == f"{other:.2f}" else short


def _best_overlap(view: SampleView) -> np.ndarray:
    """(P,) IoU of each slot's predicted box with the object that it overlaps most."""
    return view.targets["overlap"][:, view.objects].max(axis=1)


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
        what = "slot and took it" if own == rival else "cell, which holds one object, and took it"
        sentences.append(f"But {by} comes later in the labels, belongs to the same {what} over.")
        sentences.append(_NO_TERM)
        return " ".join(sentences)
    if assignment.match_count[index, row] > 1:
        sentences.append(
            f"It trains {assignment.match_count[index, row]} slots; this is the best of them."
        )
    if status is ObjectStatus.SHARED:
        slot = int(assignment.object_slot[index, row])
        names = " and ".join(object_name(view, each) for each in _rivals(view, index, slot))
        sentences.append(
            f"It shares that slot with {names or 'another object'}: both train one prediction, "
            "which can satisfy only one of them."
        )
    if assignment.candidate_measure != "box IoU":  # else its score has said that already
        iou = assignment.object_iou[index, row]
        sentences.append(f"Its predicted box has IoU {iou:.2f} now.")
    return " ".join(sentences)


def _rivals(view: SampleView, index: int, slot: int) -> list[int]:
    """The other objects that train a slot."""
    assignment = view.assignment
    return [
        int(other)
        for other in view.objects
        if other != index
        and any(
            own == slot and ObjectStatus(int(status)).is_matched
            for own, status in zip(
                assignment.object_slot[other], assignment.object_status[other], strict=True
            )
        )
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
    slot, score = candidates[0] if candidates else (-1, 0.0)
    best = f"{slot_word(layout)} {layout.anchor[slot]} of {cell_name(layout, slot)}"
    if absent > score or (absent and not candidates):
        here = f"; of those that are, {best} fits best, with {score:.2f}" if candidates else ""
        return (
            f"The anchor that fits its width and height best, with {measure} {absent:.2f}, is "
            f"used by no head of these predictions{here}."
        )
    return (
        f"No slot reached the matching threshold: the best one, {best}, has only "
        f"{measure} {score:.2f}."
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
    if len(set(scores.values())) == 1:
        return (
            f"{where}The {measure} is {best:.2f} for all {len(candidates)} {word}s alike, so the "
            f"first, {name(own)}, was taken."
        )
    if second > best:
        return (
            f"{where}It was given to {name(own)} with {measure} {best:.2f}, although "
            f"{name(others[0][0])} has {second:.2f}."
        )
    if second == best:
        return (
            f"{where}{name(own).capitalize()} and {name(others[0][0])} tie with {measure} "
            f"{best:.2f}; the first was taken."
        )
    digits = 2 if f"{best:.2f}" != f"{second:.2f}" else 4
    among = "" if one_cell else f", of {len(candidates)} compared"
    return (
        f"{where}{name(own).capitalize()} {_BEST.get(measure, 'scores best')}{among}: {measure} "
        f"{best:.{digits}f}, next {name(others[0][0])} with {second:.{digits}f}."
    )


def _same_cell(layout: SlotLayout, one: int, other: int) -> bool:
    return all(
        getattr(layout, axis)[one] == getattr(layout, axis)[other]
        for axis in ("head", "row", "column")
    )


def _ownership(view: SampleView, index: int, slot: int, centre: str) -> str:
    """Which cell the centre lies in, and that the loss chose another one where it did."""
    layout = view.layout
    rows, columns, _ = layout.grids[int(layout.head[slot])]
    x, y = view.y_true[index, 1:3]
    # float32, like the losses: a centre on a cell border then falls on the same side.
    row = min(int(np.floor(np.float32(y) * np.float32(rows))), rows - 1)
    column = min(int(np.floor(np.float32(x) * np.float32(columns))), columns - 1)
    if (row, column) == (int(layout.row[slot]), int(layout.column[slot])):
        return f"Its centre {centre} lies in {cell_name(layout, slot)}."
    return (
        f"Its centre {centre} lies in cell (row {row}, column {column}), but this loss gives it to "
        f"{cell_name(layout, slot)}."
    )
