"""One picture, small enough to do the arithmetic on paper."""

import math

import numpy as np
import pytest

from yolo_core.assignment import NO_RULE, IgnoreRule, ObjectStatus
from yolo_core.losses import MnistYoloLoss, published

LOG_2 = math.log(2)


def terms_of(breakdown):
    return {term: float(value) for term, value in breakdown.terms.items()}


def test_mnist_yolo_on_a_2x2_grid():
    # One predictor a cell, two classes; all logits 0, so every sigmoid and probability is 1/2 and
    # every predicted box (1/2, 1/2, 1/2, 1/2).
    y_pred = np.zeros((1, 2, 2, 7), np.float32)
    # Class 1 in the upper right quarter: row floor(.25 * 2) = 0, column floor(.75 * 2) = 1, slot 1.
    y_true = np.asarray([[[1, 0.75, 0.25, 0.5, 0.5, 0, 1]]], np.float32)
    breakdown = MnistYoloLoss(num_classes=2).breakdown(y_true, y_pred).to_numpy()
    assert terms_of(breakdown) == pytest.approx(
        {
            "objectness": LOG_2,  # -log(1/2)
            "xy": (0.25**2 + 0.25**2) / 4,  # box errors are means over four numbers
            "wh": 0.0,
            "classification": LOG_2,
            "no_object": LOG_2,  # the mean over three slots of -log(1 - 1/2)
        }
    )
    assert float(breakdown.total) == pytest.approx(3 * LOG_2 + 5 * 0.03125)
    a = breakdown.assignment
    assert a.object_mask[0].tolist() == [False, True, False, False]
    assert a.no_object_mask[0].tolist() == [True, False, True, True]
    assert a.object_slot.ravel().tolist() == [1]
    assert a.candidate_slots.ravel().tolist() == [1]
    # They share a quarter of .5 x .5, .25 x .25 = .0625; the union is .25 + .25 - .0625 = .4375.
    assert float(a.object_iou.ravel()[0]) == pytest.approx(0.0625 / 0.4375)
    assert breakdown.maps["no_object"][0] == pytest.approx([LOG_2 / 3, 0, LOG_2 / 3, LOG_2 / 3])
    assert breakdown.targets["class"][0].tolist() == [-1, 1, -1, -1]
    assert breakdown.targets["xy"][0, 1].tolist() == [0.75, 0.25]
    assert np.isnan(breakdown.targets["xy"][0, 0]).all()


def test_mnist_yolo_lets_two_objects_share_a_predictor():
    y_pred = np.zeros((1, 2, 2, 7), np.float32)
    y_true = np.asarray(
        [[[1, 0.75, 0.25, 0.5, 0.5, 0, 1], [1, 0.75, 0.25, 0.5, 0.3, 1, 0]]], np.float32
    )
    breakdown = MnistYoloLoss(num_classes=2).breakdown(y_true, y_pred).to_numpy()
    a = breakdown.assignment
    assert a.object_status[0, :, 0].tolist() == [ObjectStatus.SHARED] * 2
    assert a.object_slot[0, :, 0].tolist() == [1, 1]
    assert a.matched_object[0].tolist() == [-1, 0, -1, -1]
    # Means over two objects: of heights .5 and .3 the second is .2 off, .2^2 / 4 / 2 objects.
    assert float(breakdown.terms["wh"]) == pytest.approx(0.005)
    assert breakdown.maps["wh"][0] == pytest.approx([0, 0.005, 0, 0])


def test_the_predictor_with_the_best_iou_is_responsible():
    # A 1x1 grid with three predictors: boxes of size 1/2, sigmoid(2) = .881 and sigmoid(-2) = .119.
    y_pred = np.zeros((1, 1, 1, 3, 7), np.float32)
    y_pred[0, 0, 0, 1, 3:5] = 2
    y_pred[0, 0, 0, 2, 3:5] = -2
    y_true = np.asarray([[[1, 0.5, 0.5, 0.9, 0.9, 1, 0]]], np.float32)
    breakdown = MnistYoloLoss(num_classes=2).breakdown(y_true, y_pred.reshape(1, 1, 1, 21))
    a = breakdown.to_numpy().assignment
    assert a.object_slot.ravel().tolist() == [1]
    expected = [0.25 / 0.81, 0.8808**2 / 0.81, 0.1192**2 / 0.81]  # each inside the object
    assert a.candidate_score.ravel() == pytest.approx(expected, rel=1e-3)


