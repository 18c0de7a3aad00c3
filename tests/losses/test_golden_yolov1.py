"""YoloV1Loss gives the numbers of the published formula."""

import numpy as np
import pytest

from tests.losses.golden_files import assert_gradient, golden, with_gradient
from yolo_core.losses import published

CASES = ["yolov1_formula_typical", "yolov1_formula_edge", "yolov1_formula_b3"]
TARGETS = {"conf_iou": "iou", "conf_one": "one"}
NO_OBJECTS = {"all_nonresponsible": "all_nonresponsible", "empty_cells_only": "empty_cells"}


def labels_of_cells(arrays):
    """(B, N, 5 + C) labels, one row an object, from the (B, S, S, ...) targets of the file."""
    found = np.argwhere(arrays["obj"] > 0)
    y_true = np.zeros((len(arrays["obj"]), max(len(found), 1), 5 + arrays["true_class"].shape[-1]))
    for index, (image, row, column) in enumerate(found):
        x, y, w, h = arrays["true_box"][image, row, column].astype(float)
        cells = arrays["obj"].shape[1]
        y_true[image, index, 0] = 1
        y_true[image, index, 1:5] = (column + x) / cells, (row + y) / cells, w, h
        y_true[image, index, 5:] = arrays["true_class"][image, row, column]
    return y_true.astype(np.float32), found


def make(case, target, no_object, **options):
    arrays, settings, scalars = golden(case)
    loss = published(
        "yolov1/paper",
        num_classes=settings["C"],
        confidence_target=TARGETS[target],
        no_object=NO_OBJECTS[no_object],
        lambdas={"coord": settings["lambda_coord"], "no_object": settings["lambda_noobj"]},
        decoded=True,
        **options,
    )
    boxes = arrays["pred_box"]
    y_pred = np.concatenate([boxes.reshape(*boxes.shape[:3], -1), arrays["pred_class"]], axis=-1)
    return loss, y_pred, arrays, scalars


@pytest.mark.parametrize("no_object", NO_OBJECTS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", CASES)
def test_terms_an_image_total_and_masks(case, target, no_object):
    loss, y_pred, arrays, scalars = make(case, target, no_object)
    y_true, found = labels_of_cells(arrays)
    breakdown, gradient = with_gradient(loss, y_true, y_pred)
    prefix = f"{target}__{no_object}"
    total = scalars[f"{prefix}__batch_mean_total"]
    assert float(breakdown.total) == pytest.approx(total, rel=1e-5)
    images = len(y_pred)
    for term, key in {
        "xy": "xy",
        "wh": "wh",
        "objectness": "conf_obj",
        "no_object": "conf_noobj",
        "classification": "cls",
    }.items():
        weighted = breakdown.maps[term].sum(-1) * breakdown.lambdas[term] * images
        np.testing.assert_allclose(weighted, arrays[f"{prefix}__{key}"], rtol=1e-5, err_msg=term)

    shape = arrays["responsible_mask"].shape
    a = breakdown.assignment
    np.testing.assert_array_equal(a.object_mask.reshape(shape), arrays["responsible_mask"])
    empty_cell = np.broadcast_to(arrays["obj"][..., None] == 0, shape)
    expected = arrays["noobj_mask"] if no_object == "all_nonresponsible" else empty_cell
    np.testing.assert_array_equal(a.no_object_mask.reshape(shape), expected)
    for index, (image, row, column) in enumerate(found):
        score = a.candidate_score[image, index, 0]
        np.testing.assert_allclose(score, arrays["iou_map"][image, row, column], rtol=1e-4)

    if no_object == "all_nonresponsible":
        boxes, classes = np.split(gradient, [shape[-1] * 5], axis=-1)
        boxes = boxes.reshape(arrays["pred_box"].shape)
        assert_gradient(boxes, arrays[f"{prefix}__grad_wrt_pred_box"])
        assert_gradient(classes, arrays[f"{prefix}__grad_wrt_pred_class"])


@pytest.mark.parametrize("case", CASES)
def test_gradient_with_a_constant_iou_target(case):
    loss, y_pred, arrays, _ = make(case, "conf_iou", "all_nonresponsible", iou_gradient=False)
    _, gradient = with_gradient(loss, labels_of_cells(arrays)[0], y_pred)
    boxes = gradient[..., : -arrays["pred_class"].shape[-1]].reshape(arrays["pred_box"].shape)
    assert_gradient(boxes, arrays["conf_iou__all_nonresponsible__grad_stopiou_wrt_pred_box"])
