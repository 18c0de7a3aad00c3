"""A gradient told term by term: what each term computes, where the published one does otherwise.

Every term of the published loss is looked for in the numbers that are its own: who is trained for
which object, towards what, by which error, with which activation. A form that gives all of them up
to one factor is the term; what it says otherwise than the published form is the answer. So two
mistakes in two terms are both named, and what no form explains is left unsaid.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Collection

import numpy as np

from yolo_core.assignment import IgnoreRule
from yolo_core.compare.own.forms.assignments import moves, own_assignments
from yolo_core.compare.own.forms.box_account import published_fit, tell_boxes
from yolo_core.compare.own.forms.class_account import tell_classes
from yolo_core.compare.own.forms.confidences import empty_forms, object_forms
from yolo_core.compare.own.forms.evidence import Evidence, Fit, Trained
from yolo_core.compare.own.forms.fitting import fitting
from yolo_core.compare.own.forms.ignoring import own_ignoring
from yolo_core.compare.own.forms.own_rule import NO_RULE, OwnRule
from yolo_core.compare.own.forms.told import Account, Told, slot_weights
from yolo_core.compare.own.term_factors import summed

MOST_MOVES = 6
_OVERLAP = "the overlap of its box with an object"


def tell(evidence: Evidence, rule: IgnoreRule, weighed: Collection[str] = ()) -> Account:
    """Tells a gradient.

    Args:
        evidence: The batch; `object_of` as the published loss has it.
        rule: The ignore rule of the published loss.
        weighed: Terms of which it is known already that they are the published ones, up to a
            weight: their weight is not told again.
    """
    told = Told(weighed)
    if not evidence.has_confidence:
        return _by_slots(evidence, told)
    evidence = _of_objects(evidence, told)
    found = []
    for own in own_assignments(evidence):
        by_rule = _by_rule(evidence, own, rule, copy.deepcopy(told))
        # Who is trained for what is guessed where no rule tells it: terms must bear it out.
        if own.words != NO_RULE or by_rule.fitted:
            found.append(by_rule)
    if not found:
        return Account()
    best = max(found, key=lambda each: (len(each.fitted), -len(each.remarks)))
    alike = frozenset(best.alike - set(best.beyond))
    return Account(tuple(best.remarks), alike, dict(best.beyond))


def _by_slots(evidence: Evidence, told: Told) -> Account:
    """Who is trained for which object, and no more."""
    for own in own_assignments(evidence)[:1]:
        if own.words and own.words != NO_RULE:
            _tell_moves(evidence, own, told)
    return Account(tuple(told.remarks))


def _tell_moves(evidence: Evidence, own: OwnRule, told: Told) -> None:
    """The rule, and the objects that it trains elsewhere."""
    moved = moves(evidence, own.object_of)
    told.cause(f"Other slots are trained for objects: {own.words}.")
    for move in moved[:MOST_MOVES]:
        told.cause("{move}", about="move", move=move)
    if len(moved) > MOST_MOVES:
        left = len(moved) - MOST_MOVES
        told.cause("And {left} more objects are trained elsewhere.", about="move", left=left)


def _by_rule(evidence: Evidence, own: OwnRule, rule: IgnoreRule, told: Told) -> Told:
    """Every term, given who is trained for which object."""
    yours = evidence
    if own.words:
        _tell_moves(evidence, own, told)
        yours = dataclasses.replace(evidence, object_of=own.object_of, shift=own.shift)
    told.shares = _shares(evidence)
    confidences = _objectness(evidence, yours, rule, told)
    tell_boxes(evidence, yours, rule, confidences, told)
    _no_object(evidence, yours, rule, told)
    tell_classes(evidence, yours, told)
    if own.words:
        # The same formulas, but on other slots.
        told.alike.clear()
    return told


def _shares(evidence: Evidence) -> tuple[float, ...]:
    """The factors of a loss that divides by the slots it trains, where it trains others."""
    found = []
    for channels in ([evidence.confidence], evidence.box_channels):
        counts = [
            int((gradient[..., channels] != 0).any(axis=-1).sum())
            for gradient in (summed(evidence.terms), evidence.gradient)
        ]
        if all(counts) and counts[0] != counts[1]:
            found.append(counts[0] / counts[1])
    return tuple(found)


def _of_objects(evidence: Evidence, told: Told) -> Evidence:
    """The gradient without what one term of the boxes trains on slots that are not its own."""
    channels = evidence.box_channels
    published = evidence.object_of >= 0
    parts = {"xy": channels[:2], "wh": channels[2:]}
    masks = {t: (evidence.gradient[..., part] != 0).any(axis=-1) for t, part in parts.items()}
    gradient = evidence.gradient.copy()
    for term, mask in masks.items():
        other = masks["wh" if term == "xy" else "xy"]
        more = mask & ~published
        if not (more.any() and (mask | ~published).all()):
            continue
        # A slot where the prediction is the target by chance has no gradient.
        if more.sum() > 0.9 * (~published).sum():
            told.cause(
                f"The term {term} is trained on slots without an object too: {{count}} of them "
                "(the mask of the objects is forgotten).",
                about="term",
                term=term,
                count=more.sum(),
            )
        elif not (other & ~published).any():
            alone = gradient.copy()
            alone[..., parts["wh" if term == "xy" else "xy"]] = 0.0
            rules = own_assignments(dataclasses.replace(evidence, gradient=alone))
            if not rules:
                continue
            words = f"The term {term} is trained on more slots: {rules[0].words}."
            told.cause(words, about="term", term=term)
        else:
            continue
        told.beyond[term] = 2 * int(more.sum())
        gradient[..., parts[term]] *= published[..., None]
    return dataclasses.replace(evidence, gradient=gradient) if told.beyond else evidence


def _objectness(evidence: Evidence, yours: Evidence, rule: IgnoreRule, told: Told) -> list[Fit]:
    """Confidence where there is an object: what it may be, the likeliest first."""
    if evidence.has_background:
        return []
    channel = [evidence.confidence]
    at, theirs = yours.slots(), evidence.slots()
    published = published_fit(
        evidence, "objectness", channel, object_forms(evidence, theirs), theirs
    )
    if published is None or not at.slot.size:
        return []
    numbers = at.of(yours.gradient)[:, channel]
    silent = ~np.asarray(numbers.any(axis=-1))
    # By the ignore rule, where those are silent that it would name.
    erased = silent.any() and rule.threshold is not None
    erased = erased and bool((_ignored(yours, rule, at) == silent).all())
    if silent.all() and not erased:
        told.cause(
            "The term objectness is left out: no slot with an object has its confidence trained.",
            about="term",
            term="objectness",
        )
        return []
    if silent.any():
        if not erased:
            return []
        told.cause(
            "The ignore rule silences slots with an object too: the confidence of {count} of {all} "
            "of them is not trained, those whose predicted box overlaps an object well.",
            count=silent.sum(),
            all=silent.size,
        )
        if silent.all():
            return []
        at = yours.trained(at.image[~silent], at.slot[~silent], at.index[~silent])
        numbers = numbers[~silent]
    forms = lambda left: object_forms(yours, at, left)  # noqa: E731
    weights = slot_weights(yours, at)
    if rule.threshold is not None:
        less, more = f"below {rule.threshold:g}", f"from {rule.threshold:g} on"
        weights[_OVERLAP] = np.where(_ignored(yours, rule, at), more, less)
    found = fitting(numbers, forms(numbers), like=published.form, weights=weights)
    if not found:
        as_empty = _as_empty(yours, at)
        for part in (as_empty, np.where(_ignored(yours, rule, at)[:, None], 0.0, as_empty)):
            left = numbers - part
            found = fitting(left, forms(left), like=published.form, scale=np.abs(numbers))
            if found:
                break
        if found:
            told.cause(
                "Slots with an object are trained as empty too: no_object has its error on them, "
                "beside that of objectness (the mask of the objects is forgotten)."
            )
            told.beyond["no_object"] = numbers.size
    if found:
        told.fit("objectness", found, published)
        told.measures_boxes = found[0].form.through is not None
        if found[0].weights == _OVERLAP:
            told.cause(
                "Slots with an object have the weight of no_object beside that of objectness, "
                "unless the ignore rule leaves them alone: the mask of the objects is forgotten."
            )
    if silent.any():
        told.alike.discard("objectness")
        found = [_on_all(fit, ~silent) for fit in found]
    return found


def _ignored(yours: Evidence, rule: IgnoreRule, at: Trained) -> np.ndarray:
    """(M,) bool: the slots with an object that the ignore rule would leave alone."""
    if rule.threshold is None:
        return np.zeros(len(at.slot), bool)
    overlap = np.asarray(yours.snapshot.breakdown.targets["overlap"], np.float64)
    return at.of(overlap).max(axis=-1) >= rule.threshold


def _on_all(fit: Fit, mask: np.ndarray) -> Fit:
    """A fit of some slots as one of all: nothing flows through the target of the others."""
    if fit.form.through is None:
        return fit
    some = fit.form.through()
    through = np.zeros((len(mask), some.shape[-1]))
    through[mask] = some
    return dataclasses.replace(fit, form=dataclasses.replace(fit.form, through=lambda: through))


def _as_empty(yours: Evidence, at: Trained) -> np.ndarray:
    """(M, 1) what slots with an object would have if they were trained as the empty ones are."""
    channel = [yours.confidence]
    image, slot = np.nonzero((yours.gradient[..., channel[0]] != 0) & (yours.object_of < 0))
    found = fitting(yours.gradient[image, slot][:, channel], empty_forms(yours, image, slot))
    if not found:
        return np.zeros((len(at.slot), 1))
    said = found[0].form.said
    form = next(each for each in empty_forms(yours, at.image, at.slot) if each.said == said)
    return found[0].factor * form.gradient


def _no_object(evidence: Evidence, yours: Evidence, rule: IgnoreRule, told: Told) -> None:
    """Which slots are trained as empty, and how."""
    term = "no_object"
    if term not in evidence.terms:
        return
    channels = [evidence.confidence]
    published_mask = evidence.terms[term][..., channels[0]] != 0
    mask = (yours.gradient[..., channels[0]] != 0) & (yours.object_of < 0)
    if not mask.any():
        count = int(published_mask.sum())
        told.cause(
            "The term no_object is left out: none of the {count} slots that the published loss "
            "trains as empty is trained (a weight of 0).",
            about="term",
            term="no_object",
            count=count,
        )
        return
    ignoring = own_ignoring(yours, rule, published_mask, mask, frozenset(told.mistakes))
    if ignoring is None:
        return
    known = {"xy", "wh"} <= told.fitted or evidence.has_background
    if ignoring.is_none and not known:
        told.cause(
            "Every slot without an object is trained as empty: there is no ignore rule, or its "
            "boxes are as wrong as those that are trained."
        )
    elif ignoring.words:
        told.cause(f"Other slots are trained as empty: {ignoring.words}.", **ignoring.values)
    for mistake in ignoring.mistakes:
        told.decoding(mistake)
    if evidence.has_background:
        return
    image, slot = np.nonzero(published_mask)
    published = fitting(
        evidence.terms[term][image, slot][:, channels], empty_forms(evidence, image, slot)
    )
    if not published:
        return
    image, slot = np.nonzero(mask)
    found = fitting(
        yours.gradient[image, slot][:, channels],
        empty_forms(yours, image, slot, yours.gradient[image, slot][:, channels]),
        like=published[0].form,
        weights={
            "head": yours.layout.head[slot].astype(int),
            "picture": image.astype(int),
        },
    )
    if found:
        told.fit(term, found, published[0])
    if (mask != published_mask).any():
        told.alike.discard(term)
