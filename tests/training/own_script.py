"""A script as somebody may have one: a network, data and a loss of one's own choice, and `fit`."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from yolo_core.data.sample import Sample, label_rows
from yolo_core.data.source import GivenSamples
from yolo_core.losses import YoloV2Loss
from yolo_core.runs.layout import RunFolder
from yolo_core.training.detector import Detector
from yolo_core.training.recorder import RunRecorder

CLASSES = ("left", "right")
BATCH, BATCHES = 4, 3


def pictures(count: int) -> list[Sample]:
    """Pictures of 32 x 48 with one bright square, in the left half or in the right one."""
    random = np.random.default_rng(0)
    samples = []
    for index in range(count):
        image = random.integers(0, 60, (32, 48, 1), np.uint8)
        x, y = random.integers(0, 36), random.integers(0, 20)
        image[y : y + 12, x : x + 12] = 255
        box = np.array([[(x + 6) / 48, (y + 6) / 32, 12 / 48, 12 / 32]], np.float32)
        samples.append(Sample(f"val/{index}", image, box, np.array([int(x + 6 >= 24)])))
    return samples


def own_detector(optimizer: object = "adam", loss: object = None, **options: object) -> Detector:
    keras.utils.set_random_seed(1)
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((32, 48, 1)),
            layers.Conv2D(8, 5, strides=4, padding="same", activation="relu"),
            layers.Conv2D(16, 5, strides=4, padding="same", activation="relu"),
            layers.Conv2D(2 * (5 + 2), 1),
        ]
    )
    detector = Detector(network, loss or YoloV2Loss([(0.8, 0.8), (1.5, 1.5)], num_classes=2))
    detector.compile(optimizer=optimizer, **options)
    return detector


def own_batches() -> tf.data.Dataset:
    samples = pictures(BATCH * BATCHES)
    images = np.stack([sample.image for sample in samples]).astype(np.float32) / 255
    rows = [label_rows(s.boxes, s.classes, num_classes=2, max_objects=1) for s in samples]
    return tf.data.Dataset.from_tensor_slices((images, np.stack(rows))).batch(BATCH)


def some_pictures() -> GivenSamples:
    return GivenSamples(pictures(2), CLASSES)


@functools.cache
def recorded_run() -> RunFolder:
    """The run "mine": three passes over own data, recorded by a callback and nothing else."""
    checkpoints = Path(tempfile.mkdtemp(prefix="own-script-"))
    atexit.register(shutil.rmtree, checkpoints, ignore_errors=True)
    recorder = RunRecorder(checkpoints / "mine", some_pictures(), checkpoint_every=9)
    own_detector().fit(own_batches(), epochs=3, verbose=0, callbacks=[recorder])
    return RunFolder(checkpoints / "mine")
