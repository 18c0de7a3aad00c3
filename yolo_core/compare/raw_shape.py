"""What a network hands to its loss, from whatever form predictions are kept in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from yolo_core.losses import DetectionLoss, GridLoss


def network_output(
    loss: DetectionLoss,
    y_pred: np.ndarray,
    grids: Sequence[tuple[int, int, int]] | None = None,
) -> np.ndarray:
    """Predictions as a network hands them to the loss: the way back from `slot_predictions`.

    Args:
        loss: The loss.
        y_pred: What a network gives, with or without the batch axis; or (P, channels) or
            (B, P, channels) slots.
        grids: As in `DetectionLoss.to_output`.

    Returns:
        float32, with a batch axis: (B, rows, columns, channels of a cell) for a loss on one grid,
        (B, P, channels) for one on several heads.

    Raises:
        ValueError: The slots do not make up the grid.
    """
    y_pred = np.asarray(y_pred, np.float32)
    axes = 4 if isinstance(loss, GridLoss) else 3
    # (rows, columns, channels of a cell) has three axes too, but never a slot's channels.
    if y_pred.ndim < 4 and y_pred.shape[-1] == len(loss.channel_names):
        return loss.to_output(y_pred if y_pred.ndim == 3 else y_pred[None], grids)
    return y_pred if y_pred.ndim >= axes else y_pred[None]
