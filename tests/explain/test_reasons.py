"""Sentences about slots and objects, of every loss as it is, held against its own numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest

from yolo_core.assignment import ObjectStatus
from yolo_core.compare.side_by_side import sample_view
from yolo_core.explain.reasons import object_reason, slot_reason
from yolo_core.losses import DetectionLoss, SSDLoss, YoloV3Loss, published
from yolo_core.views import SampleView

CLASSES, CELLS = 2, 4
ANCHORS = [[0.2, 0.2], [0.4, 0.5], [0.7, 0.2]]  # image fractions
SLOTS = CELLS * CELLS * len(ANCHORS)
BOXES = [[0.3, 0.3, 0.25, 0.25], [0.7, 0.6, 0.4, 0.45], [0.72, 0.62, 0.2, 0.2]]
PICTURE = {
    "image": np.zeros((32, 32, 1), np.uint8),
    "class_names": ("cat", "dog"),
    "loss_name": "it",
}
MINED = "the rule trains only the 3 hardest negatives for each matched prior of the picture"


def labels(boxes: list[list[float]]) -> np.ndarray:
    rows = np.zeros((4, 5 + CLASSES), np.float32)
    for row, box in zip(rows, boxes, strict=False):
        row[:5], row[5] = [1, *box], 1
    return rows


def make_loss(family: str, **options: object) -> DetectionLoss:
    if family == "ssd":
        centre = (np.arange(CELLS) + 0.5) / CELLS
        y, x = np.meshgrid(centre, centre, indexing="ij")
        priors = [[*at, *size] for at in zip(x.flat, y.flat, strict=True) for size in ANCHORS]
        return SSDLoss(priors, CLASSES, grids=[(CELLS, CELLS, 3)])
    if family == "yolov3":
        options = {"grids": [(CELLS, CELLS)], "anchors": ANCHORS, **options}
    elif family.startswith("yolov2"):
        options = {"anchors": np.multiply(ANCHORS, CELLS).tolist(), **options}
    return published(family, num_classes=CLASSES, **options)


def view_of(loss: DetectionLoss, boxes: list[list[float]] = BOXES) -> SampleView:
    """Boxes that lie on their anchors, and all else noise."""
    raw = np.random.default_rng(0).normal(0, 0.3, (SLOTS, len(loss.channel_names)))
    return sample_view(loss, y_true=labels(boxes), y_pred=raw.astype(np.float32), **PICTURE)


def reasons_of(view: SampleView) -> dict[str, list[str]]:
    """{part: sentences}; every slot has one that begins with its part."""
    masks = view.assignment
    parts = {
        "object": masks.object_mask,
        "no object": masks.no_object_mask,
        "ignored": masks.ignore_mask,
    }
    found = {
        part: [slot_reason(view, int(slot)) for slot in np.flatnonzero(mask)]
        for part, mask in parts.items()
    }
    for part, sentences in found.items():
        assert all(each.startswith(f"{part}: ") and each.endswith(".") for each in sentences)
    return found


@pytest.mark.parametrize("rule", ["yolov2", "yolov3"])
def test_ignored_by_its_predicted_box_says_iou_and_threshold(rule: str) -> None:
    found = reasons_of(view_of(make_loss(rule, ignore_threshold=0.4)))
    assert found["ignored"]
    for each in found["ignored"]:
        iou = re.fullmatch(
            r"ignored: its box overlaps object \d \(class cat\) with IoU (0\.\d+), and the rule "
            r"ignores from IoU 0\.40 on\.",
            each,
        )[1]
        assert float(iou) >= 0.4
    said = [re.search(r"IoU (0\.\d+) at most, and the rule", each) for each in found["no object"]]
    assert any(said)
    assert all(float(each[1]) < 0.4 for each in said if each)


def test_ignored_by_its_anchor_says_the_shape_and_not_the_box() -> None:
    loss = make_loss("yolov3", ignore_rule="anchor_shape", ignore_threshold=0.3)
    found = reasons_of(view_of(loss))
    # .25 x .25 on .4 x .5 and on .7 x .2, and .4 x .45 on .7 x .2.
    assert found["ignored"] == [
        f"ignored: its anchor has shape IoU {iou} with object {index} (class cat), whose centre is "
        "in its cell, and the rule ignores slots of an object's own cell from a shape IoU above "
        "0.30 on."
        for iou, index in (("0.31", 0), ("0.33", 0), ("0.33", 1))
    ]
    elsewhere = [each for each in found["no object"] if "no object has its centre in" in each]
    assert len(elsewhere) == SLOTS - 6  # two cells hold objects


@pytest.mark.parametrize("family", ["yolov1", "mnist_yolo"])
def test_without_an_ignore_rule_nothing_is_ignored(family: str) -> None:
    found = reasons_of(view_of(make_loss(family)))
    assert found["ignored"] == []
    assert all("rule" not in each for part in found.values() for each in part)


def test_yolov1_with_empty_cells_ignores_the_other_boxes_of_a_cell() -> None:
    found = reasons_of(view_of(make_loss("yolov1", no_object="empty_cells")))
    assert len(found["ignored"]) == 4  # two of each cell that holds an object
    for each in found["ignored"]:
        assert "it was compared for object" in each
        assert each.endswith("the rule trains boxes as empty only in cells without an object.")


def test_hard_negatives_say_how_hard_they_are() -> None:
    view = view_of(make_loss("ssd"))
    found = reasons_of(view)
    matched = int(view.assignment.object_mask.sum())
    count = len(found["no object"])
    assert count == 3 * matched
    mined = rf"no object: it is one of the {count} hardest negatives with p\(background\) (0\.\d+)"
    hardest = [float(re.match(mined, each)[1]) for each in found["no object"]]
    spared = (
        rf"ignored: it is none of the {count} hardest negatives \(p\(background\) (0\.\d+), theirs "
        rf"(0\.\d+) at most\), and {MINED}\."
    )
    for each in found["ignored"]:
        own, theirs = map(float, re.match(spared, each).groups())
        assert own >= theirs == pytest.approx(max(hardest), abs=0.006)
        rest = each.removeprefix(re.match(spared, each)[0])
        assert re.fullmatch(r"|(?: It was compared for object \d \(class cat\) with .*\.)", rest)


def test_without_objects_ssd_mines_nothing() -> None:
    view = view_of(make_loss("ssd"), [])
    assert set(reasons_of(view)["ignored"]) == {
        "ignored: the picture holds no objects, so no prior is matched and no negative is mined: "
        f"{MINED}."
    }
    assert view.total == 0
    # Objects that cannot be matched are no positives either.
    view = view_of(make_loss("ssd"), [[0.5, 0.5, 0.0, 0.2]])
    assert set(reasons_of(view)["ignored"]) == {
        f"ignored: no prior is matched, so no negative is mined: {MINED}."
    }


def test_an_anchor_that_no_head_uses_is_no_threshold() -> None:
    loss = YoloV3Loss(
        [*ANCHORS, [0.9, 0.9]],
        CLASSES,
        grids=[(CELLS, CELLS)],
        anchor_mask=[[0, 1, 2]],
    )
    view = view_of(loss, [[0.5, 0.5, 0.9, 0.9], [0.1, 0.1, 0.2, 0.2]])
    assert view.assignment.object_status[:2, 0].tolist() == [
        ObjectStatus.BELOW_THRESHOLD,
        ObjectStatus.MATCHED,
    ]
    assert object_reason(view, 0) == (
        "The anchor that fits its width and height best, with shape IoU 1.00, is used by no head "
        "of these predictions; of those that are, anchor 1 of cell (row 2, column 2) fits best, "
        "with 0.25. It enters no term of the loss."
    )
    # The other head's anchor is better than what is here: that is how it comes, not a mistake.
    assert "fits its width and height best: shape IoU 1.00, next anchor 2" in object_reason(view, 1)


def retinanet(**options: object) -> DetectionLoss:
    """Anchors of the three shapes in every cell."""
    return published(
        "retinanet",
        anchors=make_loss("ssd").layout.prior,
        num_classes=CLASSES,
        grids=[(CELLS, CELLS, 3)],
        **options,
    )


def test_the_band_between_two_thresholds_is_ignored_by_the_prior_box() -> None:
    # The best anchor of the object has IoU .2 * .2 / (.3 * .2) = 0.67, the tall one .04 / .2 = 0.2.
    view = view_of(retinanet(background_threshold=0.15), [[0.375, 0.375, 0.2, 0.2]])
    reason = slot_reason(view, view.layout.index(0, 1, 1, 1))
    assert reason == (
        "ignored: its prior box has IoU 0.20 at most, with object 0 (class cat), and the rule "
        "ignores from IoU 0.15 of the prior box on."
    )
    far = slot_reason(view, view.layout.index(0, 3, 3, 0))
    assert far.startswith("no object: its prior box has IoU 0.00 at most, with object 0")


def test_an_object_with_many_slots_says_which() -> None:
    # Half the size of the anchor that lies on it, and of its neighbours only parts.
    loss = retinanet(foreground_threshold=0.2, background_threshold=0.1)
    view = view_of(loss, [[0.375, 0.375, 0.2, 0.2]])
    count = int(view.assignment.match_count[0, 0])
    slots = np.flatnonzero(view.assignment.matched_object == 0)
    assert len(slots) == count > 1
    anchors = sorted(set(view.layout.anchor[slots].tolist()))
    assert f"It trains {count} slots (" in object_reason(view, 0)
    assert all(str(anchor) in object_reason(view, 0) for anchor in anchors)


def test_an_object_whose_anchor_went_to_an_earlier_one_says_so() -> None:
    same = [[0.375, 0.375, 0.2, 0.2]] * 2
    view = view_of(retinanet(slips=["forced-for-another"]), same)
    assert view.assignment.overwritten_by[:2, 0].tolist() == [-1, 0]
    reason = object_reason(view, 1)
    assert "But object 0 (class cat) took that slot: it fits it with prior IoU 1.00" in reason
    assert "and comes first in the labels." in reason
