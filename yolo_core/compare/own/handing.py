"""What somebody's own function is handed: labels and predictions in the layout that it was written
for, and the numbers that it reads from the file around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from yolo_core.layouts.labels import to_keras_yolo3
from yolo_core.losses import DetectionLoss, GridLoss
from yolo_core.slots import SlotLayout

# Sizes below are in cells of a grid, above them in pixels; below 1 they are fractions.
_LARGEST_IN_CELLS = 40.0


def labels_for(
    kind: str, loss: DetectionLoss, layout: SlotLayout, y_true: np.ndarray, around: Mapping
) -> tuple[Any, dict[str, Any]]:
    """Labels of one of `labels.LABELS`, and the names that go with them.

    Args:
        kind: One of `labels.LABELS`.
        loss: The published loss.
        layout: Its slots.
        y_true: (B, N, 5 + C) label rows.
        around: The names of the function's file.

    Raises:
        ValueError: The loss was never written for such labels.
    """
    if kind == "grid":
        rows, columns, count = layout.grids[0]
        shape = (len(y_true), rows, columns, count * len(loss.channel_names))
        return loss.grid_labels(y_true, shape, around)
    if kind == "heads":
        return to_keras_yolo3(y_true, layout), {}
    if kind == "priors":
        return _encoded(loss, layout, y_true), {}
    if kind.startswith("cells"):
        return _cells(layout, y_true, classes_first=kind != "cells"), {}
    return y_true, {}


def _cells(layout: SlotLayout, y_true: np.ndarray, *, classes_first: bool) -> np.ndarray:
    """(B, rows, columns, ...) with the last object of each cell."""
    if len(layout.grids) != 1:
        raise ValueError(
            f"Labels of one object a cell go with one grid; this loss has {len(layout.grids)}."
        )
    rows, columns, count = layout.grids[0]
    found = np.zeros((len(y_true), rows, columns, y_true.shape[-1]), np.float32)
    for picture, objects in zip(found, y_true, strict=True):
        for row in objects[objects[:, 0] != 0]:
            x, y = row[1] * columns, row[2] * rows
            column, line = min(int(x), columns - 1), min(int(y), rows - 1)
            picture[line, column] = [1.0, x - column, y - line, *row[3:]]
    if not classes_first:
        return found
    nothing = np.zeros((*found.shape[:3], 5 * (count - 1)), np.float32)
    return np.concatenate([found[..., 5:], found[..., :5], nothing], axis=-1)


def _encoded(loss: DetectionLoss, layout: SlotLayout, y_true: np.ndarray) -> np.ndarray:
    """(B, P, 5 + C): what each prior is trained towards."""
    if "background" not in loss.channel_names:
        raise ValueError(
            "Encoded priors are labels of a loss with a background class; received --labels "
            f"priors with {loss.name}."
        )
    raw = np.zeros((len(y_true), layout.count, len(loss.channel_names)), np.float32)
    seen = loss.breakdown(y_true, raw).to_numpy()
    boxes = np.concatenate([seen.targets["xy"], seen.targets["wh"]], axis=-1)
    classes = seen.targets["class"]
    one_hot = np.eye(y_true.shape[-1] - 4)[np.maximum(classes + 1, 0)]
    found = np.concatenate([np.nan_to_num(boxes, nan=0.0), one_hot], axis=-1)
    return found.astype(np.float32)


def predictions_for(
    kind: str,
    loss: DetectionLoss,
    y_true: np.ndarray,
    *,
    activated: bool = False,
    channels_first: bool = False,
) -> Callable[[tf.Tensor], Any]:
    """From raw predictions, as a network hands them over, to what a function takes.

    Args:
        kind: One of `labels.LABELS`.
        loss: The published loss.
        y_true: (B, N, 5 + C) label rows.
        activated: Hand over, in the same places, x and y as fractions of their cell, w and h as
            fractions of the picture, objectness and class probabilities; of priors the softmax
            alone.
        channels_first: Grids as (B, channels of a cell, rows, columns), as PyTorch has them.
    """

    def handed(raw: tf.Tensor) -> Any:
        values = in_place(raw)
        if not channels_first:
            return values
        return [_first(each) for each in values] if isinstance(values, list) else _first(values)

    def in_place(raw: tf.Tensor) -> Any:
        layout = loss.slots(tuple(raw.shape))
        values = _activated(loss, layout, y_true, raw) if activated else raw
        if kind == "grid":
            rows, columns, count = layout.grids[0]
            return tf.reshape(values, (-1, rows, columns, count, len(loss.channel_names)))
        if kind != "heads":
            return values
        slots, heads, start = loss.slot_predictions(values), [], 0
        for rows, columns, count in layout.grids:
            part = slots[:, start : start + rows * columns * count]
            heads.append(tf.reshape(part, (-1, rows, columns, count, len(loss.channel_names))))
            start += rows * columns * count
        return heads

    return handed


def _first(values: tf.Tensor) -> tf.Tensor:
    """Channels last to channels first; what is no grid stays."""
    if len(values.shape) == 5:
        values = tf.reshape(values, (*values.shape[:3], -1))
    return tf.transpose(values, (0, 3, 1, 2)) if len(values.shape) == 4 else values


def _activated(
    loss: DetectionLoss, layout: SlotLayout, y_true: np.ndarray, raw: tf.Tensor
) -> tf.Tensor:
    """Activated predictions in the places of the raw ones."""
    seen = loss.breakdown(y_true, raw).predictions
    if "background" in loss.channel_names:
        slots = loss.slot_predictions(raw)
        values = tf.concat([slots[..., :4], tf.nn.softmax(slots[..., 4:])], axis=-1)
    else:
        cells = np.round(1 / layout.stride).astype(np.float32)
        corner = np.stack([layout.column, layout.row], axis=-1).astype(np.float32)
        x, y, width, height = tf.unstack(seen["boxes"], axis=-1)
        numbers = {
            "x": x * cells[:, 0] - corner[:, 0],
            "y": y * cells[:, 1] - corner[:, 1],
            "w": width,
            "h": height,
            "objectness": seen["objectness"],
        }
        named = [name for name in loss.channel_names if name in numbers]
        box = tf.stack([numbers[name] for name in named], axis=-1)
        values = tf.concat([box, seen["class_probabilities"]], axis=-1)
    if not isinstance(loss, GridLoss):
        return values
    # Where every slot's number stands in what a network of this loss gives.
    count = layout.count * len(loss.channel_names)
    places = np.arange(count, dtype=np.float32).reshape(1, layout.count, -1)
    order = np.asarray(loss.to_output(places, layout.grids))[0].astype(int)
    return tf.gather(tf.reshape(values, (-1, count)), order, axis=1)


def set_around(
    around: dict[str, Any], layout: SlotLayout, y_true: np.ndarray, image: Sequence[int]
) -> dict[str, str]:
    """Sets the names that such files read, where the file has them with another value.

    Args:
        around: The names of the file, which are changed.
        layout: Its slots.
        y_true: (B, N, 5 + C) label rows.
        image: (height, width, ...) of the pictures.

    Returns:
        {name: what it was set to, in words}.
    """
    rows, columns, count = layout.grids[0]
    classes, height, width = y_true.shape[-1] - 5, int(image[0]), int(image[1])
    numbers: dict[str, int] = {
        **dict.fromkeys(("GRID_H", "grid_h"), rows),
        **dict.fromkeys(("GRID_W", "grid_w"), columns),
        **dict.fromkeys(("BOX", "B", "NUM_BOXES", "num_boxes", "nb_box", "num_anchors"), count),
        **dict.fromkeys(
            ("CLASS", "C", "NUM_CLASSES", "num_classes", "N_CLASSES", "n_classes", "nb_class"),
            classes,
        ),
        **dict.fromkeys(("BATCH_SIZE", "batch_size"), len(y_true)),
        **dict.fromkeys(("TRUE_BOX_BUFFER", "max_boxes", "MAX_BOXES"), y_true.shape[1]),
    }
    if rows == columns:
        numbers |= dict.fromkeys(("S", "GRID_SIZE", "grid_size", "CELL_SIZE", "cell_size"), rows)
    if height == width:
        sizes = ("IMAGE_SIZE", "image_size", "IMG_SIZE", "img_size", "INPUT_SIZE", "input_size")
        numbers |= dict.fromkeys(sizes, height)
    told = {}
    for name, value in numbers.items():
        if type(around.get(name)) is int and around[name] != value:
            around[name] = value
            told[name] = str(value)
    if layout.has_priors:
        for name in ("ANCHORS", "anchors", "YOLO_ANCHORS", "yolo_anchors"):
            if name in around and _is_numbers(around[name]):
                unit, value = _anchors_like(around[name], layout, (height, width))
                around[name] = value
                told[name] = f"{len(layout.grids)} x {count} sizes in {unit}"
        for name in ("PRIORS", "priors", "prior_boxes", "default_boxes", "DEFAULT_BOXES"):
            if name in around and not callable(around[name]):
                around[name] = np.array(layout.prior, np.float32)
                told[name] = f"({layout.count}, 4) x, y, w, h of the picture"
    return told


def _is_numbers(value: Any) -> bool:
    try:
        return np.asarray(value, np.float64).size > 0
    except (TypeError, ValueError):
        return False


def _anchors_like(before: Any, layout: SlotLayout, image: tuple[int, int]) -> tuple[str, Any]:
    """All anchors, in the unit and the shape that the file's own ones have."""
    old = np.asarray(before, np.float64)
    sizes = [
        layout.prior[layout.head == head][:count, 2:]
        for head, (_, _, count) in enumerate(layout.grids)
    ]
    every = np.concatenate(sizes).astype(np.float64)
    unit, scale = "fractions of the picture", np.ones(2)
    if old.max() > _LARGEST_IN_CELLS:
        unit, scale = "pixels", np.asarray(image[::-1], np.float64)
    elif old.max() > 1:
        unit, scale = "cells", np.asarray(layout.grids[0][1::-1], np.float64)
    value = every * scale
    if old.ndim == 1:
        value = value.reshape(-1)
    elif old.ndim == 3:
        value = value.reshape(len(layout.grids), -1, 2)
    value = value.astype(np.float32)
    return unit, value.tolist() if isinstance(before, list | tuple) else value
