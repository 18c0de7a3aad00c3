"""What an own loss sends into the slots, on whichever backend Keras runs; run as a script, too."""

from __future__ import annotations

import sys

import numpy as np
from keras import ops

from yolo_core.breakdown import OwnGradient
from yolo_core.layouts import in_layout
from yolo_core.losses import YoloV2Loss, YoloV3Loss
from yolo_core.training.own_function import OwnFunction

CLASSES, GRIDS = 2, [(2, 3), (4, 6)]
ANCHORS = [[[0.5, 0.4], [0.3, 0.6]], [[0.1, 0.2], [0.2, 0.1]]]


def labels() -> np.ndarray:
    y_true = np.zeros((2, 2, 5 + CLASSES), np.float32)
    y_true[0, 0] = [1, 0.4, 0.6, 0.3, 0.5, 1, 0]
    y_true[0, 1] = [1, 0.8, 0.1, 0.1, 0.2, 0, 1]
    y_true[1, 0] = [1, 0.5, 0.5, 0.5, 0.4, 0, 1]
    return y_true


def drawn(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def published() -> YoloV3Loss:
    return in_layout(YoloV3Loss(ANCHORS, CLASSES, grids=GRIDS), "keras_yolo2")


def outputs() -> list[np.ndarray]:
    return drawn(*((2, rows, columns, 2, 5 + CLASSES) for rows, columns in GRIDS))


def squared(y_true, y_pred):
    """One number a picture: the square of what is predicted where an object is."""
    return ops.sum(ops.square(y_pred) * y_true[..., 4:5], axis=(1, 2, 3, 4))


def of_functions() -> OwnGradient:
    """A function an output, on labels laid out over the slots."""
    own = OwnFunction([squared, squared], labels="keras_yolo3", name="mine")
    return own.on(labels(), outputs(), published())


def of_a_loss() -> OwnGradient:
    """A published loss as if it were a function of somebody's own."""
    loss = YoloV2Loss([[1.0, 2.0], [2.0, 1.0]], CLASSES, lambdas={"coord": 3.0})
    (raw,) = drawn((2, 3, 4, 2 * (5 + CLASSES)))
    return OwnFunction(loss).on(labels(), raw, loss)


if __name__ == "__main__":
    found = {"functions": of_functions(), "loss": of_a_loss()}
    arrays = {f"{name}.total": each.total for name, each in found.items()}
    arrays |= {f"{name}.gradient": each.gradient for name, each in found.items()}
    np.savez(sys.argv[1], **arrays)
