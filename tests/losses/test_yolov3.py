"""YoloV3Loss on two heads by hand, its options, and what it refuses."""

import math

import numpy as np
import pytest

from yolo_core.assignment import ObjectStatus
from yolo_core.losses import YoloV3Loss, published

LOG_2 = math.log(2)
# A head of one cell and a head of four, one anchor each; two classes; all logits 0. So every
# sigmoid is 1/2 and the predicted boxes are anchors in the middle of their cells.
ANCHORS = [[[0.5, 0.5]], [[0.25, 0.5]]]
OUTPUTS = [np.zeros((1, 1, 1, 7), np.float32), np.zeros((1, 2, 2, 7), np.float32)]
SQUARE = [1, 0.75, 0.25, 0.5, 0.5, 0, 1]  # the upper right quarter: row 0, column 1 of four cells


def breakdown_of(*rows, anchors=ANCHORS, **options):
    loss = published("yolov3", anchors=anchors, num_classes=2, **options)
    return loss.breakdown(np.asarray([rows], np.float32), OUTPUTS).to_numpy()


def test_the_paper_trains_the_best_anchor_of_all_heads():
    breakdown = breakdown_of(SQUARE)
    terms = {term: float(value) for term, value in breakdown.terms.items()}
    assert terms == pytest.approx(
        {
            "xy": 0.25**2 + 0.25**2,  # (.75, .25) of the one cell of head 0
            "wh": 0.0,  # its anchor has the object's size
            "objectness": LOG_2,
            "classification": LOG_2,
            # Head 0 has no empty slot; of head 1 slot 2, the middle of its cell and half as wide
            # as the object, has IoU .5 and is ignored: the mean over three.
            "no_object": LOG_2,
        }
    )
    assert float(breakdown.total) == pytest.approx(0.125 + 3 * LOG_2)
    assert breakdown.assignment.ignore_mask[0].tolist() == [False, False, True, False, False]


def test_every_head_trains_the_object_as_published():
    slips = ["every-head", "ignore-by-anchor-shape", "no-object-times-100"]
    breakdown = breakdown_of(SQUARE, slips=slips)
    terms = {term: float(value) for term, value in breakdown.terms.items()}
    assert terms == pytest.approx(
        {
            # Head 0: (.75, .25) of the one cell; head 1: the middle of its cell.
            "xy": 0.25**2 + 0.25**2,
            # Head 0: the anchor's size; head 1: twice its width.
            "wh": LOG_2**2,
            "objectness": 2 * LOG_2,
            "classification": 2 * LOG_2,  # on each head the mean over two classes
            "no_object": LOG_2,  # head 0 has no empty slot, head 1 the mean over three
        }
    )
    assert float(breakdown.total) == pytest.approx(0.125 + LOG_2**2 + 104 * LOG_2)
    a = breakdown.assignment
    assert a.object_slot.tolist() == [[[0, 2]]]
    assert a.object_status.tolist() == [[[ObjectStatus.MATCHED] * 2]]
    assert a.object_mask[0].tolist() == [True, False, True, False, False]
    assert a.matched_object[0].tolist() == [0, -1, 0, -1, -1]
    # Head 0: two squares of .5, half a side apart in x and in y; head 1: half of the object.
    common = 0.25 * 0.25
    assert a.object_iou[0, 0].tolist() == pytest.approx([common / (0.5 - common), 0.5])
    assert breakdown.targets["xy"][0, 2].tolist() == [0.5, 0.5]
    assert breakdown.targets["wh"][0, 2].tolist() == pytest.approx([LOG_2, 0.0])


def test_the_best_of_all_anchors_trains_the_object():
    a = breakdown_of(SQUARE).assignment
    assert a.object_slot.tolist() == [[[0]]]
    assert a.candidate_slots.tolist() == [[[[0, 2]]]]
    assert a.candidate_score.ravel().tolist() == pytest.approx([1.0, 0.5])
    assert a.object_mask[0].tolist() == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("options", "ignored"),
    [
        ({"ignore_rule": "anchor_shape"}, []),  # by shape: above, not at the threshold
        ({"ignore_rule": "anchor_shape", "ignore_threshold": 0.49}, [2]),
        ({}, [2]),  # by box: at the threshold, too
        ({"ignore_threshold": 0.51}, []),
        ({"ignore_rule": "predicted_box_of_head"}, []),  # head 1 does not train the object
    ],
)
def test_ignore_rules(options, ignored):
    a = breakdown_of(SQUARE, **options).assignment
    assert np.flatnonzero(a.ignore_mask[0]).tolist() == ignored
    assert np.flatnonzero(a.no_object_mask[0]).tolist() == sorted({1, 2, 3, 4} - set(ignored))


