"""Samples for the counterfactuals, and what judges a change of them."""

import numpy as np

from tests.losses.loss_table import NUM_CLASSES, images, label
from yolo_core.compare.side_by_side import sample_view
from yolo_core.explain.whatif.assigner import Assigner
from yolo_core.losses import published

SIDE = 48


def view_of(loss, y_pred, rows, size=(SIDE, SIDE)):
    return sample_view(
        loss,
        image=np.zeros((*size, 1), np.uint8),
        y_true=images(list(rows))[0],
        y_pred=y_pred,
        class_names=[str(k) for k in range(NUM_CLASSES)],
        loss_name=loss.name,
    )


def one_object(x=0.3, y=0.3, width=0.2, height=0.3):
    """YOLOv2 on 4 x 4 cells of 12 pixels with two anchors, and one object in cell (1, 1)."""
    anchors = [[1.0, 1.0], [2.0, 2.0]]
    loss = published("yolov2", anchors=anchors, num_classes=NUM_CLASSES)
    y_pred = np.random.default_rng(0).normal(size=(1, 4, 4, 2 * (5 + NUM_CLASSES)))
    view = view_of(loss, y_pred.astype(np.float32), [label(x, y, width, height)])
    assigner = Assigner(loss)
    return loss, view, lambda y_true, thresholds: assigner(view, y_true, thresholds)
