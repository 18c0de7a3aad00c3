"""Arguments in each other's place are refused where their shapes or types can tell."""

from __future__ import annotations

import numpy as np
import pytest

from tests.losses.loss_table import CASES, NUM_CLASSES, LossCase
from yolo_core import training_utils
from yolo_core.data.sample import label_rows
from yolo_core.evaluation.metrics import Detections, Objects, mean_average_precision
from yolo_core.models.decode import nms_keep, scores

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
