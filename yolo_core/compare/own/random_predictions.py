"""Predictions to try losses on when no network was trained."""

from __future__ import annotations

import numpy as np

from yolo_core.losses import DetectionLoss
from yolo_core.slots import SlotLayout

# How far from its object a box that is meant to fit is put at most, as a part of its size: each box
# has its own, so that overlaps lie on both sides of any threshold.
JITTER = (0.02, 0.2)


def random_predictions(
    loss: DetectionLoss, layout: SlotLayout, y_true: np.ndarray, *, seed: int = 0
) -> np.ndarray:
    """Predictions to try a loss on when no network was trained.

    Normally distributed raw numbers; and in every cell that holds an object's centre all boxes lie
    close to that object, so that rules about overlap have something to do: in every other picture,
    the first one among them, so that they have something to leave as well.

    Args:
        loss: The loss.
        layout: Its slots.
        y_true: (B, N, 5 + C) labels.
        seed: Of the numbers.

    Returns:
        (B, P, channels) float32 slots.
    """
    rng = np.random.default_rng(seed)
    names = loss.channel_names
    raw = rng.normal(size=(len(y_true), layout.count, len(names)))
    # Numbers that slots share, such as the classes of a cell, become the same.
    shared = loss.to_output(raw.astype(np.float32), layout.grids)
    raw = np.array(loss.slot_predictions(shared), np.float64)
    jitter = rng.uniform(-1, 1, (len(y_true), layout.count, 4))
    jitter *= rng.uniform(*JITTER, (len(y_true), layout.count, 1))
    cells = np.round(1 / layout.stride.astype(np.float64))
    place = np.stack([layout.column, layout.row], axis=-1)
    boxes = np.concatenate([(place + 0.5) / cells, layout.stride], axis=-1)
    boxes = np.repeat(boxes[None].astype(np.float64), len(y_true), axis=0)
    fits = np.zeros(boxes.shape[:2], bool)
    for image, rows in enumerate(y_true):
        if image % 2:
            continue
        for row in rows[rows[:, 0] != 0]:
            own = (np.floor(row[1:3] * cells) == place).all(axis=-1)
            moved = row[1:5] * (1 + jitter[image][:, [2, 3, 2, 3]])
            moved[:, :2] = row[1:3] + jitter[image][:, :2] * row[3:5]
            low, high = (place + 0.02) / cells, (place + 0.98) / cells
            moved[:, :2] = np.clip(moved[:, :2], low, high)
            moved[:, 2:] = np.clip(moved[:, 2:], 1e-3, 0.98)
            boxes[image][own], fits[image] = moved[own], fits[image] | own
    try:
        x_y, w_h = loss.encode_boxes(layout, boxes)
    except ValueError:
        # A loss of one's own reads boxes as it likes.
        return raw.astype(np.float32)
    for first, values in (("x", x_y), ("w", w_h)):
        at = names.index(first)
        raw[..., at : at + 2] = np.where(fits[..., None], values, raw[..., at : at + 2])
    return raw.astype(np.float32)
