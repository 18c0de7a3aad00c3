"""From a run's configuration to its scenes, its loss and its detector."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from yolo_core.data.digits import DigitScenes, default_anchors, load_digit_source
from yolo_core.losses import DetectionLoss, MnistYoloLoss, published
from yolo_core.losses.published import FAMILIES
from yolo_core.models.networks import STRIDE, grid_network
from yolo_core.training.config import RunConfig
from yolo_core.training.detector import Detector

# Slots a cell where the loss has no anchors to count.
PREDICTORS = 3
RARE_OBJECT_LOGIT = -3.0
ADAM_EPSILON = 1e-7


def build_scenes(config: RunConfig) -> DigitScenes:
    """The samples that the configuration describes.

    Raises:
        ValueError: The source cannot be read.
    """
    data = config.data
    return DigitScenes(
        load_digit_source(data.source),
        seed=data.seed,
        image_size=data.image_size,
        max_objects=data.max_objects,
        train_scenes=data.train_scenes,
    )


def build_loss(config: RunConfig, scenes: DigitScenes) -> DetectionLoss:
    """The loss, with the configuration's anchors or such as suit the data.

    Raises:
        ValueError: The loss has no such name, option or lambda.
    """
    wanted = config.loss
    anchors = None
    family = FAMILIES.get(wanted.name.split("/")[0])
    if family is not None and family.anchor_argument == "anchors":
        sizes = wanted.anchors or default_anchors(scenes, PREDICTORS)
        cells = config.data.image_size // STRIDE
        anchors = [(width * cells, height * cells) for width, height in sizes]
    return published(
        wanted.name,
        anchors=anchors,
        num_classes=scenes.num_classes,
        lambdas=wanted.lambdas,
        **wanted.options,
    )


def build_detector(config: RunConfig, loss: DetectionLoss, scenes: DigitScenes) -> Detector:
    """A detector with fresh weights, compiled and ready for `fit`.

    The seed decides the weights. XLA and mixed precision are used where there is a GPU; on a CPU
    XLA was measured to make a step 1.2 times slower.
    """
    keras.utils.set_random_seed(config.seed)
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    precision = config.training.precision
    if precision == "auto":
        precision = "mixed_float16" if gpus else "float32"
    keras.config.set_dtype_policy(precision)
    names = loss.channel_names
    # Most slots hold nothing: starting from there saves the first hundred steps.
    slot_bias = np.where(np.asarray(names) == "objectness", RARE_OBJECT_LOGIT, 0.0)
    network = grid_network(
        scenes.image_shape,
        PREDICTORS * len(names),
        size=config.network.size,
        place_channels=_place_channels(loss),
        head_bias=np.tile(slot_bias, PREDICTORS),
    )
    detector = Detector(network, loss)
    optimizer = keras.optimizers.Adam(config.training.learning_rate, epsilon=ADAM_EPSILON)
    if precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    detector.compile(optimizer=optimizer, jit_compile=bool(gpus))
    optimizer.build(detector.trainable_variables)
    return detector


def _place_channels(loss: DetectionLoss) -> tuple[list[int], list[int]] | None:
    """Head channels that the loss reads as a place in the whole picture."""
    if not isinstance(loss, MnistYoloLoss) or loss.options["box_target"] != "image":
        return None
    step, names = len(loss.channel_names), loss.channel_names
    return tuple(
        [slot * step + names.index(name) for slot in range(PREDICTORS)] for name in ("x", "y")
    )
