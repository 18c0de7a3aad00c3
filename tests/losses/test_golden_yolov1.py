"""YoloV1Loss gives the numbers of the published formula."""

import numpy as np
import pytest
from golden_files import assert_gradient, golden, with_gradient

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


def test_raw_output_gives_the_loss_of_what_it_decodes_to():
    rng = np.random.default_rng(3)
    raw = rng.normal(size=(2, 3, 4, 13)).astype(np.float32)
    y_true = np.zeros((2, 2, 8), np.float32)
    y_true[0] = [[1, 0.3, 0.4, 0.5, 0.2, 0, 1, 0], [1, 0.9, 0.1, 0.1, 0.3, 1, 0, 0]]
    boxes = 1 / (1 + np.exp(-raw[..., :10].reshape(2, 3, 4, 2, 5)))
    boxes[..., 2:4] **= 2
    classes = np.exp(raw[..., 10:])
    classes /= classes.sum(-1, keepdims=True)
    decoded = np.concatenate([boxes.reshape(2, 3, 4, 10), classes], axis=-1)
    from_raw = published("yolov1", num_classes=3)(y_true, raw)
    from_decoded = published("yolov1", num_classes=3, decoded=True)(y_true, decoded)
    assert float(from_raw) == pytest.approx(float(from_decoded), rel=1e-6)


def test_two_objects_in_a_cell_leave_one_and_the_class_of_a_cell_is_on_each_of_its_slots():
    y_true = np.zeros((1, 3, 7), np.float32)
    y_true[0, :2] = [[1, 0.20, 0.2, 0.1, 0.3, 1, 0], [1, 0.30, 0.3, 0.9, 0.9, 0, 1]]
    raw = np.zeros((1, 2, 2, 12), np.float32)
    raw[0, 0, 0] = [0, 0, -1, -1, 0, 0, 0, 3, 3, 0, 0.5, -0.5]
    loss = published("yolov1", num_classes=2)
    breakdown, _ = with_gradient(loss, y_true, raw)
    a = breakdown.assignment
    # Each wants its own box of cell (0, 0), but the cell has one set of class scores.
    assert a.object_slot[0, :, 0].tolist() == [0, 1, -1]
    assert a.object_status[0, :, 0].tolist() == [3, 1, 0]
    assert a.overwritten_by[0, :, 0].tolist() == [1, -1, -1]
    assert a.matched_object[0].tolist() == [-1, 1] + [-1] * 6
    assert np.asarray(loss.slot_predictions(raw))[0, :2, 5:].tolist() == [[0.5, -0.5]] * 2
    assert np.isnan(loss.slots(raw.shape).prior).all()
