"""No sentence contradicts the masks, whatever the threshold and the overlaps are."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from keras import ops

from tests.explain.test_reasons import make_loss, view_of
from yolo_core.assignment import NO_RULE, IgnoreRule
from yolo_core.explain.reasons import slot_reason
from yolo_core.explain.trace import comparisons
from yolo_core.losses import YoloV2Loss
from yolo_core.views import SampleView

CENTRE, SIZE = st.floats(0.05, 0.95), st.floats(0.1, 0.9)
BOXES = st.lists(st.tuples(CENTRE, CENTRE, SIZE, SIZE).map(list), min_size=1, max_size=4)
# How far the threshold lies from an overlap that some slot really has.
BESIDE = st.sampled_from([0.0, 3e-3, -3e-3, 4e-5, -4e-5, 1e-6, -1e-6, 1e-8, -1e-8])
BELOW_605 = float(np.nextafter(np.float32(0.605), np.float32(0)))
NUMBER = r"(\d(?:\.\d+(?:e-\d+)?)?)"
EXCUSES = ("which is trained by another head", "which is without a slot", "yet this loss")
RULES = {
    "yolov2": {},
    "yolov2/formula": {},
    "yolov3": {},
    "yolov3 by shape": {"ignore_rule": "anchor_shape"},
    "yolov3 of its head": {"ignore_rule": "predicted_box_of_head"},
}


def rule_numbers(sentence: str) -> tuple[float, float] | None:
    """The score that a sentence names, and the threshold that it holds it against."""
    score = re.search(rf"IoU {NUMBER}", sentence)
    limit = re.search(rf"(?:ignores from IoU|shape IoU above) {NUMBER}", sentence)
    if score is None or limit is None or score.start(1) >= limit.start(1):
        return None
    return float(score[1]), float(limit[1])


def contradictions(view: SampleView) -> list[str]:
    """The sentences that the mask, or their own numbers, prove wrong."""
    wrong = []
    by_shape = view.ignore_rule.kind == "prior_shape"
    for slot in np.flatnonzero(~view.assignment.object_mask).tolist():
        sentence = slot_reason(view, slot)
        ignored = bool(view.assignment.ignore_mask[slot])
        numbers = rule_numbers(sentence)
        if not sentence.startswith("ignored: " if ignored else "no object: "):
            wrong.append(sentence)
        elif numbers is not None and not any(each in sentence for each in EXCUSES):
            score, limit = numbers
            reaches = score > limit if by_shape else score >= limit
            if reaches != ignored:
                wrong.append(sentence)
        for each in comparisons(view, slot):
            said = each.decision.startswith("reaches it")
            if said != view.ignore_rule.reaches(each.iou):
                wrong.append(f"{sentence} {each.decision}")
    return wrong


@given(score=st.floats(0, 1, width=32), threshold=st.floats(0.01, 0.99), by_shape=st.booleans())
@example(score=0.602, threshold=0.605, by_shape=False)
@example(score=float(np.float32(0.605)), threshold=0.605, by_shape=False)
@example(
    score=float(np.nextafter(np.float32(0.605), np.float32(0))), threshold=0.605, by_shape=True
)
@settings(max_examples=300, derandomize=True, deadline=None)
def test_a_score_is_printed_on_its_side_of_the_threshold(score, threshold, by_shape):
    rule = IgnoreRule("prior_shape" if by_shape else "predicted_box", threshold)
    printed, limit = float(rule.score_text(score)), float(rule.threshold_text)
    assert limit == pytest.approx(threshold, abs=1e-9)
    reaches = printed > limit if by_shape else printed >= limit
    assert reaches == rule.reaches(score)


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
@given(boxes=BOXES, beside=BESIDE, pick=st.integers(0, 10_000))
@settings(max_examples=12, derandomize=True, deadline=None)
def test_no_sentence_of_a_published_loss_contradicts_its_mask(name, boxes, beside, pick):
    options = RULES[name]
    family = name.split(" ")[0]
    view = view_of(make_loss(family, ignore_threshold=0.5, **options), boxes)
    scores = (
        view.assignment.candidate_score[view.assignment.candidate_slots >= 0]
        if view.ignore_rule.kind == "prior_shape"
        else view.targets["overlap"][:, view.objects]
    )
    scores = np.unique(scores[(scores > 0.01) & (scores < 0.99)])
    threshold = 0.605 if not scores.size else float(scores[pick % scores.size]) + beside
    view = view_of(make_loss(family, ignore_threshold=threshold, **options), boxes)
    assert contradictions(view) == []
    sentences = [slot_reason(view, slot) for slot in range(view.layout.count)]
    assert not any("yet this loss" in each for each in sentences)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist_yolo", "yolov1", "yolov1 empty cells", "ssd"])
@given(boxes=BOXES)
@settings(max_examples=6, derandomize=True, deadline=None)
def test_no_sentence_of_a_loss_without_a_threshold_contradicts_its_mask(name, boxes):
    options = {"no_object": "empty_cells"} if name.endswith("cells") else {}
    assert contradictions(view_of(make_loss(name.split(" ")[0], **options), boxes)) == []


class IgnoresFrom(YoloV2Loss):
    """A loss of one's own that ignores from another overlap than the rule it names."""

    really = 0.3

    def breakdown(self, y_true, y_pred):
        whole = super().breakdown(y_true, y_pred)
        a = whole.assignment
        ignored = ops.max(whole.targets["overlap"], axis=-1) >= self.really
        ignored = ops.logical_and(ignored, ops.logical_not(a.object_mask))
        empty = ops.logical_not(ops.logical_or(a.object_mask, ignored))
        masks = dataclasses.replace(a, ignore_mask=ignored, no_object_mask=empty)
        return dataclasses.replace(whole, assignment=masks)


