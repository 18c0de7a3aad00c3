"""RetinaNetLoss gives the numbers of torchvision's and keras-hub's RetinaNet."""

import numpy as np
import pytest

from tests.losses.golden_files import assert_gradient, golden, rows_of_image, with_gradient
from yolo_core.assignment import ObjectStatus
from yolo_core.losses import published

CASES = [
    f"retinanet_{name}"
    for name in (
        "typical",
        "edge",
        "large_logits",
        "ties",
        "nonsquare",
        "no_objects",
        "zero_overlap",
    )
]


def make(case, name="retinanet/torchvision", **options):
    """The loss, labels, predictions, arrays, scalars of a file."""
    arrays, settings, scalars = golden(case)
    priors = {
        "image_size": settings["image_hw"],
        "strides": settings["strides"],
        "sizes": settings["anchor_sizes"],
        "ratios": settings["aspect_ratios_h_over_w"],
    }
    options = {
        "foreground_threshold": settings["fg_iou_thresh"],
        "background_threshold": settings["bg_iou_thresh"],
        "alpha": settings["focal_alpha"],
        "gamma": settings["focal_gamma"],
        **options,
    }
    loss = published(name, priors=priors, num_classes=settings["num_classes"], **options)
    gt = arrays["gt"].astype(float)
    size = np.asarray(settings["image_hw"][::-1])
    centre, sides = (gt[:, 1:3] + gt[:, 3:5]) / 2 / size, (gt[:, 3:5] - gt[:, 1:3]) / size
    centred = np.column_stack([gt[:, :1], centre, sides, gt[:, 5:]])
    y_pred = np.concatenate([arrays["bbox_regression"], arrays["cls_logits"]], axis=-1)
    rows = int(np.bincount(gt[:, 0].astype(int), minlength=1).max(initial=0))
    y_true = rows_of_image(centred, len(y_pred), rows, loss.num_classes)
    return loss, y_true, y_pred, arrays, scalars


def classes(breakdown):
    return float(breakdown.terms["classification"]) + float(breakdown.terms["no_object"])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("error", ["l1", "smooth_l1", "giou"])
def test_values_and_gradients(case, error):
    loss, y_true, y_pred, arrays, scalars = make(case, box_error=error)
    breakdown, gradient = with_gradient(loss, y_true, y_pred)
    key = "" if error == "l1" else f"{error}__"
    assert classes(breakdown) == pytest.approx(scalars["loss_classification"], rel=1e-5)
    box = float(breakdown.terms["box"])
    assert box == pytest.approx(scalars[f"{key}loss_bbox_regression"], rel=1e-5)
    assert float(breakdown.total) == pytest.approx(scalars[f"{key}total_loss"], rel=1e-5)
    assert_gradient(gradient[..., 4:], arrays["grad_total_wrt_cls_logits"])
    assert_gradient(gradient[..., :4], arrays[f"{key}grad_total_wrt_bbox_regression"])
    images = len(y_true)
    of_image = breakdown.maps["classification"].sum(1) + breakdown.maps["no_object"].sum(1)
    np.testing.assert_allclose(
        images * of_image, arrays["loss_classification_per_image"], rtol=1e-5
    )
    np.testing.assert_allclose(
        images * breakdown.maps["box"].sum(1),
        arrays[f"{key}loss_bbox_regression_per_image"],
        rtol=1e-5,
    )


