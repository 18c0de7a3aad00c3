"""The functions of the MNIST-digits detector give what its own code gave."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.losses.golden_files import assert_gradient, golden
from yolo_core import training_utils
from yolo_core.losses import published
from yolo_core.training_utils import (
    bounding_box_metrics,
    calculate_anchorbox_indices,
    calculate_best_anchor_boxes,
    calculate_grid_cell_indices,
    calculate_intersection_area,
    calculate_intersection_corners,
    calculate_iou,
    calculate_loss,
    calculate_model_loss,
    calculate_objectless_loss,
    calculate_union_area,
    classification_metrics,
    convert_boxes_to_corners,
    objectness_metrics,
)

CASES = ["mnist_typical", "mnist_edge", "mnist_large_logits", "mnist_no_objects"]
WITH_OBJECTS = CASES[:3]


def close(received, expected):
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("floor", [True, False], ids=["floor", "nofloor"])
@pytest.mark.parametrize("case", CASES)
def test_box_functions(case, floor):
    arrays, _, _ = golden(case)
    box_1, box_2 = arrays["boxops__box1"], arrays["boxops__box2"]
    prefix = "boxops_floor" if floor else "boxops_nofloor"
    corners_1 = convert_boxes_to_corners(box_1, floor=floor)
    corners_2 = convert_boxes_to_corners(box_2, floor=floor)
    close(corners_1, arrays[f"{prefix}__corners1"])
    close(corners_2, arrays[f"{prefix}__corners2"])
    corners = calculate_intersection_corners(corners_1, corners_2)
    close(corners, arrays[f"{prefix}__inter_corners"])
    intersection = calculate_intersection_area(corners)
    close(intersection, arrays[f"{prefix}__inter_area"])
    union = calculate_union_area(box_1[..., 2:], box_2[..., 2:], intersection)
    close(union, arrays[f"{prefix}__union_area"])
    close(calculate_iou(intersection, union), arrays[f"{prefix}__iou"])


@pytest.mark.parametrize("case", CASES)
def test_matching(case):
    arrays, _, _ = golden(case)
    y_true, y_pred = arrays["y_true"], arrays["y_pred"]
    cells = calculate_grid_cell_indices(y_true, y_pred)
    np.testing.assert_array_equal(cells, arrays["seed__grid_indices"])
    in_prose_order = calculate_grid_cell_indices(y_true, y_pred, grid_order="row_column")
    np.testing.assert_array_equal(in_prose_order, arrays["late__grid_indices"])
    best = calculate_anchorbox_indices(y_true, y_pred, cells)
    np.testing.assert_array_equal(best, arrays["seed__best_anchor_index"])
    unfloored = calculate_anchorbox_indices(y_true, y_pred, in_prose_order, floor=False)
    np.testing.assert_array_equal(unfloored, arrays["late_nofloor__best_anchor_index"])
    boxes = calculate_best_anchor_boxes(y_true, y_pred)
    np.testing.assert_array_equal(boxes, arrays["seed__best_anchor_boxes"])


@pytest.mark.parametrize("case", WITH_OBJECTS)
def test_losses_and_metrics(case):
    arrays, _, scalars = golden(case)
    y_true, y_pred = arrays["y_true"], tf.constant(arrays["y_pred"])
    parts = [
        scalars[f"seed__{part}_loss"] for part in ("objectness", "bounding_box", "classification")
    ]
    matched = calculate_best_anchor_boxes(y_true, y_pred)
    close(calculate_loss(matched, y_true[:, :, None]), parts)
    metrics = objectness_metrics, bounding_box_metrics, classification_metrics
    close([metric(y_true, y_pred) for metric in metrics], parts)
    close(calculate_objectless_loss(y_true, y_pred), scalars["seed__objectless_loss"])
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        total = calculate_model_loss(y_true, y_pred)
    close(total, scalars["seed__total_loss"])
    assert_gradient(tape.gradient(total, y_pred).numpy(), arrays["seed__grad_total_wrt_y_pred"])


def test_without_objects_the_losses_are_zero_where_the_document_has_nan():
    arrays, _, scalars = golden("mnist_no_objects")
    y_true, y_pred = arrays["y_true"], arrays["y_pred"]
    assert float(calculate_model_loss(y_true, y_pred)) == 0.0
    assert [float(metric(y_true, y_pred)) for metric in (objectness_metrics,)] == [0.0]
    close(calculate_objectless_loss(y_true, y_pred), scalars["seed__objectless_loss"])


@pytest.mark.parametrize("floor", [True, False])
def test_agrees_with_the_loss_object(floor):
    rng = np.random.default_rng(5)
    y_true = np.zeros((3, 4, 9), np.float32)  # 4 label rows, 4 classes
    y_true[:, :3, 0] = 1
    y_true[..., 1:3] = rng.uniform(0, 1, (3, 4, 2))
    y_true[..., 3:5] = rng.uniform(0.1, 1, (3, 4, 2))
    y_true[..., 5 + 2] = 1
    y_pred = rng.normal(size=(3, 7, 7, 2 * 9)).astype(np.float32)  # a 7x7 grid, 2 predictors
    loss = published("mnist_yolo/documented", num_classes=4, floor_corners=floor)
    terms = loss.breakdown(y_true, y_pred).terms
    close(calculate_model_loss(y_true, y_pred, floor=floor), loss(y_true, y_pred))
    close(calculate_objectless_loss(y_true, y_pred, floor=floor), terms["no_object"])
    close(bounding_box_metrics(y_true, y_pred, floor=floor), terms["xy"] + terms["wh"])


def test_shapes_of_the_document():
    rng = np.random.default_rng(0)
    y_true = np.zeros((32, 5, 15), np.float32)
    y_true[:, :2] = [1, 0.75, 0.3, 0.2, 0.2, *np.eye(10)[3]]
    y_pred = rng.normal(size=(32, 6, 6, 45)).astype(np.float32)
    cells = calculate_grid_cell_indices(y_true, y_pred)
    assert cells.shape == (32, 5, 2)
    assert cells.dtype == tf.int32
    assert cells[0, 0].numpy().tolist() == [4, 1]  # floor(0.75 * 6) and floor(0.3 * 6)
    best = calculate_anchorbox_indices(y_true, y_pred, cells)
    assert best.shape == (32, 5, 1)
    assert best.dtype == tf.int32
    assert calculate_best_anchor_boxes(y_true, y_pred).shape == (32, 5, 1, 15)
    assert calculate_model_loss(y_true, y_pred).shape == ()


def test_a_box_in_pixels_by_hand():
    # (10, 10, 5, 4): x from 7.5 to 12.5, y from 8 to 12; rounded down 7, 8, 12, 12.
    first = convert_boxes_to_corners([[[[10.0, 10.0, 5.0, 4.0]]]])
    second = convert_boxes_to_corners([[[[12.0, 10.0, 4.0, 4.0]]]])  # 10, 8, 14, 12
    assert np.squeeze(first).tolist() == [7, 8, 12, 12]
    corners = calculate_intersection_corners(first, second)
    assert np.squeeze(corners).tolist() == [10, 8, 12, 12]
    intersection = calculate_intersection_area(corners)
    assert float(np.squeeze(intersection)) == 8  # 2 * 4
    union = calculate_union_area([[[[5.0, 4.0]]]], [[[[4.0, 4.0]]]], intersection)
    assert float(np.squeeze(union)) == 28  # 20 + 16 - 8
    assert float(np.squeeze(calculate_iou(intersection, union))) == pytest.approx(8 / 28)


def test_boxes_that_do_not_meet_and_boxes_without_area():
    corners = calculate_intersection_corners([[[[0.0, 0, 1, 1]]]], [[[[2.0, 2, 3, 3]]]])
    assert np.squeeze(corners).tolist() == [2, 2, 1, 1]  # inside out
    assert float(np.squeeze(calculate_intersection_area(corners))) == 0
    assert float(np.squeeze(calculate_iou([[[0.0]]], [[[0.0]]]))) == 0


def test_centres_on_the_border_and_outside_have_the_nearest_cell():
    y_true = np.zeros((1, 4, 15), np.float32)
    y_true[0, :, 1:3] = [[1.0, 0.99999994], [1.5, -0.5], [np.nan, np.inf], [0.5, 1 / 6]]
    cells = calculate_grid_cell_indices(y_true, np.zeros((1, 6, 6, 45), np.float32))
    assert cells[0].numpy().tolist() == [[5, 5], [5, 0], [0, 5], [3, 1]]


@pytest.mark.slow
def test_compiles_into_a_model_as_in_the_document():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.layers.Input((6, 6, 2)), keras.layers.Conv2D(45, 1, bias_initializer="normal")]
    )
    model.compile(
        "adam",
        loss=calculate_model_loss,
        metrics=[objectness_metrics, bounding_box_metrics, classification_metrics],
    )
    arrays, _, _ = golden("mnist_typical")
    pictures = np.random.default_rng(0).normal(size=(4, 6, 6, 2)).astype(np.float32)
    expected = calculate_model_loss(arrays["y_true"], model(pictures))
    logs = model.train_on_batch(pictures, arrays["y_true"], return_dict=True)
    assert logs["loss"] == pytest.approx(float(expected), rel=1e-5)
    assert {"objectness_metrics", "bounding_box_metrics", "classification_metrics"} < set(logs)


def test_all_fourteen_are_there():
    defined = {
        name
        for name, value in vars(training_utils).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == training_utils.__name__
    }
    assert len(defined) == 14
