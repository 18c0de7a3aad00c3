"""Labels and constants as the Keras notebook's `custom_loss` takes them.

`docs/losses.md#keras-notebook`: y_true (B, rows, columns, anchors, 5 + C) holds one box a
slot, y_pred has the same shape, and the function reads `true_boxes` and a handful of constants from
the file that it stands in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from yolo_core.losses import DetectionLoss, YoloV2Loss


def grid_labels(loss: DetectionLoss, y_true: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Label rows laid out over the slots that they train.

    Args:
        loss: The YOLOv2 loss that says which slots these are.
        y_true: (B, N, 5 + C) label rows.
        shape: (B, rows, columns, anchors * (5 + C)) of the predictions.

    Returns:
        (B, rows, columns, anchors, 5 + C) float32: x, y, w, h in grid cells, 1, one-hot class;
        zeros in slots without an object.

    Raises:
        ValueError: The loss is not YOLOv2.
    """
    if not isinstance(loss, YoloV2Loss):
        raise ValueError(
            "Labels as a grid of slots are those of the Keras notebook's YOLOv2: they go with "
            f"--against yolov2 or a variant of it; received {type(loss).__name__}."
        )
    (rows, columns, anchors), channels = loss.slots(shape).grids[0], y_true.shape[-1]
    seen = loss.breakdown(y_true, np.zeros((len(y_true), *shape[1:]), np.float32)).to_numpy()
    matched = seen.assignment.matched_object
    own = np.take_along_axis(y_true, np.maximum(matched, 0)[..., None], axis=1)
    grid = np.zeros((*matched.shape, channels), np.float32)
    grid[..., :4] = own[..., 1:5] * [columns, rows, columns, rows]
    grid[..., 4] = 1
    grid[..., 5:] = np.eye(channels - 5)[np.maximum(seen.targets["class"], 0)]
    grid[matched < 0] = 0
    return grid.reshape(len(y_true), rows, columns, anchors, channels)


def notebook_constants(
    loss: YoloV2Loss, y_true: np.ndarray, shape: tuple[int, ...], around: Mapping[str, Any]
) -> dict[str, Any]:
    """What the notebook's function reads from around it, for these pictures.

    Args:
        loss: The YOLOv2 loss.
        y_true: (B, N, 5 + C) label rows.
        shape: Of the predictions.
        around: The names of the file; of the notebook's constants only those that it has are set.

    Returns:
        {name: value}, "true_boxes" (B, 1, 1, 1, N, 4) in grid cells always among them.
    """
    rows, columns, anchors = loss.slots(shape).grids[0]
    boxes = np.where(y_true[..., :1] != 0, y_true[..., 1:5], 0.0)
    boxes = (boxes * [columns, rows, columns, rows]).astype(np.float32)
    constants = {
        "BATCH_SIZE": len(y_true),
        "GRID_H": rows,
        "GRID_W": columns,
        "BOX": anchors,
        "CLASS": loss.num_classes,
        "ANCHORS": loss.anchors.reshape(-1).astype(np.float64),
        "TRUE_BOX_BUFFER": y_true.shape[1],
    }
    weights = around.get("CLASS_WEIGHTS")
    if weights is not None and np.shape(weights) != (loss.num_classes,):
        constants["CLASS_WEIGHTS"] = loss.class_weights
    found = {name: value for name, value in constants.items() if name in around}
    return {
        **found,
        **({"CLASS_WEIGHTS": constants["CLASS_WEIGHTS"]} if "CLASS_WEIGHTS" in constants else {}),
        "true_boxes": boxes[:, None, None, None],
    }
