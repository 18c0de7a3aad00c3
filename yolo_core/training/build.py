"""From a run's configuration to its loss and its detector."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from yolo_core.data.batches import sample_batch
from yolo_core.data.registry import open_source
from yolo_core.data.source import SampleSource, first_names
from yolo_core.losses import DetectionLoss, published
from yolo_core.losses.families import family_of
from yolo_core.training.config import (
    LossConfig,
    RecordedConfig,
    RunConfig,
    TrainingConfig,
)
from yolo_core.training.darknet_setup import anchors_as_published
from yolo_core.training.detector import Detector
from yolo_core.training.network import make_network
from yolo_core.training.own_loss import blamed_on, is_own_loss, short_name
from yolo_core.training.own_loss_laws import check_own_loss
from yolo_core.training.recorded import recorded_loss, recorded_network

ADAM_EPSILON = 1e-7
# Samples that a loss of one's own is tried on before it trains.
OWN_LOSS_SAMPLES = 2


def build_loss(
    config: RunConfig,
    source: SampleSource,
    *,
    own: type[DetectionLoss] | None = None,
    tried: bool = True,
) -> DetectionLoss:
    """The loss of a run, with the configuration's anchors or such as suit the data.

    Args:
        config: The run's configuration.
        source: Its samples.
        own: The class, where the loss is named "FILE.py:Class". Nothing is loaded in here
            (`training/own_loss.py` says who may).
        tried: Whether a loss of one's own is held to the laws first; whoever looks for what is
            wrong with it wants it as it is.

    Raises:
        ValueError: The loss has no such name, option or lambda, or the anchors do not fit it; or a
            loss of one's own does not do what it must.
    """
    wanted = config.loss
    if isinstance(config, RecordedConfig):
        return recorded_loss(config.script)
    if is_own_loss(wanted.name) and own is None:
        raise ValueError(
            f"The loss of this run is in a file, {wanted.name}, which only the training process "
            "loads: it can be shown from its snapshots, and not be computed anew."
        )
    kind = own or family_of(wanted.name).loss_class()
    strides = config.network.strides
    # A loss of one's own may have a `setup` that was written before there was a choice.
    chosen = {} if strides is None else {"strides": strides}
    options = {**kind.setup(source, wanted.anchors, **chosen), **wanted.options}
    in_order = anchors_as_published(config.network, wanted, source)
    if in_order is not None and len(in_order) > 1:
        # Its heads were trained with these, each with its own.
        options["anchors"] = [each.tolist() for each in in_order]
    if own is not None:
        loss = _own_loss(own, wanted, options, source, strides or own.strides, tried=tried)
    else:
        loss = published(
            wanted.name, num_classes=len(source.class_names), lambdas=wanted.lambdas, **options
        )
        loss.strides = strides or loss.strides
    return loss


def _own_loss(
    own: type[DetectionLoss],
    wanted: LossConfig,
    options: dict[str, Any],
    source: SampleSource,
    strides: tuple[int, ...],
    *,
    tried: bool,
) -> DetectionLoss:
    """Makes a loss of one's own, and tries it."""
    file = Path(inspect.getfile(own))
    if wanted.lambdas:  # a constructor need not take what nobody asked for
        options["lambdas"] = wanted.lambdas
    with blamed_on(file, f"{own.__name__} could not be made with {', '.join(options)}"):
        loss = own(num_classes=len(source.class_names), **options)
    loss.strides = strides
    if tried:
        _, y_true = sample_batch(source, first_names(source, "val", OWN_LOSS_SAMPLES))
        check_own_loss(loss, y_true, loss.output_shape(source.image_shape))
    # The snapshots carry the name that the pages show.
    loss.name = short_name(wanted.name).replace(":", "_")
    return loss


class Computing(NamedTuple):
    """How a step is computed.

    Attributes:
        precision: Keras's dtype policy. The losses are float32 under any.
        xla: Whether XLA compiles it.
    """

    precision: str
    xla: bool


def computing(wanted: TrainingConfig, *, gpus: int, replicas: int = 1) -> Computing:
    """How a run computes, where it leaves that open: on a GPU mixed precision, and XLA on one.

    On a processor neither: half precision is emulated there, and XLA was measured to make a step
    1.2 times slower. Replicas meet within a step, which XLA cannot compile.

    Args:
        wanted: What the run asks for.
        gpus: How many there are.
        replicas: Devices that share a batch.

    Raises:
        ValueError: It asks for XLA on several devices.
    """
    if wanted.xla == "on" and replicas > 1:
        raise ValueError(f"--xla on compiles the step of one device; here {replicas} share one.")
    precision = wanted.precision
    if precision == "auto":
        precision = "mixed_float16" if gpus else "float32"
    xla = wanted.xla == "on" or (wanted.xla == "auto" and gpus > 0 and replicas == 1)
    return Computing(precision, xla)


def build_detector(config: RunConfig, loss: DetectionLoss, source: SampleSource) -> Detector:
    """A detector with fresh weights, compiled and ready for `fit`.

    The seed decides the weights; `computing` precision and XLA. In the scope of a strategy with
    several replicas batch normalisation takes its means over the whole batch.

    Raises:
        ValueError: The network of a recorded run cannot be built here.
    """
    if isinstance(config, RecordedConfig):
        return Detector(recorded_network(config.script), loss)  # to be looked at, not trained
    keras.utils.set_random_seed(config.seed)
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    precision, xla = computing(config.training, gpus=len(gpus), replicas=replicas)
    keras.config.set_dtype_policy(precision)
    network = make_network(config, loss, source.image_shape)
    if replicas > 1:
        for layer in network._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True
    detector = Detector(network, loss)
    optimizer = keras.optimizers.Adam(config.training.learning_rate, epsilon=ADAM_EPSILON)
    if precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    detector.compile(optimizer=optimizer, jit_compile=xla)
    optimizer.build(detector.trainable_variables)
    return detector


def build_scenes(config: RunConfig) -> SampleSource:
    """The samples of a configuration; by this name scripts of earlier versions ask for them."""
    return open_source(config.data)