class SaysNothing(IgnoresFrom):
    """And one that names no rule."""

    ignore_rule = NO_RULE


@pytest.mark.parametrize(("kind", "threshold"), [(IgnoresFrom, 0.6), (IgnoresFrom, 0.1)])
@given(boxes=BOXES)
@settings(max_examples=6, derandomize=True, deadline=None)
def test_a_rule_that_the_mask_does_not_keep_is_said_to_be_broken(kind, threshold, boxes):
    anchors = np.multiply([[0.2, 0.2], [0.4, 0.5], [0.7, 0.2]], 4).tolist()
    view = view_of(kind(anchors, 2, ignore_threshold=threshold), boxes)
    assert contradictions(view) == []
    broken = [
        slot
        for slot in np.flatnonzero(~view.assignment.object_mask).tolist()
        if view.ignore_rule.reaches(view.targets["overlap"][slot].max())
        != view.assignment.ignore_mask[slot]
    ]
    assert all("yet this loss" in slot_reason(view, slot) for slot in broken)


@given(boxes=BOXES)
@settings(max_examples=6, derandomize=True, deadline=None)
def test_a_loss_that_names_no_rule_is_given_none(boxes):
    anchors = np.multiply([[0.2, 0.2], [0.4, 0.5], [0.7, 0.2]], 4).tolist()
    view = view_of(SaysNothing(anchors, 2), boxes)
    assert contradictions(view) == []
    assert not any("the rule" in slot_reason(view, slot) for slot in range(view.layout.count))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "sometimes"}, "the kind of"),
        ({"kind": "predicted_box"}, "the threshold of"),
        ({"kind": "none", "threshold": 0.5}, "the threshold of"),
        ({"kind": "prior_shape", "threshold": 1.5}, "the threshold of"),
        ({"kind": "hard_negatives"}, "the ratio of"),
        ({"kind": "predicted_box", "threshold": 0.5, "against": "all"}, "the against of"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        IgnoreRule(**fields)
