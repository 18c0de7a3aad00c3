"""A script on another backend of Keras: `python recorded_elsewhere.py FOLDER` prints what came.

It trains one model with the recorder and one without, is told to change things half-way, and puts
the steps of a loop on record, with the backend's own tensors.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from yolo_core import RunRecorder, YoloV2Loss
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.store import RunStore

COMMANDS = (
    ("set-lambda", {"name": "xy", "value": 7.0}),
    ("set-learning-rate", {"value": 0.25}),
    ("checkpoint", {}),
    ("evaluate", {}),
)


def samples(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    images = random.random((count, 32, 48, 1), np.float32)
    labels = np.zeros((count, 1, 7), np.float32)
    labels[:, 0, :5] = np.concatenate([np.ones((count, 1)), random.random((count, 4))], axis=1)
    labels[:, 0, 5] = 1
    return images, labels


def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    layers = keras.layers
    made = keras.Sequential(
        [
            keras.Input((32, 48, 1)),
            layers.Conv2D(8, 5, strides=4, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Conv2D(14, 5, strides=4, padding="same"),
        ]
    )
    made.compile("adam", loss=loss())
    return made


def loss() -> YoloV2Loss:
    return YoloV2Loss([(0.8, 0.8), (1.5, 1.5)], num_classes=2)


class Tell(keras.callbacks.Callback):
    """Sends commands to a run after its second step, as the dashboard does."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.left = folder, 2

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        self.left -= 1
        if not self.left:
            with RunStore.open(RunFolder(self.folder)) as store:
                for name, arguments in COMMANDS:
                    store.send(name, arguments)


def fitted(folder: Path | None, *, told: bool = False) -> tuple[list[float], list[np.ndarray]]:
    images, labels = samples(12)
    made, callbacks = model(), []
    if folder is not None:
        callbacks.append(RunRecorder(folder, samples=(images[:2], labels[:2])))
    if told:
        callbacks.append(Tell(folder))
    history = made.fit(images, labels, batch_size=4, epochs=3, verbose=0, callbacks=callbacks)
    return history.history["loss"], made.get_weights()


def loop(folder: Path) -> None:
    """Steps whose arrays are the backend's own tensors, with a gradient where it has them."""
    images, labels = samples(4)
    network, taken = model(), loss()
    with RunRecorder(folder, loss=taken) as recorder:
        for step in range(1, 4):
            predictions = network(images, training=True)
            total = taken(labels, predictions)
            if recorder.wants(step):
                recorder.step(
                    step,
                    images=keras.ops.convert_to_tensor(images),
                    labels=keras.ops.convert_to_tensor(labels),
                    predictions=predictions,
                    values={"total": total},
                )


def main(folder: Path) -> None:
    plain, recorded = fitted(None), fitted(folder / "plain")
    fitted(folder / "told", told=True)
    loop(folder / "loop")
    same = all(np.array_equal(one, other) for one, other in zip(plain[1], recorded[1], strict=True))
    said = {
        "same_losses": plain[0] == recorded[0],
        "same_weights": same,
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
