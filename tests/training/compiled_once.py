"""Trainings of one process that compute the same step compile it once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from unittest import mock

import keras

from yolo_core.data.source import SampleSource
from yolo_core.losses import DetectionLoss
from yolo_core.training.build import build_detector
from yolo_core.training.config import RunConfig
from yolo_core.training.detector import Detector

MADE: dict[tuple, Detector] = {}
"""The first detector of each kind: its compiled steps are good for all that follow."""
BUILDERS = ("yolo_core.training.worker", "yolo_core.training.loading")


@contextlib.contextmanager
def compiled_once() -> Iterator[None]:
    """What a command builds in here takes the compiled steps of an earlier one, where it can.

    A step takes two seconds to trace, and what these tests are about comes after it. Every detector
    is built as ever. If there was one like it, that one is given each of its numbers and takes its
    place: weights, moving statistics, random states, the optimizer's, lambdas and step.
    """
    with contextlib.ExitStack() as stack:
        for module in BUILDERS:
            stack.enter_context(mock.patch(f"{module}.build_detector", build_or_reset))
        # It has TensorFlow throw away what it made of every graph. Keras draws by seeds of its own.
        stack.enter_context(mock.patch("tensorflow.random.set_seed"))
        yield


def build_or_reset(config: RunConfig, loss: DetectionLoss, source: SampleSource) -> Detector:
    """As `build_detector`; the same object for what is compiled alike."""
    fresh = build_detector(config, loss, source)
    made = MADE.setdefault(kind_of(fresh), fresh)
    if made is not fresh:
        for variable, value in zip(state_of(made), state_of(fresh), strict=True):
            variable.assign(value)
        made.wants_breakdown = made.wants_pulls = False
        made.last_batch = None
    return made


def state_of(detector: Detector) -> list:
    return [*detector.variables, *detector.optimizer.variables]


def kind_of(detector: Detector) -> tuple:
    """Equal for detectors that are traced to the same steps: all but the values of variables."""
    loss, optimizer, network = detector.detection_loss, detector.optimizer, detector.network
    layers = network.to_json()
    # Names that Keras gives count on from network to network.
    for at, each in enumerate((network, *network.layers)):
        layers = layers.replace(f'"{each.name}"', f'"{at}"')
    return (
        type(loss),
        repr({**loss.get_config(), "lambdas": None}),
        layers,
        repr({**optimizer.get_config(), "learning_rate": None, "name": None}),
        detector.jit_compile,
        keras.config.dtype_policy().name,
    )
