"""YoloV2Loss gives the numbers of the published formulas."""

import numpy as np
import pytest

from tests.losses.golden_files import assert_gradient, golden, rows_of_image, with_gradient
from yolo_core.losses import published

CASES = [
    "yolov2_formula_typical",
    "yolov2_formula_edge",
    "yolov2_formula_weights_imageunits",
]


def make(case, name="yolov2/formula", **options):
    arrays, settings, scalars = golden(case)
    scales = settings["lambda_"]
    loss = published(
        name,
        anchors=arrays["anchors"],
        num_classes=settings["classes"],
        ignore_threshold=settings["iou_threshold"],
        box_unit="image" if settings["box_unit"].startswith("image") else "cells",
        lambdas={
            "coord": scales["coord"],
            "class": scales["class"],
            "objectness": scales["obj"],
            "no_object": scales["noobj"],
        },
        **options,
    )
    y_pred = arrays["y_pred_decoded" if options.get("decoded") else "y_pred_raw"]
    rows = len(arrays["gt_boxes"])
    y_true = rows_of_image(arrays["gt_boxes"], len(y_pred), rows, settings["classes"])
    return loss, y_true, y_pred.reshape(*y_pred.shape[:3], -1), arrays, scalars


@pytest.mark.parametrize("decoded", [False, True], ids=["raw", "decoded"])
@pytest.mark.parametrize("iou_gradient", [True, False], ids=["fulliou", "stopiou"])
@pytest.mark.parametrize("case", CASES)
def test_total_and_gradient(case, iou_gradient, decoded):
    loss, y_true, y_pred, arrays, scalars = make(case, iou_gradient=iou_gradient, decoded=decoded)
    breakdown, gradient = with_gradient(loss, y_true, y_pred)
    assert float(breakdown.total) == pytest.approx(scalars["batch_mean__total"], rel=1e-5)
    name = "fulliou" if iou_gradient else "stopiou"
    expected = arrays[f"grad_{name}__wrt_{'decoded' if decoded else 'raw'}"]
    assert_gradient(gradient, expected.reshape(gradient.shape))


@pytest.mark.parametrize("decoded", [False, True], ids=["raw", "decoded"])
@pytest.mark.parametrize("case", CASES)
def test_terms_maps_masks_and_counts_of_an_image(case, decoded):
    loss, y_true, y_pred, arrays, _ = make(case, decoded=decoded)
    breakdown, _ = with_gradient(loss, y_true, y_pred)
    shape = arrays["noobj_map"].shape
    lambdas = breakdown.lambdas
    # The file's maps are not yet divided by the number of images.
    maps = {t: m.reshape(shape) * lambdas[t] * shape[0] for t, m in breakdown.maps.items()}
    for received, key in (
        (maps["xy"] + maps["wh"], "xywh"),
        (maps["classification"], "p"),
        (maps["objectness"], "conf_obj"),
        (maps["no_object"], "conf_noobj"),
    ):
        of_image = received.sum((1, 2, 3))
        np.testing.assert_allclose(of_image, arrays[f"per_image__{key}"], rtol=1e-5, err_msg=key)
        expected = arrays[f"loss_{key}_map"]
        np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-9, err_msg=key)

    a = breakdown.assignment
    np.testing.assert_array_equal(a.no_object_mask.reshape(shape), arrays["noobj_map"])
    objects = arrays["y_true"][..., 4]
    np.testing.assert_array_equal(a.object_mask.reshape(shape), objects)
    np.testing.assert_array_equal(a.object_mask.sum(1), arrays["per_image__N_obj"])
    confident = a.object_mask | a.no_object_mask
    np.testing.assert_array_equal(confident.sum(1), arrays["per_image__N_conf"])
    best = breakdown.targets["overlap"].max(-1).reshape(shape)
    np.testing.assert_allclose(best, arrays["best_iou_map"], rtol=1e-4, atol=1e-6)
    iou = np.where(a.object_mask, breakdown.targets["objectness"], 0).reshape(shape)
    np.testing.assert_allclose(iou, arrays["iou_target_map"], rtol=1e-4, atol=1e-6)
    classes = breakdown.predictions["class_probabilities"].reshape(*shape, -1)
    np.testing.assert_allclose(classes, arrays["y_pred_decoded"][..., 5:], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_counts_pooled_over_the_batch(case):
    loss, y_true, y_pred, _, scalars = make(case, "yolov2/formula_pooled")
    total = float(loss(y_true, y_pred))
    assert total == pytest.approx(scalars["batch_pooled__total"], rel=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_printed_slips(case):
    loss, y_true, y_pred, _, scalars = make(case, no_object_on_objects=True)
    printed = float(loss(y_true, y_pred))
    assert printed == pytest.approx(scalars["batch_mean__total_as_printed"], rel=1e-5)

    loss, y_true, y_pred, _, scalars = make(case, no_object_unsquared=True)
    breakdown, _ = with_gradient(loss, y_true, y_pred)
    weighted = float(breakdown.lambdas["no_object"] * breakdown.terms["no_object"])
    assert weighted == pytest.approx(scalars["batch_mean__noobj_nosquare"], rel=1e-5)


def test_an_overwritten_object_ignores_nothing_in_the_formulas_but_does_in_the_code():
    anchors, y_true = [[1.0, 1.0]], np.zeros((1, 2, 7), np.float32)
    # Both want the one slot of the left cell; the first fills the picture and loses it.
    y_true[0] = [[1, 0.25, 0.5, 0.5, 1.0, 1, 0], [1, 0.2, 0.5, 0.1, 0.1, 1, 0]]
    raw = np.zeros((1, 1, 2, 7), np.float32)
    raw[0, 0, 1, 0] = -9.0  # The right slot's box: its centre on the border, one cell wide.
    raw[0, 0, 1, 2] = np.log(3.0)  # Three cells wide: it covers the left cell.
    in_code = published("yolov2", anchors=anchors, num_classes=2, ignore_threshold=0.3)
    in_formula = published("yolov2/formula", anchors=anchors, num_classes=2, ignore_threshold=0.3)
    assert np.asarray(in_code.breakdown(y_true, raw).assignment.ignore_mask).tolist() == [
        [False, True]
    ]
    breakdown = in_formula.breakdown(y_true, raw)
    assert np.asarray(breakdown.assignment.no_object_mask).tolist() == [[False, True]]
    assert np.asarray(breakdown.targets["overlap"])[0, 1, 0] == 0