def yolov2(**options):
    return published("yolov2", anchors=[[1.0, 1.0]], num_classes=2, **options)


def test_yolov2_on_a_2x2_grid():
    # One anchor of one cell, two classes; logits 0: every predicted box is its own cell, every
    # confidence 1/2.
    y_pred = np.zeros((1, 2, 2, 7), np.float32)
    # In grid cells: centre (1.5, .5), that of cell 1, and size .5 x .5.
    y_true = np.asarray([[[1, 0.75, 0.25, 0.25, 0.25, 0, 1]]], np.float32)
    breakdown = yolov2().breakdown(y_true, y_pred).to_numpy()
    assert terms_of(breakdown) == pytest.approx(
        {
            "xy": 0.0,
            "wh": (0.5**2 + 0.5**2) / 2,  # half of it, over one object
            "objectness": (0.25 - 0.5) ** 2 / 2 / 4,  # IoU is .25 / 1; over 1 + 3 slots
            "no_object": 3 * 0.5**2 / 2 / 4,
            "classification": LOG_2,
        },
        rel=1e-5,  # the counts carry the published 1e-6
    )
    assert float(breakdown.total) == pytest.approx(0.25 + 5 * 0.0078125 + 0.09375 + LOG_2, rel=1e-5)
    assert breakdown.targets["objectness"][0].tolist() == [0, 0.25, 0, 0]
    assert breakdown.maps["no_object"][0] == pytest.approx([0.03125, 0, 0.03125, 0.03125])
    assert breakdown.assignment.candidate_score.ravel().tolist() == [0.25]  # shape IoU, too


def test_yolov2_ignores_an_empty_slot_that_fits_an_object():
    # Slot 0 predicts x = sigmoid(20) = 1, the border; the object's centre is 1.2, in the next cell.
    y_pred = np.zeros((1, 2, 2, 7), np.float32)
    y_pred[0, 0, 0, 0] = 20
    y_true = np.asarray([[[1, 0.6, 0.25, 0.5, 0.5, 0, 1]]], np.float32)
    # Both 1 x 1 and .2 apart: .8 / 1.2 = .667. Slot 1 is .3 off: .7 / 1.3, the object's own.
    breakdown = yolov2().breakdown(y_true, y_pred).to_numpy()
    a = breakdown.assignment
    assert a.ignore_mask[0].tolist() == [True, False, False, False]
    assert a.object_mask[0].tolist() == [False, True, False, False]
    assert breakdown.targets["overlap"][0, :, 0] == pytest.approx([2 / 3, 0.7 / 1.3, 0, 0])
    assert np.isnan(breakdown.targets["objectness"][0, 0])
    assert breakdown.maps["no_object"][0, 0] == 0
    a = yolov2(ignore_threshold=0.7).breakdown(y_true, y_pred).to_numpy().assignment
    assert not a.ignore_mask.any()


