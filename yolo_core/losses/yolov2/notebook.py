"""Labels and constants as the Keras notebook's `custom_loss` takes them.

Its y_true (B, rows, columns, anchors, 5 + C) holds one box a slot, y_pred has the same shape, and
the function reads `true_boxes` and a handful of constants from the file that it stands in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from yolo_core.losses.grid import GridLoss


class NotebookLabels(GridLoss):
    """A loss with anchors on one grid that can be held against the notebook's function."""

    anchors: np.ndarray
    class_weights: np.ndarray

    def grid_labels(
        self, y_true: np.ndarray, shape: tuple[int, ...], around: Mapping[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """See `DetectionLoss.grid_labels`: x, y, w, h in grid cells, 1, one-hot class.

        Of the notebook's constants only those that the file has are set, and "true_boxes"
        (B, 1, 1, 1, N, 4) always.
        """
        rows, columns, count = self.slots(shape).grids[0]
        cells, channels = [columns, rows, columns, rows], y_true.shape[-1]
        seen = self.breakdown(y_true, np.zeros((len(y_true), *shape[1:]), np.float32)).to_numpy()
        matched = seen.assignment.matched_object
        own = np.take_along_axis(y_true, np.maximum(matched, 0)[..., None], axis=1)
        grid = np.zeros((*matched.shape, channels), np.float32)
        grid[..., :4] = own[..., 1:5] * cells
        grid[..., 4] = 1
        grid[..., 5:] = np.eye(channels - 5)[np.maximum(seen.targets["class"], 0)]
        grid[matched < 0] = 0
        constants = {
            "BATCH_SIZE": len(y_true),
            "GRID_H": rows,
            "GRID_W": columns,
            "BOX": count,
            "CLASS": self.num_classes,
            "ANCHORS": self.anchors.reshape(-1).astype(np.float64),
            "TRUE_BOX_BUFFER": y_true.shape[1],
        }
        weights = around.get("CLASS_WEIGHTS")
        if weights is not None and np.shape(weights) != (self.num_classes,):
            constants["CLASS_WEIGHTS"] = self.class_weights
        found = {name: value for name, value in constants.items() if name in around}
        boxes = (np.where(y_true[..., :1] != 0, y_true[..., 1:5], 0.0) * cells).astype(np.float32)
        found["true_boxes"] = boxes[:, None, None, None]
        return grid.reshape(len(y_true), rows, columns, count, channels), found
