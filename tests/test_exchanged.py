"""Arguments in each other's place are refused where their shapes or types can tell."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.losses.loss_table import CASES, NUM_CLASSES, LossCase
from yolo_core import training_utils
from yolo_core.data.sample import label_rows
from yolo_core.evaluation.metrics import Detections, Objects, mean_average_precision
from yolo_core.models.decode import nms_keep, scores
from yolo_core.runs.layout import create_run
from yolo_core.runs.store import RunStore

BOX = np.array([[0.5, 0.5, 0.2, 0.2]])
OBJECTS = Objects(BOX, np.array([1]))
DETECTIONS = Detections(BOX, np.array([0.9]), np.array([1]))


def test_objects_and_detections() -> None:
    with pytest.raises(ValueError, match=r"detections must hold Detections, .* received Objects"):
        mean_average_precision([OBJECTS], [DETECTIONS], num_classes=2)  # pyright: ignore
    with pytest.raises(ValueError, match=r"objects must hold Objects, .* received Detections"):
        mean_average_precision([DETECTIONS], [DETECTIONS], num_classes=2)  # pyright: ignore


def test_boxes_scores_and_classes() -> None:
    with pytest.raises(ValueError, match=r"Objects takes boxes of shape \(n, 4\); received \(1,\)"):
        Objects(np.array([1]), BOX)
    with pytest.raises(ValueError, match=r"class indices as classes; received \[0\.9\]"):
        Detections(BOX, np.array([1]), np.array([0.9]))
    with pytest.raises(ValueError, match=r"takes scores of shape \(1,\); received \(1, 4\)"):
        Detections(BOX, BOX, np.array([1]))
    # One box, or four, and the rows would have been filled without a word.
    with pytest.raises(ValueError, match=r"boxes of shape .objects, 4. and as many classes"):
        label_rows(np.array([1]), BOX, num_classes=2, max_objects=1)


def test_objectness_and_class_probabilities() -> None:
    # With as many pictures as classes they would broadcast.
    objectness, classes = np.ones((2, 3)), np.ones((2, 3, 2))
    with pytest.raises(ValueError, match=r"received \(2, 3, 2\) and \(2, 3\)"):
        scores(classes, objectness)
    with pytest.raises(ValueError, match=r"received \(2, 3, 2\) and \(2, 3\)"):
        nms_keep(np.ones((2, 3, 4)), classes, objectness)


@pytest.mark.parametrize("case", CASES)
def test_labels_and_predictions_of_every_loss(case: LossCase) -> None:
    y_true = np.zeros((2, 4, 5 + NUM_CLASSES), np.float32)
    loss, y_pred = case.loss(), case.predictions(2)
    assert np.isfinite(float(loss(y_true, y_pred)))
    with pytest.raises(ValueError, match=r"takes|received"):
        loss(y_pred, y_true)
    with pytest.raises(ValueError, match=r"takes|received"):
        loss.breakdown(y_pred, y_true)


@pytest.mark.parametrize(
    "name",
    [
        "calculate_grid_cell_indices",
        "calculate_best_anchor_boxes",
        "calculate_objectless_loss",
        "calculate_model_loss",
        "objectness_metrics",
        "bounding_box_metrics",
        "classification_metrics",
    ],
)
def test_labels_and_predictions_of_the_document(name: str) -> None:
    y_true = np.zeros((2, 4, 8), np.float32)
    y_pred = np.zeros((2, 3, 3, 16), np.float32)
    getattr(training_utils, name)(y_true, y_pred)
    with pytest.raises(ValueError, match=r"y_true .batch, objects, features. come first"):
        getattr(training_utils, name)(y_pred, y_true)
    cells = np.zeros((2, 4, 2), np.int32)
    with pytest.raises(ValueError, match="come first"):
        training_utils.calculate_anchorbox_indices(y_pred, y_true, cells)


def test_predicted_and_true_values_of_the_document() -> None:
    # Their shapes are alike, but the objectness of a label is 0 or 1.
    true = np.zeros((2, 4, 1, 8), np.float32)
    true[:, :2, :, 0] = 1
    predicted = np.full((2, 4, 1, 8), 0.25, np.float32)
    assert np.isfinite(training_utils.calculate_loss(predicted, true)).all()
    with pytest.raises(ValueError, match=r"Predictions come first, .* received labels with 0.25"):
        training_utils.calculate_loss(true, predicted)


def test_a_graph_that_is_traced_has_no_numbers_to_look_at() -> None:
    shape = (1, 2, 1, 8)
    traced = tf.function(training_utils.calculate_loss)
    one, other = tf.zeros(shape), tf.fill(shape, 0.25)
    assert len(traced(other, one)) == 3
    with pytest.raises(ValueError, match="Predictions come first"):
        training_utils.calculate_loss(one, other)


def test_dimensions_and_areas_of_the_document() -> None:
    size, area = np.ones((2, 4, 3, 2)), np.ones((2, 4, 3))
    assert training_utils.calculate_union_area(size, size, area).shape == (2, 4, 3)
    for exchanged in ((area, size, size), (size, area, size)):
        with pytest.raises(ValueError, match="come first, then the area"):
            training_utils.calculate_union_area(*exchanged)


def test_terms_and_lambdas_of_a_snapshot(tmp_path) -> None:
    with RunStore.create(create_run(tmp_path, "one")) as store:
        place = (10, "pinned", "val/0", "pinned-00000010.npz", 1.0)
        # Either way round they come to the same total.
        with pytest.raises(TypeError):
            store.record_snapshot(*place, {"xy": 0.5}, {"xy": 2.0})  # pyright: ignore
        with pytest.raises(ValueError, match=r"a lambda a term; .* terms xy and lambdas wh"):
            store.record_snapshot(*place, terms={"xy": 0.5}, lambdas={"wh": 2.0})
        with pytest.raises(ValueError, match=r"A snapshot is pinned or batch, .* received 'val/0'"):
            store.record_snapshot(10, "val/0", "pinned", "a.npz", 1.0, terms={}, lambdas={})
