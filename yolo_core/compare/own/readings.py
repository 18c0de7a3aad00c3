"""Mistakes in reading labels and predictions, as somebody's own loss may have them.

Such a mistake is no option of a published loss. But it can be put in front of one: a loss that
reads x for y is the published one on predictions whose x and y are exchanged. Every one of these
was made by somebody who wrote such a loss; `diagnosis` looks for them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from yolo_core.losses import DetectionLoss, GridLoss, changed
from yolo_core.losses.anchor_boxes import AnchorOutput

X, Y, WIDTH, HEIGHT = 1, 2, 3, 4
_TRANSPOSED = (0, 2, 1, 3)


@dataclasses.dataclass(frozen=True)
class Reading:
    """A way to read what a loss is given.

    Attributes:
        words: What it does, to stand after "with".
        labels: (B, N, 5 + C) label rows to what the loss gets of them.
        predictions: Raw predictions, as a network hands them over, to what the loss gets of them.
        options: Keyword options that the loss needs for that.
    """

    words: str
    labels: Callable[[np.ndarray], np.ndarray] = lambda y_true: y_true
    predictions: Callable[[Any], Any] = lambda y_pred: y_pred
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    def loss(self, loss: DetectionLoss) -> DetectionLoss:
        """The loss that is given these labels and predictions."""
        if not self.options:
            return loss
        return changed(loss, self.options)


AS_IT_IS = Reading("")


def readings(loss: DetectionLoss, shape: tuple[int, ...]) -> Iterator[Reading]:
    """The mistakes that can be made with a loss.

    Args:
        loss: The published loss.
        shape: Of the raw predictions, with the batch axis.
    """
    if len(shape) == 4:  # one grid
        rows, columns = shape[1:3]
        yield Reading("x and y exchanged in the target within the cell", _in_cell(rows, columns))
    yield Reading(
        "the raw numbers of x and y exchanged", predictions=_channels(loss, shape, "x", "y")
    )
    yield Reading(
        "the raw numbers of w and h exchanged", predictions=_channels(loss, shape, "w", "h")
    )
    yield Reading("x and y of the labels exchanged", labels=_columns(X, Y))
    yield Reading("width and height of the labels exchanged", labels=_columns(WIDTH, HEIGHT))
    is_raw = not getattr(loss, "decoded", False)
    if isinstance(loss, AnchorOutput) and isinstance(loss, GridLoss) and is_raw:
        yield from _decodings(loss, shape)


def _decodings(loss: DetectionLoss, shape: tuple[int, ...]) -> Iterator[Reading]:
    """Boxes of anchors on one grid, decoded with a mistake."""
    _, rows, columns, _ = shape
    anchors = np.asarray(loss.get_config()["anchors"], np.float32)
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    corner = np.stack([column, row], axis=-1).astype(np.float32)[:, :, None]
    unit = [columns, rows] if loss.switches.get("box_unit") == "image" else [1, 1]

    def mistake(
        words: str,
        *,
        corner: np.ndarray = corner,
        anchors: np.ndarray = anchors,
        sigmoid: Callable[[Any], Any] = tf.sigmoid,
        exp: Callable[[Any], Any] = tf.exp,
        axes: Sequence[int] = (0, 1, 2, 3),
        labels: Callable[[np.ndarray], np.ndarray] = AS_IT_IS.labels,
    ) -> Reading:
        def decoded(y_pred: Any) -> Any:
            raw = tf.reshape(y_pred, (-1, rows, columns, len(anchors), len(loss.channel_names)))
            xy, wh, objectness, classes = tf.split(raw, [2, 2, 1, -1], axis=-1)
            parts = [
                (sigmoid(xy) + corner) / unit,
                exp(wh) * anchors / unit,
                tf.sigmoid(objectness),
                tf.nn.softmax(classes),
            ]
            return tf.transpose(tf.reshape(tf.concat(parts, axis=-1), tf.shape(y_pred)), axes)

        return Reading(words, labels, decoded, options={"decoded": True})

    yield mistake("the row added to x and the column to y", corner=corner[..., ::-1])
    yield mistake("no place of the cell added to x and y", corner=np.zeros_like(corner))
    yield mistake("no sigmoid on x and y", sigmoid=tf.identity)
    yield mistake("no exp on w and h", exp=tf.identity)
    yield mistake("width and height of the anchors exchanged", anchors=anchors[:, ::-1])
    yield mistake("w and h not multiplied by the anchors", anchors=np.ones_like(anchors))
    if rows != columns:
        return
    # In both the object's slot is that of the cell with row and column exchanged; in the second
    # so is the object, which then has its own slot again.
    yield mistake("row and column of the owning cells exchanged", axes=_TRANSPOSED)
    yield mistake(
        "x and y exchanged in the boxes that predictions are compared with",
        axes=_TRANSPOSED,
        labels=_columns(X, Y),
    )


def _columns(one: int, other: int) -> Callable[[np.ndarray], np.ndarray]:
    """Exchanges two columns of label rows."""

    def exchanged(y_true: np.ndarray) -> np.ndarray:
        order = np.arange(y_true.shape[-1])
        order[[one, other]] = order[[other, one]]
        return y_true[..., order]

    return exchanged


def _in_cell(rows: int, columns: int) -> Callable[[np.ndarray], np.ndarray]:
    """Exchanges where label rows have their centre within the cell; the cell stays."""

    def exchanged(y_true: np.ndarray) -> np.ndarray:
        counts = np.asarray([columns, rows])
        places = y_true[..., [X, Y]] * counts
        cells = np.minimum(np.floor(places), counts - 1)
        moved = y_true.copy()
        moved[..., [X, Y]] = (cells + (places - cells)[..., ::-1]) / counts
        return moved

    return exchanged


def _channels(
    loss: DetectionLoss, shape: tuple[int, ...], one: str, other: str
) -> Callable[[Any], Any]:
    """Exchanges two channels of every slot, wherever the loss has them in its last axis."""
    names = loss.channel_names
    places = np.broadcast_to(np.arange(shape[-1], dtype=np.float32), (1, *shape[1:]))
    places = np.asarray(loss.slot_predictions(tf.constant(places)))[0].astype(int)
    first, second = places[:, names.index(one)], places[:, names.index(other)]
    order = np.arange(shape[-1])
    order[first], order[second] = second, first
    return lambda y_pred: tf.gather(y_pred, order, axis=-1)