@pytest.mark.parametrize(("rule", "trained"), [("last", 1), ("smallest", 0)])
def test_yolov2_gives_a_slot_to_the_last_object_that_wants_it(rule, trained):
    boxes = [0.75, 0.25, 0.25, 0.25]
    y_true = np.asarray([[[1, *boxes, 1, 0], [1, *boxes, 1, 0], [1, *boxes, 0, 1]]], np.float32)
    loss = yolov2(class_collision=rule)
    a = loss.breakdown(y_true, np.zeros((1, 2, 2, 7), np.float32)).to_numpy()
    assert a.assignment.object_status[0, :, 0].tolist() == [
        ObjectStatus.OVERWRITTEN,
        ObjectStatus.OVERWRITTEN,
        ObjectStatus.MATCHED,
    ]
    assert a.assignment.overwritten_by[0, :, 0].tolist() == [2, 2, -1]
    assert a.assignment.object_slot[0, :, 0].tolist() == [1, 1, 1]
    assert a.assignment.match_count[0, :, 0].tolist() == [0, 0, 1]
    assert a.assignment.matched_object[0].tolist() == [-1, 2, -1, -1]
    assert a.targets["class"][0].tolist() == [-1, trained, -1, -1]


def test_yolov2_in_warm_up_pulls_empty_slots_to_their_own_anchor():
    y_pred = np.zeros((1, 2, 2, 7), np.float32)
    y_pred[0, 1, 1, 2] = math.log(3)  # slot 3 predicts a width of 3 cells
    y_true = np.zeros((1, 1, 7), np.float32)
    loss = yolov2(warmup_batches=1, lambdas={"coord": 7.0})
    breakdown = loss.breakdown(y_true, y_pred).to_numpy()
    # Off by 2 cells: 2^2 / 2, over all four slots; with a lambda of 1 whatever was set.
    assert float(breakdown.terms["wh"]) == pytest.approx(0.5, rel=1e-5)
    assert breakdown.maps["wh"][0] == pytest.approx([0, 0, 0, 0.5], rel=1e-5)
    assert float(breakdown.terms["xy"]) == pytest.approx(0, abs=1e-12)
    assert breakdown.lambdas["wh"] == 1.0
    loss.step.assign(1)
    breakdown = loss.breakdown(y_true, y_pred).to_numpy()
    assert float(breakdown.terms["wh"]) == 0.0
    assert breakdown.lambdas["wh"] == 7.0


def test_with_verbatim_counts_a_lambda_of_zero_on_xy_leaves_wh_as_it_is():
    y_pred = np.zeros((1, 2, 2, 7), np.float32)
    y_true = np.asarray([[[1, 0.75, 0.25, 0.25, 0.25, 0, 1]]], np.float32)
    loss = yolov2(count_by_weight=True, lambdas={"xy": 0.0, "classification": 0.0})
    terms = terms_of(loss.breakdown(y_true, y_pred))
    assert terms["wh"] == pytest.approx(0.25, rel=1e-5)
    assert terms["classification"] == pytest.approx(LOG_2, rel=1e-5)
    # As printed, objectness and no_object share a count, and one without weight is not counted.
    loss.set_lambda("objectness", 0.0)
    assert terms_of(loss.breakdown(y_true, y_pred))["no_object"] == pytest.approx(0.125, rel=1e-5)


def test_each_loss_says_when_it_ignores():
    two = {"num_classes": 2}
    anchors = [(1.0, 1.0)]
    with_anchors = {"anchors": anchors, **two}
    rules = [
        published("mnist_yolo", **two).ignore_rule,
        published("yolov1", no_object="empty_cells", **two).ignore_rule,
        published("yolov2", ignore_threshold=0.7, **with_anchors).ignore_rule,
        published("yolov2/formula", **with_anchors).ignore_rule,
        published("yolov3", **with_anchors).ignore_rule,
        published("yolov3/pytorch", **with_anchors).ignore_rule,
        published("yolov3/tf2", **with_anchors).ignore_rule,
        published("ssd", anchors=[[0.5, 0.5, 0.3, 0.3]], **two).ignore_rule,
    ]
    assert rules == [
        NO_RULE,
        IgnoreRule("empty_cells"),
        IgnoreRule("predicted_box", 0.7),
        IgnoreRule("predicted_box", 0.6, against="assigned"),
        IgnoreRule("predicted_box", 0.5),
        IgnoreRule("prior_shape", 0.5),
        IgnoreRule("predicted_box", 0.5, against="head"),
        IgnoreRule("hard_negatives", ratio=3),
    ]
