"""From a planned Darknet network to a Keras model, and weights into it and out of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from yolo_core.models.darknet import keras_layers as own
from yolo_core.models.darknet.activations import FUNCTIONS
from yolo_core.models.darknet.known import find_network
from yolo_core.models.darknet.numbers import parts_of
from yolo_core.models.darknet.plan import PICTURE, Layer, Network
from yolo_core.models.darknet.specs import (
    Activation,
    Avgpool,
    Connected,
    Convolutional,
    Cost,
    Dropout,
    Head,
    Maxpool,
    Reorg,
    Route,
    Shortcut,
    Softmax,
    Upsample,
)
from yolo_core.models.darknet.weights import Header, Weights, read_weights

Tensor = keras.KerasTensor


@dataclasses.dataclass(frozen=True)
class Built:
    """The Keras tensors of a network. Every model of them has the same weights.

    Attributes:
        network: What they were made from.
        picture: (B, height, width, channels) float32, 0 to 1.
        outputs: (B, height, width, channels) or (B, numbers) of every layer, in their order.
    """

    network: Network
    picture: Tensor
    outputs: tuple[Tensor, ...]

    @property
    def raw_heads(self) -> tuple[Tensor, ...]:
        """What enters the detection layers, (B, H, W, A * (5 + C)); without one the last output."""
        heads = tuple(self.outputs[each.number - 1] for each in self.network.heads)
        return heads or self.outputs[-1:]

    @property
    def heads(self) -> tuple[Tensor, ...]:
        """What the detection layers make of `raw_heads`: the same shapes."""
        return tuple(self.outputs[each.number] for each in self.network.heads)

    def model(self, outputs: Sequence[Tensor] | None = None) -> keras.Model:
        """From a picture to some of the tensors, by default to the `raw_heads`."""
        found = self.raw_heads if outputs is None else outputs
        return keras.Model(self.picture, found[0] if len(found) == 1 else list(found))

    def values(self, picture: np.ndarray, outputs: Sequence[Tensor]) -> list[np.ndarray]:
        """What some of the tensors are for one picture, (height, width, channels)."""
        found = self.model(outputs)(np.asarray(picture, np.float32)[None], training=False)
        found = found if isinstance(found, (list, tuple)) else [found]
        return [np.asarray(ops.convert_to_numpy(each))[0] for each in found]


def load_darknet(cfg: str | Path, weights: str | Path, *, as_on_gpu: bool = False) -> keras.Model:
    """A Darknet network as a Keras model, with its weights.

    Args:
        cfg: A `.cfg` file, or one of `known.NAMES`.
        weights: Its `.weights` file.
        as_on_gpu: As of `build`.

    Returns:
        From pictures, (B, height, width, channels) float32 of 0 to 1, to what enters each [region]
        or [yolo] layer, (B, H, W, A * (5 + C)) without activation: what the losses here take.

    Raises:
        ValueError: A file is damaged, of something that is not built here, or they do not fit.
    """
    network = find_network(str(cfg))
    found = read_weights(weights, network)
    built = build(network, as_on_gpu=as_on_gpu)
    set_weights(built.model(built.outputs), network, found)
    return built.model()


def build(network: Network, *, as_on_gpu: bool = False) -> Built:
    """Makes the Keras layers of a network; those with weights are called layer_0, norm_0, ...

    Args:
        network: The plan.
        as_on_gpu: Compute as Darknet does on a GPU with cuDNN where that differs from its CPU
            build: in batch normalisation, and in convolutions of size 1 with a stride.
    """
    channels, height, width = network.shape
    made: dict[int, Tensor] = {PICTURE: keras.Input((height, width, channels), name="image")}
    before_heads = {each.number - 1 for each in network.heads}
    for layer in network.layers:
        # float32 under mixed precision: a loss must not start from rounded logits.
        exact = layer.number in before_heads or isinstance(layer.spec, Head)
        inputs = [made[each] for each in layer.inputs]
        made[layer.number] = _layer(layer, inputs, as_on_gpu, "float32" if exact else None)
    return Built(network, made[PICTURE], tuple(made[each.number] for each in network.layers))


def set_weights(model: keras.Model, network: Network, weights: Weights) -> None:
    """Puts the weights of a file into a model; layers of which it has none stay as they are.

    Args:
        model: Of the tensors that `build` made from the network.
        network: The plan.
        weights: As `read_weights` gives them.
    """
    for layer in network.layers:
        for name, array in weights.arrays.get(layer.number, {}).items():
            _variables(model, layer)[name].assign(np.ascontiguousarray(array))


def get_weights(model: keras.Model, network: Network, header: Header) -> Weights:
    """The weights of a model, as `write_weights` takes them."""
    arrays = {
        layer.number: {
            name: np.asarray(ops.convert_to_numpy(variable))
            for name, variable in _variables(model, layer).items()
        }
        for layer in network.layers
        if parts_of(layer)
    }
    return Weights(header, arrays)


def named_variables(
    weighted: layers.Layer, norm: layers.Layer | None
) -> Mapping[str, keras.Variable]:
    """The variables of a convolution or dense layer, and of the normalisation behind it.

    Returns:
        {name of their `Part` in a file: variable}.
    """
    if norm is None:
        return {"bias": weighted.bias, "kernel": weighted.kernel}
    return {
        "bias": norm.beta,
        "scale": norm.gamma,
        "mean": norm.moving_mean,
        "variance": norm.moving_variance,
        "kernel": weighted.kernel,
    }


def _variables(model: keras.Model, layer: Layer) -> Mapping[str, keras.Variable]:
    with_norm = getattr(layer.spec, "batch_normalize", False)
    norm = model.get_layer(f"norm_{layer.number}") if with_norm else None
    return named_variables(model.get_layer(f"layer_{layer.number}"), norm)


def _layer(layer: Layer, inputs: Sequence[Tensor], as_on_gpu: bool, dtype: str | None) -> Tensor:
    x, number = inputs[0], layer.number
    match layer.spec:
        case Convolutional() as spec:
            x = layers.Conv2D(
                spec.filters,
                spec.size,
                strides=_stride(spec, as_on_gpu),
                groups=spec.groups,
                use_bias=not spec.batch_normalize,
                dtype=dtype,
                name=f"layer_{number}",
            )(_under_convolution(layer, spec, x, as_on_gpu))
            return _finished(x, spec, number, as_on_gpu, dtype)
        case Connected() as spec:
            x = layers.Dense(
                spec.outputs, use_bias=not spec.batch_normalize, dtype=dtype, name=f"layer_{number}"
            )(_row(x))
            x = _finished(x, spec, number, as_on_gpu, dtype)
            return layers.Reshape((1, 1, spec.outputs))(x)
        case Maxpool(size, stride, padding):
            border = _border(layer, size, stride, padding // 2)
            x = own.EdgeOfMaxpool(border)(x) if any(border) else x
            return layers.MaxPooling2D(size, stride)(x)
        case Avgpool():
            return layers.GlobalAveragePooling2D(keepdims=True)(x)
        case Route(_, groups, group):
            parts = inputs
            if groups > 1:
                parts = [own.ChannelGroup(groups, group)(each) for each in inputs]
            if len(layer.shape) == 1:
                parts = [_row(each) for each in parts]
            return parts[0] if len(parts) == 1 else layers.Concatenate()(parts)
        case Reorg(stride, reverse, flatten):
            return own.Reorg(stride, reverse=reverse, flatten=flatten)(x)
        case Shortcut(_, alpha, beta, activation):
            return _activated(own.Shortcut(alpha, beta)(list(inputs)), activation, number)
        case Upsample(stride, scale):
            if stride > 0:
                x = layers.UpSampling2D(stride)(x)
            else:
                x, scale = layers.AveragePooling2D(-stride)(x), scale * stride**2
            return x if scale == 1 else layers.Rescaling(scale)(x)
        case Softmax(groups, temperature):
            return own.Softmax(groups, temperature)(_row(x))
        case Dropout(probability):
            return layers.Dropout(probability)(x)
        case Activation(activation):
            return _activated(x, activation, number)
        case Cost():
            return layers.Rescaling(0.0)(_row(x))
        case Head() as spec:
            return own.Detection(
                spec.slot_channels,
                coords=spec.coords,
                softmax=spec.softmax,
                background=spec.background,
                place_scale=spec.place_scale,
                dtype=dtype,
                name=f"head_{number}",
            )(x)


def _reads_memory(spec: Convolutional, as_on_gpu: bool) -> bool:
    return spec.size == 1 and spec.stride > 1 and not as_on_gpu


def _stride(spec: Convolutional, as_on_gpu: bool) -> int:
    return 1 if _reads_memory(spec, as_on_gpu) else spec.stride


def _under_convolution(layer: Layer, spec: Convolutional, x: Tensor, as_on_gpu: bool) -> Tensor:
    if _reads_memory(spec, as_on_gpu):
        return own.FirstOfMemory(*layer.shape[1:], spec.groups)(x)
    above, below, left, right = border = _border(layer, spec.size, spec.stride, spec.padding)
    return layers.ZeroPadding2D(((above, below), (left, right)))(x) if any(border) else x


def _border(layer: Layer, size: int, stride: int, before: int) -> list[int]:
    """Rows above, rows below, columns left, columns right that its windows reach beyond."""
    border = []
    for side, places in zip(layer.before[0][1:], layer.shape[1:], strict=True):
        border += [before, max((places - 1) * stride + size - side - before, 0)]
    return border


def _row(x: Tensor) -> Tensor:
    """(B, numbers), channels first."""
    return layers.Flatten()(layers.Permute((3, 1, 2))(x)) if len(x.shape) == 4 else x


def _finished(
    x: Tensor, spec: Convolutional | Connected, number: int, as_on_gpu: bool, dtype: str | None
) -> Tensor:
    if spec.batch_normalize:
        x = own.BatchNorm(as_on_gpu=as_on_gpu, dtype=dtype, name=f"norm_{number}")(x)
    return _activated(x, spec.activation, number)


def _activated(x: Tensor, activation: str, number: int) -> Tensor:
    if activation == "linear":
        return x
    return layers.Activation(FUNCTIONS[activation], name=f"{activation}_{number}")(x)
