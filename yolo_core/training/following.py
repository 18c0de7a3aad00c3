"""What keeps the workers of a training abreast, and the part of those that do not write the run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from yolo_core.data.registry import open_source
from yolo_core.foreign_files import parse_json
from yolo_core.jobs.interrupt import Interrupt
from yolo_core.training.build import build_detector, build_loss
from yolo_core.training.config import parse_config
from yolo_core.training.distribute import Cluster, Devices
from yolo_core.training.own_loss import absolute_name, is_own_loss, load_loss_class

logger = logging.getLogger("yolo_core.training")

# What a call between workers ends with where one of them is not there any more.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


class Abreast(keras.callbacks.Callback):
    """Gives all workers the chief's dials before each step, and its word to stop after it.

    Last of the callbacks: the others may set a dial.

    Args:
        devices: Those of the training.
        interrupt: Whether a signal asks this worker to end: then all do.
    """

    def __init__(self, devices: Devices, interrupt: Interrupt | None) -> None:
        super().__init__()
        self.devices = devices
        self.interrupt = interrupt or Interrupt()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Whether the step is snapshotted, learning rate, lambdas."""
        del batch, logs
        detector: Any = self.model
        dials = [detector.optimizer.learning_rate, *detector.detection_loss.lambdas.values()]
        looks = [float(detector.wants_breakdown), float(detector.wants_pulls)]
        mine = np.asarray([*looks, *(float(dial.numpy()) for dial in dials)], np.float64)
        whole, pulls, *told = self.devices.from_chief(mine).tolist()
        if not self.devices.is_chief:
            detector.wants_breakdown, detector.wants_pulls = bool(whole), bool(pulls)
            for dial, value in zip(dials, told, strict=True):
                dial.assign(value)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Whether it was the last one."""
        del batch, logs
        cluster = self.devices.cluster
        if cluster is None:
            return
        asked = np.zeros(len(cluster.addresses))
        asked[cluster.index] = (
            self.model.stop_training if cluster.is_chief else self.interrupt.by is not None
        )
        asked = self.devices.summed(asked)
        self.model.stop_training = bool(asked[0])
        if cluster.is_chief and asked[1:].any() and self.interrupt.by is None:
            self.interrupt.by = f"a signal to worker {1 + int(asked.argmax())}"


@contextmanager
def together(cluster: Cluster | None) -> Iterator[None]:
    """What the workers do together: where one is lost, the others end with a sentence.

    TensorFlow notices an end at once, and a silence after some ten seconds.

    Raises:
        ValueError: One is lost.
    """
    try:
        yield
    except _LOST as error:
        if cluster is None:
            raise
        raise ValueError(
            f"{cluster.name} stops, since another worker of this training ended or stopped "
            f"answering ({str(error).strip().splitlines()[0][-200:]}). The run has its last "
            "checkpoint: start all workers again with --resume RUN."
        ) from None


def follow(devices: Devices, interrupt: Interrupt, named: str | None = None) -> None:
    """Trains as the chief says, and writes nothing.

    Args:
        devices: Those of the training; this worker is not the chief.
        interrupt: Whether a signal asks this process to end.
        named: The loss that the command line named: a file of one's own is run only then.

    Raises:
        ValueError: What the chief trains is not to be had here, or another worker is lost.
    """
    cluster = devices.cluster
    with together(cluster):
        config = parse_config(parse_json(devices.text_from_chief()), where="the chief's config")
        source, own, name = open_source(config.data), None, config.loss.name
        if is_own_loss(name):
            if named is None or absolute_name(named) != name:
                raise ValueError(
                    f"The chief trains a loss of a file: give --loss {name} here, too."
                )
            own = load_loss_class(name)
        with devices.strategy.scope():
            loss = build_loss(config, source, own=own)
            detector = build_detector(config, loss, source)
        done, left = devices.from_chief(np.zeros(2, np.int64)).tolist()
        devices.variables_from_chief([*detector.variables, *detector.optimizer.variables])
        if left:
            logger.info("Training from step %d on, as the chief says.", done + 1)
            batches = devices.batches(
                source, batch_size=config.training.batch_size, first_batch=done, batches=left
            )
            detector.fit(
                batches,
                steps_per_epoch=left,
                shuffle=False,
                verbose=0,
                callbacks=[Abreast(devices, interrupt)],
            )
        devices.summed(np.zeros(1))
    logger.info("The training has ended; the chief has its run.")
