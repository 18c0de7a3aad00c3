"""Whether the slots that are ignored are those that the loss's own rule names."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.assignment import ObjectStatus
from yolo_core.breakdown import LossBreakdown
from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.loss_bench import LossBench
from yolo_core.explain.by_label import cell_of_centre
from yolo_core.models.decode import overlaps

_MARGIN = 0.01
_MOST_IGNORED = 0.5
_UNUSABLE = (ObjectStatus.OUTSIDE, ObjectStatus.ZERO_AREA, ObjectStatus.INVALID)


def _look(bench: LossBench) -> Iterator[Seen]:
    rule = bench.loss.ignore_rule
    if rule.kind == "hard_negatives":
        raise NotTried("It mines its negatives, which is a check of its own.")
    if rule.kind == "none":
        yield from _most_of_it(bench)
        return
    without, against, example = 0, 0, None
    for whole in (bench.rest, bench.random, bench.take_apart(_near(bench))):
        score = _scores(bench, whole)
        free = ~whole.assignment.object_mask
        ignored = whole.assignment.ignore_mask & free
        line = 0.5 if rule.threshold is None else rule.threshold
        too_many, too_few = (
            ignored & (score < line - _MARGIN),
            ~ignored & free & (score > line + _MARGIN),
        )
        without, against = without + int(too_many.sum()), against + int(too_few.sum())
        if example is None and (too_many | too_few).any():
            picture, slot = np.argwhere(too_many | too_few)[0].tolist()
            example = (bench.slot_words(slot), float(score[picture, slot]))
    if example is None:
        return
    rule_words = rule.sentence()
    yield Seen(
        {
            "rule": rule_words,
            "too_many": without,
            "too_few": against,
            "slot": example[0],
            "score": round(example[1], 3),
        },
        cause="plane" if without > 10 * max(against, 1) else "none" if not without else "",
    )


def _scores(bench: LossBench, whole: LossBreakdown) -> np.ndarray:
    """(B, P): what the rule compares, computed here from boxes and labels."""
    rule, layout = bench.loss.ignore_rule, bench.layout
    score = np.zeros(whole.assignment.object_mask.shape)
    for picture, index in bench.objects():
        status = whole.assignment.object_status[picture, index]
        if np.isin(status, _UNUSABLE).all():
            continue
        matched = whole.assignment.match_count[picture, index] > 0
        if rule.against == "assigned" and not matched.any():
            continue
        label = bench.y_true[picture, index, 1:5].astype(np.float64)
        if rule.kind == "predicted_box":
            own = overlaps(whole.predictions["boxes"][picture], label[None])[:, 0]
            if rule.against == "head":
                heads = layout.head[whole.assignment.object_slot[picture, index][matched]]
                own = np.where(np.isin(layout.head, heads), own, 0.0)
        elif rule.kind == "prior_box":
            own = overlaps(layout.prior, label[None])[:, 0]
        elif rule.kind == "prior_shape":
            shape = np.array([0, 0, 1, 1])
            own = overlaps(layout.prior * shape, label[None] * shape)[:, 0]
            own = np.where(_in_cell_of(bench, picture, index), own, 0.0)
        else:  # empty_cells
            own = _in_cell_of(bench, picture, index) * (1.0 if matched.any() else 0.0)
        score[picture] = np.maximum(score[picture], own)
    return score


def _in_cell_of(bench: LossBench, picture: int, index: int) -> np.ndarray:
    """(P,) bool: the slots of the cells that hold the centre of an object."""
    view = bench.view(picture, bench.rest_slots, bench.rest)
    layout = bench.layout
    found = np.zeros(layout.count, bool)
    for head in range(len(layout.grids)):
        found[layout.cell_slots(head, *cell_of_centre(view, index, head))] = True
    return found


def _near(bench: LossBench) -> np.ndarray:
    """(B, P, channels): slots that say the object in their cell, which no rule may train empty."""
    boxes = bench.rest.predictions["boxes"].astype(np.float64).copy()
    for picture, index in bench.objects():
        boxes[picture, _in_cell_of(bench, picture, index)] = bench.y_true[picture, index, 1:5]
    try:
        return bench.said(boxes, np.zeros(boxes.shape[:2]), np.full(boxes.shape[:2], -1))
    except NotTried:
        return bench.random_slots


def _most_of_it(bench: LossBench) -> Iterator[Seen]:
    share = bench.random.assignment.ignore_mask.mean(axis=1)
    worst = int(share.argmax())
    if share[worst] > _MOST_IGNORED:
        yield Seen(
            {
                "rule": "the loss names no rule",
                "too_many": int(bench.random.assignment.ignore_mask[worst].sum()),
                "too_few": 0,
                "slot": f"{share[worst]:.0%} of the slots of one picture",
                "score": 0.0,
            },
            cause="plane",
        )


CHECK = Check(
    id="ignoring",
    title="Other slots are ignored than the rule says",
    of="loss",
    means="Slots that should learn that they are empty do not, or good boxes are pushed down.",
    what="{rule}: {too_many} slots are ignored that do not reach it, and {too_few} that do are "
    "trained as empty, such as {slot} with {score}.",
    causes={
        "": "The rule compares another overlap, another threshold, or other objects than it says.",
        "plane": "The mask is written for whole rows, anchors or planes in place of single slots.",
        "none": "The rule is not applied, or inverted: boxes that lie well on an object are "
        "trained to say that there is none.",
    },
    tries="Draw the ignore mask on Inspect and count it by anchor; a rule that is right leaves "
    "small spots around objects.",
    look=_look,
    bugs=(12, 15),
    follows=("ledger", "targets", "overlap", "batch-split"),
)
