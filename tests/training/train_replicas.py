"""Some steps on one device, then on two: `python -m tests.training.train_replicas ONE.npz TWO.npz`.

The two are parts of the processor. They are made before TensorFlow starts: in a process of its own.
"""

from __future__ import annotations

import contextlib
import math
import sys
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tests.losses.loss_table import DEFAULTS, GRID, LossCase, random_scene
from yolo_core.training.detector import Detector

IMAGES = 6
"""A batch; the last one is short of one, so that one replica has more images than the other."""
STEPS = 4
NON_FINITE = 3
"""The step, from 1, with an image that is not a number, on the last replica."""


def network(case: LossCase) -> keras.Model:
    shape = case.shape(1, GRID, 2)[1:]
    inputs = keras.Input((*GRID, 4))
    x = keras.layers.Conv2D(8, 3, padding="same")(inputs)
    x = keras.layers.BatchNormalization(momentum=0.9, synchronized=True)(x)
    x = keras.layers.Conv2D(math.prod(shape) // math.prod(GRID), 1)(keras.layers.LeakyReLU()(x))
    return keras.Model(inputs, keras.layers.Reshape(shape)(x))


def cases() -> list[tuple[str, LossCase, dict[str, int]]]:
    """Name, loss and options; yolov2 is itself again after two steps of its warm-up."""
    options = {"yolov2": {"warmup_batches": 2}}
    return [(each.id, each.values[0], options.get(each.id, {})) for each in DEFAULTS]


class Record(keras.callbacks.Callback):
    """The logs and variables of every step, and the breakdowns of the first and the last.

    Args:
        whole: Whether what the terms pull is asked for, too, and the steps between them are those
            that nobody looks into.
    """

    def __init__(self, whole: bool) -> None:
        super().__init__()
        self.values: dict[str, np.ndarray] = {}
        self.whole = whole

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        del logs
        self.model.wants_breakdown = batch in (0, STEPS - 1) or not self.whole
        self.model.wants_pulls = batch in (0, STEPS - 1) and self.whole

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        step = batch + 1
        self.values.update({f"{step}/{name}": value for name, value in (logs or {}).items()})
        if self.model.last_batch is not None and batch in (0, STEPS - 1):
            self.values.update(flattened(self.model.last_batch, f"{step}/batch"))
        for index, variable in enumerate(self.model.variables):
            for copy, value in enumerate(copies(variable)):
                self.values[f"{step}/variable {index} {variable.name}/{copy}"] = value


def flattened(batch: dict[str, Any], where: str) -> dict[str, np.ndarray]:
    """{path: array} of a batch as `Detector.last_batch` is one."""
    parts = {**batch, **batch["breakdown"].to_tree()}
    del parts["breakdown"]
    found = {}
    for name, value in parts.items():
        each = value if isinstance(value, dict) else {"": value}
        found.update({f"{where}/{name}/{key}": array for key, array in each.items()})
    return found


def copies(variable: keras.Variable) -> list[np.ndarray]:
    """The values of a variable on every device."""
    strategy = tf.distribute.get_strategy()
    return [each.numpy() for each in strategy.experimental_local_results(variable.value)]


def train(case: LossCase, options: dict[str, int], *, replicas: int) -> dict[str, np.ndarray]:
    """What a training of one loss came to.

    Tracing and compiling takes the time here. What two replicas compile to is looked at with two
    losses, all else is carried out as it is called; one device compiles in every other test.
    """
    whole = bool(options) or case.mined
    tf.config.run_functions_eagerly(replicas == 1 or not whole)
    keras.utils.set_random_seed(1)
    detector = Detector(network(case), case.loss(**options))
    detector.compile(keras.optimizers.Adam(0.01, epsilon=1e-3, global_clipnorm=0.1))
    images = np.random.default_rng(2).normal(size=(STEPS * IMAGES - 1, *GRID, 4)).astype(np.float32)
    images[NON_FINITE * IMAGES - 1] = np.nan
    y_true = np.concatenate([random_scene(seed, batch=IMAGES) for seed in range(STEPS)])[
        : len(images)
    ]
    record = Record(whole)
    data = tf.data.Dataset.from_tensor_slices((images, y_true)).batch(IMAGES)
    detector.fit(data, verbose=0, callbacks=[record])
    return record.values


if __name__ == "__main__":
    # Graphs that compute four steps are not worth being rewritten first.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope()
    scopes = (contextlib.nullcontext(), two)
    for replicas, (path, scope) in enumerate(zip(sys.argv[1:], scopes, strict=True), start=1):
        with scope:
            values = {
                f"{name}/{key}": value
                for name, case, options in cases()
                for key, value in train(case, options, replicas=replicas).items()
            }
        np.savez(path, **values)