@pytest.mark.parametrize("case", CASES)
def test_anchors_masks_ledger_and_boxes(case):
    loss, y_true, y_pred, arrays, _ = make(case)
    settings = golden(case)[1]
    height, width = settings["image_hw"]
    pixels = np.asarray([width, height] * 2)
    prior = loss.slots(y_pred.shape).prior * pixels
    corners = np.concatenate([prior[:, :2] - prior[:, 2:] / 2, prior[:, :2] + prior[:, 2:] / 2], 1)
    np.testing.assert_allclose(corners, arrays["anchors"], atol=1e-4)

    breakdown = loss.breakdown(y_true, y_pred).to_numpy()
    a = breakdown.assignment
    np.testing.assert_array_equal(a.object_mask, arrays["foreground"])
    np.testing.assert_array_equal(a.no_object_mask, arrays["background"])
    np.testing.assert_array_equal(a.ignore_mask, arrays["ignored"])
    expected = np.maximum(arrays["matched_idxs"], -1)
    np.testing.assert_array_equal(a.matched_object, expected)
    np.testing.assert_array_equal(
        breakdown.targets["class"], np.maximum(arrays["class_target"], -1)
    )
    deltas = np.concatenate([breakdown.targets["xy"], breakdown.targets["wh"]], -1)
    np.testing.assert_allclose(
        deltas[a.object_mask], arrays["target_deltas"][a.object_mask], rtol=1e-4, atol=1e-5
    )
    if "decoded_boxes_image0" in arrays:
        decoded = breakdown.predictions["boxes"][0] * pixels
        half = decoded[:, 2:] / 2
        corners = np.concatenate([decoded[:, :2] - half, decoded[:, :2] + half], 1)
        np.testing.assert_allclose(corners, arrays["decoded_boxes_image0"], rtol=1e-4, atol=2e-3)
    for image in range(len(y_true)):
        key = f"image{image}__anchors_per_object"
        if key in arrays:
            counts = a.match_count[image, : arrays[key].size, 0]
            np.testing.assert_array_equal(counts, arrays[key].ravel())
            without = a.object_status[image, : arrays[key].size, 0][counts == 0]
            assert np.isin(without, [ObjectStatus.OVERWRITTEN, ObjectStatus.BELOW_THRESHOLD]).all()


@pytest.mark.parametrize("case", [c for c in CASES if "kerashub__total_loss" in golden(c)[2]])
def test_keras_hub(case):
    loss, y_true, y_pred, arrays, scalars = make(case, "retinanet/kerashub")
    breakdown, gradient = with_gradient(loss, y_true, y_pred)
    assert breakdown.assignment.object_mask.sum() == scalars["kerashub__num_positive"]
    received = np.where(breakdown.assignment.ignore_mask, -2, breakdown.targets["class"])
    np.testing.assert_array_equal(received, arrays["kerashub__class_target"])
    assert classes(breakdown) == pytest.approx(scalars["kerashub__loss_classification"], rel=1e-5)
    box = float(breakdown.terms["box"])
    assert box == pytest.approx(scalars["kerashub__loss_bbox_regression"], rel=1e-5)
    assert float(breakdown.total) == pytest.approx(scalars["kerashub__total_loss"], rel=1e-5)
    assert_gradient(gradient[..., 4:], arrays["kerashub__grad_total_wrt_cls_logits"])
    assert_gradient(gradient[..., :4], arrays["kerashub__grad_total_wrt_bbox_regression"])


def test_an_object_that_no_anchor_overlaps_has_none_and_changes_nothing():
    # F-1: the total without that object is what the loss gives with it, once the slip is undone.
    loss, y_true, y_pred, arrays, scalars = make(
        "retinanet_zero_overlap", zero_overlap_forces_all=False
    )
    breakdown, gradient = with_gradient(loss, y_true, y_pred)
    assert float(breakdown.total) == pytest.approx(scalars["dropzero__total_loss"], rel=1e-5)
    assert_gradient(gradient[..., 4:], arrays["dropzero__grad_total_wrt_cls_logits"])
    assert_gradient(gradient[..., :4], arrays["dropzero__grad_total_wrt_bbox_regression"])
    lost = np.argwhere(breakdown.assignment.object_status == ObjectStatus.BELOW_THRESHOLD)
    assert len(lost) == int((arrays["dropzero__kept"] == 0).sum()) == 1


@pytest.mark.parametrize(("case", "pooled"), [("typical", 6.863), ("edge", 5.171)])
def test_divided_by_the_anchors_of_the_batch(case, pooled):
    loss, y_true, y_pred, _, _ = make(f"retinanet_{case}", divisor="batch")
    assert classes(loss.breakdown(y_true, y_pred)) == pytest.approx(pooled, abs=5e-4)


def test_every_object_keeps_its_best_anchor_where_that_follows_no_other():
    # F-2: image 4 of the file has an object that loses its anchor to a better one.
    published_, y_true, y_pred, _, _ = make("retinanet_edge")
    assert published_.breakdown(y_true, y_pred).to_numpy().assignment.match_count[4, 1, 0] == 0
    loss, *_ = make("retinanet_edge", forced_for_another=False)
    count = loss.breakdown(y_true, y_pred).to_numpy().assignment.match_count[4, :, 0]
    objects = int(y_true[4, :, 0].sum())
    assert (count[:objects] > 0).sum() >= objects - 1
