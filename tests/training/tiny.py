"""A detector of a few hundred weights on 32 x 32 pictures, with every kind of state there is."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from yolo_core.losses import YoloV2Loss
from yolo_core.training.detector import Detector

CLASSES = 2
ANCHORS = ((0.6, 0.6), (1.2, 1.2))
CELLS = 2


def tiny_network(filters: int = 4, dropout: float = 0.1) -> keras.Model:
    """To a grid of 2 x 2, with batch statistics and a dropout's random state."""
    image = keras.Input((32, 32, 1))
    x = layers.Conv2D(filters, 3, strides=4, padding="same")(image)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.LeakyReLU(0.1)(x)
    x = layers.Dropout(dropout, seed=5)(x)
    x = layers.Conv2D(len(ANCHORS) * (5 + CLASSES), 3, strides=4, padding="same")(x)
    return keras.Model(image, x)


def tiny_detector(
    optimizer: keras.optimizers.Optimizer | None = None,
    *,
    filters: int = 4,
    dropout: float = 0.1,
    **compile_options,
) -> Detector:
    keras.utils.set_random_seed(1)
    loss = YoloV2Loss(anchors=ANCHORS, num_classes=CLASSES)
    detector = Detector(tiny_network(filters, dropout), loss)
    optimizer = optimizer or keras.optimizers.Adam(1e-2)
    detector.compile(optimizer=optimizer, **compile_options)
    optimizer.build(detector.trainable_variables)
    return detector


def tiny_batches(count: int, size: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Images (count * size, 32, 32, 1) and labels (count * size, 2, 7): one or two objects."""
    random = np.random.default_rng(3)
    total = count * size
    images = random.random((total, 32, 32, 1), np.float32)
    y_true = np.zeros((total, 2, 5 + CLASSES), np.float32)
    y_true[..., 1:3] = random.uniform(0.05, 0.95, (total, 2, 2))
    y_true[..., 3:5] = random.uniform(0.2, 0.8, (total, 2, 2))
    y_true[:, 0, 0] = 1
    y_true[::2, 1, 0] = 1
    y_true[..., 5:] = np.eye(CLASSES)[random.integers(0, CLASSES, (total, 2))]
    y_true[y_true[..., 0] == 0] = 0
    return images, y_true


def variables_of(detector: Detector) -> list[keras.Variable]:
    return [*detector.variables, *detector.optimizer.variables]


def values_of(detector: Detector) -> dict[str, np.ndarray]:
    """{index and path: value} of every variable; paths alone come twice."""
    return {f"{i} {v.path}": v.numpy() for i, v in enumerate(variables_of(detector))}


def assert_same_values(received: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert list(received) == list(expected)
    for name in expected:
        np.testing.assert_array_equal(received[name], expected[name], err_msg=name)
