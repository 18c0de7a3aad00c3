"""The network of a run, and the weights that it starts with. Imports TensorFlow."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence

import keras
import numpy as np
from keras import layers

from yolo_core.data.source import SampleSource
from yolo_core.losses import DetectionLoss
from yolo_core.models.backbones import load_backbone_weights
from yolo_core.models.darknet.adapt import adapted, heads_of
from yolo_core.models.darknet.build import build, set_weights
from yolo_core.models.darknet.known import NOTEBOOK
from yolo_core.models.darknet.notebook import (
    CONVOLUTIONS,
    darknet19_yolov2,
    load_notebook_weights,
)
from yolo_core.models.darknet.plan import Network
from yolo_core.models.darknet.pretrained import as_published
from yolo_core.models.networks import detector_network
from yolo_core.training.config import RunConfig
from yolo_core.training.darknet_setup import first_weights

SLOT = ("x", "y", "w", "h", "objectness")
"""What the first channels of a slot are on every head of Darknet."""

NOTEBOOK_CELLS = 13 * 13


def make_network(
    config: RunConfig, loss: DetectionLoss, image_shape: tuple[int, int, int]
) -> keras.Model:
    """The network of a run with fresh weights, of Keras's seed.

    Raises:
        ValueError: The loss has other heads than the network.
    """
    wanted = config.network
    if not wanted.is_darknet:
        return detector_network(
            image_shape,
            loss.heads(),
            size=wanted.size,
            slot_channels=len(loss.channel_names),
            alpha=wanted.alpha,
            frozen=wanted.frozen,
        )
    counts = _slots_a_cell(config, loss)
    if wanted.size == NOTEBOOK:
        network = darknet19_yolov2(
            image_shape,
            anchors=counts[0],
            classes=loss.num_classes,
            trainable=not wanted.frozen,
        )
        outputs, new = network.outputs, [network.get_layer(f"conv_{CONVOLUTIONS}")]
    else:
        plan = darknet_plan(config, loss, image_shape)
        built = build(plan)
        outputs, network = built.raw_heads, built.model()
        new = [network.get_layer(f"layer_{head.number - 1}") for head in plan.heads]
        for layer in network.layers:
            layer.trainable = layer in new or not wanted.frozen
    if wanted.weights == "none":
        # With Keras's 0.99 the variances of 22 layers are still those of their start, 1, when
        # a short training ends: measured after 500 steps, recall 0.18 in place of 1.0.
        for layer in network.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = 0.9
    for convolution, output in zip(new, outputs, strict=True):
        _start_head(convolution, output.shape[1:3])
    if len(outputs) == 1:
        return network
    channels = len(loss.channel_names)
    slots = [layers.Reshape((-1, channels), dtype="float32")(output) for output in outputs]
    joined = layers.Concatenate(axis=1, dtype="float32", name="slots")(slots)
    return keras.Model(network.inputs, joined, name="darknet")


def darknet_plan(
    config: RunConfig, loss: DetectionLoss, image_shape: tuple[int, int, int]
) -> Network:
    """The plan of a run's Darknet network, with the anchors and classes of its loss.

    Raises:
        ValueError: The loss has other heads than the network.
    """
    counts = _slots_a_cell(config, loss)
    wanted = config.network
    published = as_published(wanted.size, wanted.cfg)
    layout = loss.slots((1, *loss.output_shape(image_shape)))
    # The first cell of each head has one slot of every anchor.
    firsts = [np.flatnonzero(layout.head == head)[:count] for head, count in enumerate(counts)]
    anchors = [layout.prior[first, 2:] for first in firsts]
    return adapted(published, image_shape, classes=loss.num_classes, anchors=anchors)


def load_first_weights(
    config: RunConfig, loss: DetectionLoss, network: keras.Model, source: SampleSource
) -> Iterator[str]:
    """Sets the weights that a new run begins with, where it begins with some.

    Yields:
        What was done, a sentence each.

    Raises:
        ValueError: They cannot be fetched or read, or do not fit.
    """
    wanted, file = config.network, config.network.weights
    if file == "none":
        return
    if wanted.backbone is not None:
        load_backbone_weights(network, wanted.backbone, alpha=wanted.alpha, weights=file)
        return
    given = first_weights(config, source)
    if wanted.size == NOTEBOOK:
        load_notebook_weights(network, file, convolutions=CONVOLUTIONS - 1)
        yield f"Weights of {file} in conv_1 to conv_{CONVOLUTIONS - 1}; {given.why}."
        return
    plan = darknet_plan(config, loss, source.image_shape)
    new = set() if given.keeps_head else {layer.number - 1 for layer in plan.heads}
    found = given.file.weights
    arrays = {number: each for number, each in found.arrays.items() if number not in new}
    set_weights(network, plan, dataclasses.replace(found, arrays=arrays))
    yield f"Weights of {file} in {given.file.convolutions} layers; {given.why}."


def _start_head(convolution: layers.Conv2D, grid: Sequence[int]) -> None:
    """Starts a new head as the Keras notebook does: normally distributed, over the cells.

    On fewer cells than its 13 x 13 as there: sizes are exponentials, and would explode.
    """
    spread = 1 / max(math.prod(grid), NOTEBOOK_CELLS)
    for variable in (convolution.kernel, convolution.bias):
        variable.assign(keras.random.normal(variable.shape, stddev=spread))


def _slots_a_cell(config: RunConfig, loss: DetectionLoss) -> list[int]:
    """How many slots each head has in a cell, where the loss can be trained on these heads."""
    wanted = config.network
    heads = heads_of(as_published(wanted.size, wanted.cfg))
    given = loss.heads()
    strides = [each.stride for each in given]
    if strides != list(heads.strides) or loss.channel_names[:5] != (
        "x",
        "y",
        "w",
        "h",
        "objectness",
    ):
        raise ValueError(
            f"{wanted.size} ends in {len(heads.strides)} [{heads.kind}] of "
            f"{', '.join(map(str, heads.strides))} pixels a cell, whose slots are "
            f"{', '.join(SLOT)} and the classes; {config.loss.name} has heads of "
            f"{', '.join(map(str, strides))} pixels with slots of "
            f"{', '.join(loss.channel_names[:5])} and so on."
        )
    return [len(each.bias) // len(loss.channel_names) for each in given]
