"""Which rule leaves alone the slots that somebody's loss leaves alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from yolo_core.assignment import IgnoreRule
from yolo_core.compare.own.forms.assignments import in_cell
from yolo_core.compare.own.forms.confidences import decodings
from yolo_core.compare.own.forms.decoding import decode
from yolo_core.compare.own.forms.evidence import Evidence
from yolo_core.compare.own.forms.functions import SCORES, TINY
from yolo_core.compare.own.forms.overlaps import from_corner, half_forgotten, iou
from yolo_core.compare.own.forms.own_rule import about

# What a missing rule cannot be told from.
OR_FAR_OFF = (
    "or one that leaves nothing alone here: boxes decoded so far off that none overlaps an object, "
    "true boxes in another unit, or priors looked at and not predicted boxes"
)
Overlap = Callable[[np.ndarray, np.ndarray], np.ndarray]
# A range of thresholds that is wider than that says nothing.
_WIDEST = 0.2


@dataclasses.dataclass(frozen=True)
class Measure:
    """By what a slot is ignored: (B, P) the larger, the sooner."""

    words: str
    value: np.ndarray
    mistakes: tuple[str, str] = ("", "")


def measures(evidence: Evidence, rule: IgnoreRule) -> Iterator[Measure]:
    """As published first: the best overlap of each box with an object that counts."""
    labels = evidence.rows[:, None, :, 1:5]
    pairs = list(decodings(evidence))
    own = evidence.boxes
    counting = {
        each: _counting(evidence, each) for each in dict.fromkeys((rule.against, "objects", "head"))
    }

    def best(
        boxes: np.ndarray, by: Overlap = iou, labels: np.ndarray = labels, who: str = rule.against
    ) -> np.ndarray:
        return (by(boxes[:, :, None], labels) * counting[who]).max(axis=-1, initial=0.0)

    yield Measure("", best(own))
    # (1, 1, B * N, 4) and (1, P, B * N): whoever counts in any picture.
    batch = np.concatenate(list(labels[:, 0]))[None, None]
    any_of = np.concatenate(list(np.moveaxis(counting[rule.against], 1, 2)))
    yield Measure(
        "the objects of all pictures of the batch, and not of its own picture alone",
        (iou(own[:, :, None], batch) * any_of.T[None]).max(axis=-1, initial=0.0),
    )
    for centre, size in pairs[1:]:
        if not (centre.mistake and size.mistake):
            boxes, _ = decode(evidence, centre, size)
            yield Measure("", best(boxes), (centre.mistake, size.mistake))
    yield Measure("boxes with half the width and height forgotten", best(own, by=half_forgotten))
    corner = np.concatenate([own[..., :2] + own[..., 2:] / 2, own[..., 2:]], axis=-1)
    yield Measure("predicted boxes whose centre is taken for the upper left corner", best(corner))
    yield Measure("boxes whose centres are taken for upper left corners", best(own, by=from_corner))
    yield Measure("x and y of the objects exchanged", best(own, labels=labels[..., [1, 0, 2, 3]]))
    turned = labels[..., [0, 1, 3, 2]]
    yield Measure("width and height of the objects exchanged", best(own, labels=turned))
    if evidence.layout.has_priors:
        prior = np.broadcast_to(evidence.layout.prior.astype(float), own.shape)
        yield Measure("the prior box, and not the predicted one", best(prior))
        middle = np.concatenate([np.zeros_like(prior[..., :2]), prior[..., 2:]], axis=-1)
        shapes = np.concatenate([np.zeros_like(labels[..., :2]), labels[..., 2:]], axis=-1)
        yield Measure(
            "the shape of the anchor in the cell of an object, and not the predicted box",
            (iou(middle[:, :, None], shapes) * in_cell(evidence)).max(axis=-1, initial=0.0),
        )
    yield Measure(
        "the object of its own cell alone",
        (iou(own[:, :, None], labels) * in_cell(evidence)).max(axis=-1, initial=0.0),
    )
    others = {"objects": "all objects of the picture", "head": "only the objects of its own head"}
    for who, words in others.items():
        if who != rule.against and (who != "head" or len(evidence.layout.grids) > 1):
            yield Measure(words, best(own, who=who))
    for centre, size in pairs[1:]:
        if centre.mistake and size.mistake:
            boxes, _ = decode(evidence, centre, size)
            yield Measure("", best(boxes), (centre.mistake, size.mistake))


def _counting(evidence: Evidence, against: str) -> np.ndarray:
    """(B, P or 1, N) bool: the objects that count for a slot."""
    usable = (evidence.rows[..., 0] != 0)[:, None]  # (B, 1, N)
    if against == "objects":
        return usable
    own, layout = evidence.object_of, evidence.layout
    owners = np.zeros((own.shape[0], layout.count, usable.shape[-1]), bool)
    for head in range(len(layout.grids)):
        at = layout.head == head if against == "head" else np.ones(layout.count, bool)
        for image, slots in enumerate(own):
            owners[image][:, slots[at & (slots >= 0)]] |= at[:, None]
    return owners & usable


@dataclasses.dataclass(frozen=True)
class Ignoring:
    """What a loss leaves alone.

    Attributes:
        words: "" where that is what the published loss does; names of values in braces.
        mistakes: In the decoding of x and y, and of w and h, that explain it.
        is_none: Whether it leaves nothing alone.
        values: What depends on the batch.
    """

    words: str
    mistakes: tuple[str, str] = ("", "")
    is_none: bool = False
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def own_ignoring(
    evidence: Evidence,
    rule: IgnoreRule,
    published: np.ndarray,
    own: np.ndarray,
    known: frozenset[str],
) -> Ignoring | None:
    """The rule that trains as empty just the slots that are; None where no known rule does.

    Args:
        evidence: The batch, with the objects of each slot as yours has them.
        rule: The published rule.
        published: (B, P) bool, the slots that the published loss trains as no object.
        own: (B, P) bool, those that yours does.
        known: Mistakes in decoding that other terms have shown.
    """
    empty = evidence.object_of < 0
    if (own == published).all() or (rule.kind == "none" and (own == empty).all()):
        return Ignoring("")
    count = int(empty.sum())
    if (own == empty).all():
        if rule.kind == "hard_negatives":
            return Ignoring(
                "there is no hard-negative mining: all {count} priors without an object are "
                "trained as background",
                values={"count": count},
            )
        # Boxes that are decoded so wrongly that they overlap nothing are never ignored.
        for each in measures(evidence, rule) if known and rule.threshold is not None else ():
            if (
                known >= set(filter(None, each.mistakes)) != set()
                and (each.value[empty] < (rule.threshold or 1)).all()
            ):
                return Ignoring("", each.mistakes)
        return Ignoring(
            "there is no ignore rule: all {count} slots without an object are trained as empty "
            f"({OR_FAR_OFF})",
            is_none=True,
            values={"count": count},
        )
    if rule.kind == "hard_negatives":
        return _mined(evidence, rule, own)
    if (own == (empty & ~in_cell(evidence).any(axis=-1))).all():
        return Ignoring(
            "only empty cells are, and the other boxes of a cell with an object are left alone"
        )
    threshold = rule.threshold
    # What other terms have shown explains this one too, if it can.
    every = sorted(measures(evidence, rule), key=lambda each: -len(known & set(each.mistakes)))
    for each in every:
        words = f"the ignore rule looks at {each.words}" if each.words else ""
        if threshold is not None:
            fits = each.value >= threshold
            if (own == (empty & ~fits)).all():
                return Ignoring(words, each.mistakes)
            if (own == (empty & fits)).all():
                return Ignoring(
                    "the ignore rule is the wrong way round (inverted): only slots that overlap "
                    "an object well are trained as empty",
                    each.mistakes,
                )
            plane = _in_planes(evidence, fits)
            if (own == (empty & ~plane)).all():
                return Ignoring(
                    "the ignore rule leaves the whole plane of an anchor alone (every cell of "
                    "it) where one of its boxes overlaps an object well",
                    each.mistakes,
                )
    for each in every:
        if not known >= set(filter(None, each.mistakes)):
            continue  # two guesses in one number
        low, high = each.value[empty & own].max(initial=0), each.value[empty & ~own].min(initial=1)
        if low < high and high - low <= _WIDEST:
            told = "the ignore rule ignores from an IoU of {threshold} on"
            if each.words:
                told += f", and looks at {each.words}"
            values = {"threshold": about(low, high)}
            return Ignoring(told + _instead(threshold), each.mistakes, values=values)
    return None


def is_refuted(evidence: Evidence, rule: IgnoreRule, own: np.ndarray, mistake: str) -> bool:
    """Whether boxes decoded with a mistake would leave other slots alone than (B, P) `own` shows.

    True only where boxes decoded as published leave just those alone.
    """
    if rule.threshold is None:
        return False
    empty = evidence.object_of < 0
    by_mistakes = {each.mistakes: each for each in measures(evidence, rule) if not each.words}

    def leaves(each: Measure) -> bool:
        return bool((own == (empty & (each.value < (rule.threshold or 1.0)))).all())

    with_it = [each for mistakes, each in by_mistakes.items() if set(mistakes) == {"", mistake}]
    return leaves(by_mistakes["", ""]) and not any(map(leaves, with_it))


def _instead(threshold: float | None) -> str:
    return (
        "; the published one has none"
        if threshold is None
        else f", the published one from {threshold:g}"
    )


def _in_planes(evidence: Evidence, fits: np.ndarray) -> np.ndarray:
    """(B, P) whether any slot of the same head and anchor fits."""
    found = np.zeros_like(fits)
    layout = evidence.layout
    for head, (_, _, count) in enumerate(layout.grids):
        for anchor in range(count):
            at = (layout.head == head) & (layout.anchor == anchor)
            found[:, at] = fits[:, at].any(axis=-1, keepdims=True)
    return found


def _mined(evidence: Evidence, rule: IgnoreRule, own: np.ndarray) -> Ignoring | None:
    """Which negatives are mined, where the published loss takes the hardest of each picture."""
    positive = evidence.object_of >= 0
    matched, taken = positive.sum(axis=-1), own.sum(axis=-1)
    by_loss = _hardness(evidence)
    hardness = by_loss[""]

    def hardest(by: np.ndarray, count: np.ndarray, among: np.ndarray) -> np.ndarray:
        order = np.argsort(np.argsort(-np.where(among, by, -np.inf), axis=-1), axis=-1)
        return (order < count[:, None]) & among

    for ratio in range(1, 11):
        each = "one hard negative" if ratio == 1 else f"{ratio} hard negatives"
        another = f"the ratio is {ratio}: {each} for each matched prior"
        these = f"the {ratio} negatives for each matched prior are"
        alone = (taken == np.minimum(ratio * matched, (~positive).sum(axis=-1))).all()
        pooled = taken.sum() == ratio * matched.sum()
        for words, by in by_loss.items() if alone or pooled else ():
            measured = f"the hardest by {words}"
            if alone and (own == hardest(by, taken, ~positive)).all():
                told = [another] if ratio != rule.ratio else []
                told += [measured if told else f"{these} {measured}"] if words else []
                return Ignoring(", ".join(told))
            over = hardest(
                np.where(positive, -np.inf, by).reshape(1, -1),
                taken.sum(keepdims=True),
                ~positive.reshape(1, -1),
            )
            if pooled and not alone and (own == over.reshape(own.shape)).all():
                told = f"{these} mined over the whole batch, and not in each picture"
                return Ignoring(f"{told}: {measured}" if words else told)
        if alone and (own == hardest(-hardness, taken, ~positive)).all():
            return Ignoring(f"{these} the easiest, and not the hardest")
        if alone:
            return Ignoring(f"{these} not those that are hardest by the published loss")
    nobody = matched == 0
    fewest = int(taken[nobody].max(initial=0))
    for ratio in range(1, 11) if fewest else ():
        if (own == hardest(hardness, np.maximum(ratio * matched, fewest), ~positive)).all():
            told = "" if ratio == rule.ratio else f", and {ratio} for each matched prior"
            return Ignoring(
                f"at least {fewest} negatives are taken of every picture{told}; published: none of "
                "a picture without a matched prior"
            )
    for ratio in range(1, 11):
        among = hardest(hardness, ratio * matched, np.ones_like(positive)) & ~positive
        if (own == among).all():
            return Ignoring(
                "the matched priors (positives) stay among those that negatives are mined from, "
                "and take the place of some"
            )
    return None


def _hardness(evidence: Evidence) -> dict[str, np.ndarray]:
    """{by what: (B, P)} how hard the class of each prior is; "" as the published loss has it."""
    scores = evidence.raw[..., evidence.class_channels]
    wanted = np.zeros_like(scores)
    image, slot = np.nonzero(evidence.object_of >= 0)
    wanted[..., 0] = evidence.object_of < 0
    wanted[image, slot, 1:] = evidence.rows[image, evidence.object_of[image, slot], 5:]
    targets = {"": wanted, "the background as the last class": np.roll(wanted, -1, axis=-1)}
    targets |= {
        f"label smoothing of {part:g}": wanted * (1 - part) + part / scores.shape[-1]
        for part in (0.1, 0.05, 0.01, 0.2)
    }
    found = {}
    for said, activation in SCORES.items():
        p = np.clip(activation(scores)[0], TINY, 1 - TINY)
        for words, target in targets.items():
            told = "" if said == "a softmax" else said
            errors = {
                "cross-entropy": -(target * np.log(p)),
                "binary cross-entropy": -(target * np.log(p) + (1 - target) * np.log(1 - p)),
                "the square": np.square(target - p),
            }
            for error, value in errors.items():
                parts = [told, "" if error == "cross-entropy" else error, words]
                found[" and ".join(filter(None, parts))] = value.sum(axis=-1)
    return found
