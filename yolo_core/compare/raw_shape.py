"""The way back from slots to what a network hands to its loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from yolo_core.losses import DetectionLoss, YoloV1Loss
from yolo_core.losses.multi_head import MultiHeadLoss

SLOTS_A_CELL = 3
"""Of losses without anchors, when nothing says otherwise."""


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
        grids: (rows, columns, slots a cell) of each head, for slots of a loss on one grid; None
            takes the grid as square, with as many slots a cell as the loss has anchors, else 3.

    Returns:
        float32, with a batch axis: (B, rows, columns, channels of a cell) for a loss on one grid,
        (B, P, channels) for one on several heads.

    Raises:
        ValueError: The slots do not make up the grid.
    """
    y_pred = np.asarray(y_pred, np.float32)
    if isinstance(loss, MultiHeadLoss):
        return y_pred if y_pred.ndim >= 3 else y_pred[None]
    # (rows, columns, channels of a cell) has three axes too, but never a slot's channels.
    is_slots = y_pred.ndim < 4 and y_pred.shape[-1] == len(loss.channel_names)
    if is_slots:
        return _on_grid(loss, y_pred if y_pred.ndim == 3 else y_pred[None], grids)
    return y_pred if y_pred.ndim == 4 else y_pred[None]


def _on_grid(
    loss: DetectionLoss, slots: np.ndarray, grids: Sequence[tuple[int, int, int]] | None
) -> np.ndarray:
    """(B, P, channels) slots as the (B, rows, columns, channels of a cell) of one head."""
    batch, count, features = slots.shape
    if grids is None:
        a_cell = len(getattr(loss, "anchors", range(SLOTS_A_CELL)))
        side = round((count / a_cell) ** 0.5)
        grids = [(side, side, a_cell)]
    if len(grids) != 1 or int(np.prod(grids[0])) != count:
        words = " and ".join(f"{r} x {c} x {a}" for r, c, a in grids)
        raise ValueError(
            f"{type(loss).__name__} has its slots on one grid; received {count} slots for {words}."
        )
    rows, columns, a_cell = grids[0]
    cells = slots.reshape(batch, rows, columns, a_cell, features)
    if not isinstance(loss, YoloV1Loss):
        return cells.reshape(batch, rows, columns, a_cell * features)
    boxes = cells[..., :5].reshape(batch, rows, columns, a_cell * 5)
    return np.concatenate([boxes, cells[..., 0, 5:]], axis=-1)
