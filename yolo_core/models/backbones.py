"""Backbones of keras.applications: their features at strides 8, 16 and 32, and their weights."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

NAME = "backbone"


@keras.saving.register_keras_serializable(package="yolo_core")
class AsBackboneExpects(layers.Layer):
    """From pictures of 0 to 1 to what a backbone was trained on; grey ones get three channels.

    Args:
        application: The backbone's name in keras.applications.
        **options: Keras's layer options.
    """

    def __init__(self, application: str, **options: Any) -> None:
        super().__init__(**options)
        self.application = application

    def call(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """(B, H, W, 1 or 3) to (B, H, W, 3)."""
        if images.shape[-1] == 1:
            images = ops.repeat(images, 3, axis=-1)
        made_by = sys.modules[getattr(keras.applications, self.application).__module__]
        return made_by.preprocess_input(images * 255.0, data_format="channels_last")

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Three channels."""
        return (*input_shape[:-1], 3)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "application": self.application}


def backbone_features(
    image: keras.KerasTensor, application: str, *, alpha: float | None, frozen: bool
) -> dict[int, keras.KerasTensor]:
    """{8, 16, 32: features} of a picture, without weights that mean anything yet.

    Args:
        image: (B, height, width, 1 or 3) of 0 to 1.
        application: A name in keras.applications.
        alpha: Factor on the widths of a MobileNet; None for its own.
        frozen: Whether it stays as it is.

    Raises:
        ValueError: The picture does not fit it, or it has no features at these strides.
    """
    height, width, channels = image.shape[1:]
    if height % 32 or width % 32 or channels not in (1, 3):
        raise ValueError(
            f"{application} takes pictures of 1 or 3 channels whose sides are multiples of 32; "
            f"these are {width} x {height} with {channels}."
        )
    base = _made(application, (height, width, 3), alpha, None)
    last = {}
    for layer in base.layers:
        shape = getattr(layer.output, "shape", ())
        if len(shape) == 4:
            last[tuple(shape[1:3])] = layer.output
    wanted = {stride: (height // stride, width // stride) for stride in (8, 16, 32)}
    missing = [stride for stride, cells in wanted.items() if cells not in last]
    if missing:
        raise ValueError(f"{application} has no features at a stride of {missing[0]} pixels.")
    outputs = [last[cells] for cells in wanted.values()]
    body = keras.Model(base.input, outputs, name=NAME)
    body.trainable = not frozen
    seen = body(AsBackboneExpects(application, name="as_backbone_expects")(image))
    return dict(zip(wanted, seen, strict=True))


def load_backbone_weights(
    network: keras.Model, application: str, *, alpha: float | None, weights: str
) -> None:
    """Sets the weights of the backbone in a network.

    Args:
        network: Made by `detector_network`.
        application: A name in keras.applications.
        alpha: As `backbone_features`.
        weights: "imagenet", or a Keras weights file of the application without its top.

    Raises:
        ValueError: They cannot be fetched or read, or do not fit.
    """
    body = network.get_layer(NAME)
    shape = (*body.input_shape[1:3], 3)
    if weights == "imagenet":
        try:
            given = _made(application, shape, alpha, "imagenet")
        except Exception as error:  # Keras raises a bare Exception when the download fails.
            raise ValueError(
                f"The imagenet weights of {application} could not be fetched ({_line(error)}): go "
                "online once, give --weights FILE, or train from scratch with --weights none."
            ) from None
    else:
        given = _made(application, shape, alpha, None)
        different = _load(given, Path(weights))
        if different:
            raise ValueError(
                f"{weights} does not hold the weights of {application} without its top: "
                f"{different}."
            )
    values = {variable.path: variable for variable in given.variables}
    for variable in body.variables:
        variable.assign(values[variable.path])


def _load(model: keras.Model, file: Path) -> str:
    """Loads weights, all of them or none that count: what is wrong, "" where nothing is."""
    for variable in model.variables:
        if keras.backend.is_float_dtype(variable.dtype):
            variable.assign(np.full(variable.shape, np.nan, np.float32))
    # Of the older layout Keras knows which layer does not fit, but cannot leave it out.
    leaves_out = not file.name.endswith((".h5", ".hdf5")) or file.name.endswith(".weights.h5")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a page of them, one for each layer
            model.load_weights(file, **({"skip_mismatch": True} if leaves_out else {}))
    except Exception as error:  # whatever HDF5 trips over
        return _line(error)
    for layer in model.layers:
        for variable in layer.variables:
            if not np.isfinite(keras.ops.convert_to_numpy(variable)).all():
                return (
                    f"the first layer that it has not, or otherwise, is {layer.name}, with a "
                    f"{variable.name} of {' x '.join(map(str, variable.shape))} finite numbers"
                )
    return ""


def _made(
    application: str, shape: Sequence[int], alpha: float | None, weights: str | None
) -> keras.Model:
    options = {} if alpha is None else {"alpha": alpha}
    make = getattr(keras.applications, application)
    return make(include_top=False, weights=weights, input_shape=tuple(shape), **options)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
