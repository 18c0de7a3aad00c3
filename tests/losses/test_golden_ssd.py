"""SSDLoss gives the numbers of ssd.pytorch's MultiBoxLoss."""

import numpy as np
import pytest

from tests.losses.golden_files import assert_gradient, golden, rows_of_image, with_gradient
from yolo_core.losses import SSD300, published

CASES = ["ssd_typical", "ssd_edge", "ssd_large_logits", "ssd_ties"]
VARIANTS = {"": "ssd/multibox", "stable_lse__": "ssd/multibox_stable"}


def make(case, variant):
    arrays, settings, scalars = golden(case)
    classes = settings["num_classes_incl_background"] - 1
    loss = published(
        variant,
        priors=settings["prior_config"],
        num_classes=classes,
        variances=settings["variance"],
        overlap_threshold=settings["overlap_thresh"],
        negative_ratio=settings["neg_pos_ratio"],
    )
    gt = arrays["gt"].astype(float)
    centred = np.column_stack(
        [gt[:, 0], (gt[:, 1:3] + gt[:, 3:5]) / 2, gt[:, 3:5] - gt[:, 1:3], gt[:, 5]]
    )
    rows = np.bincount(gt[:, 0].astype(int)).max()
    y_pred = np.concatenate([arrays["loc_pred"], arrays["conf_pred"]], axis=-1)
    return loss, rows_of_image(centred, len(y_pred), rows, classes), y_pred, arrays, scalars


@pytest.mark.parametrize("prefix", VARIANTS)
@pytest.mark.parametrize("case", CASES)
def test_values_masks_and_gradients(case, prefix):
    loss, y_true, y_pred, arrays, scalars = make(case, VARIANTS[prefix])
    breakdown, gradient = with_gradient(loss, y_true, y_pred)
    terms = {name: float(value) for name, value in breakdown.terms.items()}
    assert terms["xy"] + terms["wh"] == pytest.approx(scalars["loss_l"], rel=1e-5)
    confidence = terms["classification"] + terms["no_object"]
    assert confidence == pytest.approx(scalars[f"{prefix}loss_c"], rel=1e-5)
    assert float(breakdown.total) == pytest.approx(scalars[f"{prefix}total_loss"], rel=1e-5)
    assert_gradient(gradient[..., :4], arrays["grad_total_wrt_loc_pred"])
    assert_gradient(gradient[..., 4:], arrays[f"{prefix}grad_total_wrt_conf_pred"])

    a = breakdown.assignment
    np.testing.assert_array_equal(a.object_mask, arrays["pos"])
    np.testing.assert_array_equal(a.no_object_mask, arrays[f"{prefix}neg"])
    assert a.object_mask.sum() == scalars["N"]
    np.testing.assert_array_equal(breakdown.targets["class"] + 1, arrays["conf_t"])
    for name, part in {"xy": slice(2), "wh": slice(2, 4)}.items():
        np.testing.assert_allclose(
            breakdown.targets[name][a.object_mask],
            arrays["loc_t"][a.object_mask][:, part],
            rtol=1e-4,
            atol=1e-5,
        )


@pytest.mark.parametrize("case", CASES)
def test_priors_decoding_and_ledger(case):
    loss, y_true, y_pred, arrays, _ = make(case, "ssd/multibox_stable")
    layout = loss.slots(y_pred.shape)
    np.testing.assert_array_equal(layout.prior, arrays["priors"])
    breakdown, _ = with_gradient(loss, y_true, y_pred)
    boxes = breakdown.predictions["boxes"]
    corners = np.concatenate([boxes[..., :2] - boxes[..., 2:] / 2] * 2, axis=-1)
    corners[..., 2:] += boxes[..., 2:]
    expected = arrays["decoded_pred_boxes"]
    near = np.abs(expected).max(-1) < 1e3
    np.testing.assert_allclose(corners[near], expected[near], rtol=1e-4, atol=1e-5)

    a = breakdown.assignment
    for image in range(len(y_true)):
        objects = int(y_true[image, :, 0].sum())
        if not objects:
            continue
        overlaps = arrays[f"image{image}__overlaps"]
        best = np.atleast_1d(arrays[f"image{image}__best_prior_idx"]).astype(int)
        matched = arrays[f"image{image}__best_truth_idx"].astype(int)
        positive = arrays["pos"][image] > 0
        np.testing.assert_array_equal(a.matched_object[image], np.where(positive, matched, -1))
        for row in range(objects):
            trained = np.flatnonzero(positive & (matched == row))
            assert a.match_count[image, row, 0] == len(trained)
            if len(trained):
                assert a.object_slot[image, row, 0] == trained[overlaps[row, trained].argmax()]
            else:
                assert a.object_slot[image, row, 0] == best[row]
                assert a.overwritten_by[image, row, 0] == matched[best[row]]
            scores = np.sort(a.candidate_score[image, row, 0])[::-1]
            np.testing.assert_allclose(scores, np.sort(overlaps[row])[::-1][:16], atol=1e-5)


def test_given_priors_are_those_of_the_configuration():
    loss, y_true, y_pred, arrays, _ = make("ssd_typical", "ssd/multibox")
    options = {"num_classes": loss.num_classes}
    given = published("ssd/multibox", anchors=arrays["priors"], **options)
    assert float(given(y_true, y_pred)) == float(loss(y_true, y_pred))
    assert given.slots(y_pred.shape).grids == ((1, 380, 1),)
    grids = [(8, 8, 4), (4, 4, 6), (2, 2, 6), (1, 1, 4)]
    given = published("ssd/multibox", anchors=arrays["priors"], grids=grids, **options)
    assert given.slots(y_pred.shape).grids == loss.slots(y_pred.shape).grids == tuple(grids)


def test_ssd300_has_its_published_priors():
    boxes = SSD300.boxes()
    assert boxes.shape == (8732, 4)
    # The first cell of the first map: 30 px, sqrt(30 * 60) px, and 30 px stretched by sqrt(2).
    sides = np.array([[30, 30], [42.426, 42.426], [42.426, 21.213], [21.213, 42.426]])
    np.testing.assert_allclose(boxes[:4, 2:], sides / 300, rtol=1e-4)
    np.testing.assert_allclose(boxes[:4, :2], 4 / 300, rtol=1e-6)


def test_an_image_without_objects_mines_nothing_and_a_batch_without_any_is_zero():
    loss, y_true, y_pred, _, _ = make("ssd_edge", "ssd/multibox_stable")
    assert not y_true[0, :, 0].any()
    breakdown, _ = with_gradient(loss, y_true, y_pred)
    assert breakdown.assignment.ignore_mask[0].all()
    breakdown, gradient = with_gradient(loss, np.zeros_like(y_true), y_pred)
    assert float(breakdown.total) == 0.0
    assert not gradient.any()
