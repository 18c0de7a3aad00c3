"""SSDLoss on four priors by hand, and what it refuses."""

import math

import numpy as np
import pytest

from yolo_core.assignment import ObjectStatus
from yolo_core.losses import PriorConfig, SSDLoss, published

# The quarters of the picture, two classes, all logits and offsets 0.
QUARTERS = [[x, y, 0.5, 0.5] for y in (0.25, 0.75) for x in (0.25, 0.75)]
QUARTER = [1, 0.25, 0.25, 0.5, 0.5, 0, 1]  # the first prior itself
FLAT = [1, 0.35, 0.25, 0.5, 0.25, 1, 0]  # IoU .1 / .275 with it
CONFIG = {
    "min_dim": 64,
    "feature_maps": [2, 1],
    "steps": [32, 64],
    "min_sizes": [16, 32],
    "max_sizes": [36, 50],
    "aspect_ratios": [[4], []],
}


def breakdown_of(*rows, y_pred=None, **options):
    loss = published("ssd", anchors=QUARTERS, num_classes=2, grids=[(2, 2, 1)], **options)
    y_pred = np.zeros((1, 4, 7), np.float32) if y_pred is None else y_pred
    return loss.breakdown(np.asarray([rows], np.float32), y_pred).to_numpy()


def test_an_object_on_a_prior_and_the_hardest_negative():
    y_pred = np.zeros((1, 4, 7), np.float32)
    y_pred[0, 2, 4] = -1.0  # the third prior believes least in "background"
    breakdown = breakdown_of(QUARTER, y_pred=y_pred, negative_ratio=1)
    terms = {term: float(value) for term, value in breakdown.terms.items()}
    assert terms == pytest.approx(
        {
            "xy": 0.0,
            "wh": 0.0,
            "classification": math.log(3),
            "no_object": math.log(2 + math.exp(-1)) + 1,
        }
    )
    a = breakdown.assignment
    assert a.object_mask[0].tolist() == [True, False, False, False]
    assert a.no_object_mask[0].tolist() == [False, False, True, False]
    assert a.ignore_mask[0].tolist() == [False, True, False, True]
    assert breakdown.predictions["objectness"][0, :2].tolist() == pytest.approx([2 / 3] * 2)
    assert breakdown.predictions["boxes"][0].tolist() == QUARTERS
    assert a.candidate_score.ravel().tolist() == pytest.approx([1, 0, 0, 0])


def test_the_best_prior_is_forced_and_the_box_encoded_with_variances():
    breakdown = breakdown_of(FLAT)
    a = breakdown.assignment
    assert a.object_slot.ravel().tolist() == [0]
    assert a.candidate_score.ravel()[0] == pytest.approx(0.1 / 0.275)
    # .1 / (.1 * .5) and log(1/2) / .2, both past 1 where smooth L1 is |x| - 1/2.
    assert breakdown.targets["xy"][0, 0].tolist() == pytest.approx([2.0, 0.0], abs=1e-6)
    assert breakdown.targets["wh"][0, 0].tolist() == pytest.approx([0.0, -5 * math.log(2)])
    assert float(breakdown.terms["xy"]) == pytest.approx(1.5)
    assert float(breakdown.terms["wh"]) == pytest.approx(5 * math.log(2) - 0.5)
    assert np.isnan(breakdown.targets["xy"][0, 1:]).all()


def test_of_equal_negatives_the_first_are_mined():
    a = breakdown_of(QUARTER, negative_ratio=2).assignment
    assert a.no_object_mask[0].tolist() == [False, True, True, False]
    assert not breakdown_of(QUARTER, negative_ratio=0).assignment.no_object_mask.any()


def test_a_later_object_takes_the_forced_prior():
    a = breakdown_of(QUARTER, FLAT).assignment
    # The first overlaps no other prior, although it fits this one perfectly.
    assert a.object_status[0, :, 0].tolist() == [ObjectStatus.OVERWRITTEN, ObjectStatus.MATCHED]
    assert a.overwritten_by[0, :, 0].tolist() == [1, -1]
    assert a.object_slot[0, :, 0].tolist() == [0, 0]
    assert a.match_count[0, :, 0].tolist() == [0, 1]


def test_an_object_that_lost_its_best_prior_keeps_its_others():
    priors = [[0.25, 0.25, 0.5, 0.5], [0.25, 0.25, 0.5, 0.4], [0.75, 0.75, 0.5, 0.5]]
    loss = SSDLoss(priors, 2)
    narrow = [1, 0.25, 0.25, 0.3, 0.5, 1, 0]
    labels = np.asarray([[QUARTER, narrow]], np.float32)
    a = loss.breakdown(labels, np.zeros((1, 3, 7), np.float32)).to_numpy().assignment
    assert a.matched_object[0].tolist() == [1, 0, -1]
    assert a.object_status[0, :, 0].tolist() == [ObjectStatus.MATCHED] * 2
    assert a.object_slot[0, :, 0].tolist() == [1, 0]


def test_priors_of_a_configuration():
    loss = SSDLoss(CONFIG, 2)
    layout = loss.slots((None, 18, 7))
    assert layout.grids == ((2, 2, 4), (1, 1, 2))
    side = math.sqrt(16 * 36) / 64
    expected = [[0.25, 0.25], [side, side], [0.5, 0.125], [0.125, 0.5]]
    np.testing.assert_allclose(layout.prior[:4, 2:], expected)
    assert layout.prior[4, :2].tolist() == [0.75, 0.25]
    np.testing.assert_allclose(layout.prior[17], [0.5, 0.5, 0.625, 0.625])
    wide = PriorConfig.read({**CONFIG, "image_size": (64, 128), "feature_maps": [(2, 4), (1, 2)]})
    np.testing.assert_allclose(wide.boxes()[0], [0.125, 0.25, 0.125, 0.25])
    assert wide.boxes().shape == (8 * 4 + 2 * 2, 4)
    heads = [np.zeros((1, 2, 2, 28), np.float32), np.zeros((1, 1, 1, 14), np.float32)]
    labels = np.asarray([[FLAT]], np.float32)
    joined = np.zeros((1, 18, 7), np.float32)
    assert float(loss(labels, heads)) == pytest.approx(float(loss(labels, joined)))
    again = SSDLoss.from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    assert float(again(labels, joined)) == float(loss(labels, joined))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: SSDLoss([[0.5, 0.5]], 2), "priors must be a configuration or"),
        (lambda: SSDLoss([[0.5, 0.5, 0.0, 0.1]], 2), "prior 0 is"),
        (lambda: SSDLoss(QUARTERS, 2, grids=[(2, 2, 2)]), "4 priors in all"),
        (lambda: SSDLoss({"min_dim": 64}, 2), "needs min_dim, and feature_maps"),
        (lambda: SSDLoss({**CONFIG, "steps": [8]}, 2), "as many steps"),
        (lambda: SSDLoss(QUARTERS, 2, variances=(0.1,)), "variances must be two numbers"),
        (lambda: SSDLoss(QUARTERS, 2, overlap_threshold=0), "overlap_threshold must be above 0"),
        (lambda: SSDLoss(QUARTERS, 2, negative_ratio=-1), "negative_ratio must be a whole number"),
        (
            lambda: published("ssd", anchors=QUARTERS, num_classes=2, log_sum_exp="max"),
            "log_sum_exp must be one of stable",
        ),
    ],
)
def test_options_that_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