def test_a_collision_on_one_head_only():
    # The second centre falls in the lower left cell of head 1, and both in the cell of head 0.
    other = [1, 0.25, 0.75, 0.5, 0.5, 1, 0]
    every = {"matching": "per_head"}
    a = breakdown_of(SQUARE, other, **every).assignment
    assert a.object_status[0].tolist() == [
        [ObjectStatus.OVERWRITTEN, ObjectStatus.MATCHED],
        [ObjectStatus.MATCHED, ObjectStatus.MATCHED],
    ]
    assert a.overwritten_by[0].tolist() == [[1, -1], [-1, -1]]
    assert a.matched_object[0].tolist() == [1, -1, 0, 1, -1]
    assert a.match_count[0].tolist() == [[0, 1], [1, 1]]
    one_hot = breakdown_of(SQUARE, other, class_collision="last", **every).terms["classification"]
    two_hot = breakdown_of(SQUARE, other, class_collision="all", **every).terms["classification"]
    assert float(one_hot) == pytest.approx(float(two_hot))  # at logit 0 either class costs log 2


def test_size_weighting_and_sums():
    every = {"matching": "per_head", "ignore_rule": "anchor_shape"}
    plain = breakdown_of(SQUARE, **every)
    weighted = breakdown_of(SQUARE, size_weighting=True, **every)
    for term in ("xy", "wh"):
        # 2 - .5 * .5
        assert float(weighted.terms[term]) == pytest.approx(1.75 * float(plain.terms[term]))
    summed = breakdown_of(SQUARE, normaliser="sum", **every)
    assert float(summed.terms["no_object"]) == pytest.approx(3 * LOG_2)
    assert float(summed.terms["classification"]) == pytest.approx(4 * LOG_2)


def test_anchors_in_pixels_in_a_list_and_by_mask_are_the_same():
    labels = np.asarray([[SQUARE]], np.float32)
    grids = [(1, 1), (2, 2)]
    joined = np.concatenate([each.reshape(1, -1, 7) for each in OUTPUTS], axis=1)
    pixels = [[[208, 208]], [[104, 208]]]
    totals = [
        YoloV3Loss(ANCHORS, 2)(labels, OUTPUTS),
        YoloV3Loss(ANCHORS, 2, grids=grids)(labels, joined),
        YoloV3Loss(pixels, 2, image_size=416)(labels, OUTPUTS),
        YoloV3Loss([[26, 16], [52, 16]], 2, image_size=(32, 104), anchor_mask=[[1], [0]])(
            labels, OUTPUTS
        ),
    ]
    assert [float(total) for total in totals] == pytest.approx([float(totals[0])] * 4)
    layout = YoloV3Loss(ANCHORS, 2).slots([each.shape for each in OUTPUTS])
    assert layout.grids == ((1, 1, 1), (2, 2, 1))
    assert layout.prior[2].tolist() == [0.75, 0.25, 0.25, 0.5]


def test_an_object_whose_anchor_no_head_uses():
    loss = YoloV3Loss([[0.25, 0.5], [0.5, 0.5]], 2, anchor_mask=[[0]], grids=[(2, 2)])
    labels = np.asarray([[SQUARE]], np.float32)
    a = loss.breakdown(labels, OUTPUTS[1]).to_numpy().assignment
    assert a.object_status.ravel().tolist() == [ObjectStatus.BELOW_THRESHOLD]
    assert not a.object_mask.any()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: YoloV3Loss([[0.5]], 2), "anchors must be pairs of width and height"),
        (lambda: YoloV3Loss([[0.5, -1.0]], 2), "above zero"),
        (lambda: YoloV3Loss([[116, 90]], 2), "or pixels together with image_size"),
        (lambda: YoloV3Loss([[0.5, 0.5]], 2, anchor_mask=[[0, 1]]), "from 0 to 0"),
        (lambda: YoloV3Loss(ANCHORS, 2, anchor_mask=[[0], [1]]), "anchor_mask goes with one"),
        (lambda: YoloV3Loss(ANCHORS, 2, grids=[(1, 1)]), "grids must be one"),
        (lambda: breakdown_of(SQUARE, matching="best"), "matching must be one of all_anchors, per"),
        (lambda: breakdown_of(SQUARE, probability_clip=0.7), "clip must be one of None"),
        (lambda: YoloV3Loss(ANCHORS, 2, ignore_threshold=2), "ignore_threshold must be 0 to 1"),
    ],
)
def test_options_that_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize(
    ("y_pred", "options", "sentence"),
    [
        (np.zeros((1, 5, 7)), {}, "make the loss with grids"),
        (
            np.zeros((1, 6, 7)),
            {"grids": [(1, 1), (2, 2)]},
            r"takes predictions of shape \(batch, 5",
        ),
        (np.zeros((1, 2, 2, 7)), {}, "has 2 heads; received 1 outputs"),
        ([OUTPUTS[0], np.zeros((1, 2, 2, 8))], {}, "Head 1 of YoloV3Loss has 1 anchors and 7"),
        (OUTPUTS, {"grids": [(1, 1), (2, 3)]}, "was made for grids"),
    ],
)
def test_predictions_that_are_refused(y_pred, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        YoloV3Loss(ANCHORS, 2, **options)(np.zeros((1, 1, 7)), y_pred)
