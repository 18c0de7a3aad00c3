"""What Darknet computes and Keras has no layer for. Pictures are (B, height, width, channels)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from yolo_core.boxes import Tensor

SMALLEST = float(np.finfo(np.float32).min)
"""What the program takes for a number beyond the edge of a picture, in a max pool."""

_registered = keras.saving.register_keras_serializable(package="yolo_core.darknet")


class _Layer(layers.Layer):
    """A layer whose arguments are numbers, kept under their names in `fields`."""

    def __init__(self, fields: dict[str, Any], **options: Any) -> None:
        super().__init__(**options)
        self.fields = fields

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), **self.fields}


@_registered
class BatchNorm(layers.BatchNormalization):
    """Normalisation, in inference as the program's CPU build has it, or its GPU build.

    (x - mean) / (sqrt(variance) + 1e-6) on a CPU (`src/blas.c`, normalize_cpu), and
    (x - mean) / sqrt(variance + 1e-5), which is Keras's, on a GPU (`src/blas_kernels.cu`).

    Args:
        as_on_gpu: Whether inference is as on a GPU; training always is.
        **options: Keras's.
    """

    def __init__(self, *, as_on_gpu: bool = False, **options: Any) -> None:
        super().__init__(**{"epsilon": 1e-5, **options})
        self.as_on_gpu = as_on_gpu

    def call(self, inputs: Tensor, training: bool | None = None, mask: Any = None) -> Tensor:
        """The input's shape."""
        if self.as_on_gpu or (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        x = ops.cast(inputs, "float32")
        factor = self.gamma / (ops.sqrt(self.moving_variance) + 1e-6)
        return ops.cast((x - self.moving_mean) * factor + self.beta, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "as_on_gpu": self.as_on_gpu}


@_registered
class EdgeOfMaxpool(_Layer):
    """A picture with a border that never is the greatest.

    Args:
        border: Rows above, rows below, columns left, columns right.
        **options: Keras's layer options.
    """

    def __init__(self, border: list[int], **options: Any) -> None:
        super().__init__({"border": list(border)}, **options)

    def call(self, picture: Tensor) -> Tensor:
        """(B, above + height + below, left + width + right, channels)."""
        above, below, left, right = self.fields["border"]
        border = ((0, 0), (above, below), (left, right), (0, 0))
        return ops.pad(picture, border, constant_values=SMALLEST)


@_registered
class FirstOfMemory(_Layer):
    """What the program's CPU build reads under a convolution of size 1 with a stride.

    It takes the memory of each group, channels first, for that of the smaller picture
    (`src/convolutional_layer.c`, forward_convolutional_layer).

    Args:
        height: Of the smaller picture.
        width: Of it.
        groups: Of the convolution.
        **options: Keras's layer options.
    """

    def __init__(self, height: int, width: int, groups: int, **options: Any) -> None:
        super().__init__({"height": height, "width": width, "groups": groups}, **options)

    def call(self, picture: Tensor) -> Tensor:
        """(B, H, W, channels) to (B, height, width, channels)."""
        height, width, groups = self.fields.values()
        rows, columns, channels = picture.shape[1:]
        each = channels // groups
        memory = ops.reshape(
            ops.transpose(picture, (0, 3, 1, 2)), (-1, groups, each * rows * columns)
        )
        read = memory[:, :, : each * height * width]
        return ops.transpose(ops.reshape(read, (-1, channels, height, width)), (0, 2, 3, 1))


@_registered
class ChannelGroup(_Layer):
    """One of several equal parts of the channels.

    Args:
        groups: How many there are.
        group: Which, from 0.
        **options: Keras's layer options.
    """

    def __init__(self, groups: int, group: int, **options: Any) -> None:
        super().__init__({"groups": groups, "group": group}, **options)

    def call(self, picture: Tensor) -> Tensor:
        """(B, H, W, C) to (B, H, W, C / groups)."""
        few = picture.shape[-1] // self.fields["groups"]
        return picture[..., few * self.fields["group"] : few * (self.fields["group"] + 1)]


@_registered
class Reorg(_Layer):
    """Space to depth as the program does it, which is not TensorFlow's.

    It reads the memory of the picture, (C, H, W), as (C / s^2, H * s, W * s), takes space to depth
    of that, and reads the result as (C * s^2, H / s, W / s) (`src/blas.c`, reorg_cpu).

    Args:
        stride: s.
        reverse: Depth to space instead, (C, H, W) to (C / s^2, H * s, W * s).
        flatten: Puts the channels behind the places in memory instead, or back.
        **options: Keras's layer options.
    """

    def __init__(
        self, stride: int, *, reverse: bool = False, flatten: bool = False, **options: Any
    ) -> None:
        super().__init__({"stride": stride, "reverse": reverse, "flatten": flatten}, **options)

    def call(self, picture: Tensor) -> Tensor:
        """(B, H, W, C) to (B, H / s, W / s, C * s^2), or to (B, H * s, W * s, C / s^2)."""
        step, reverse = self.fields["stride"], self.fields["reverse"]
        height, width, channels = picture.shape[1:]
        few = channels // step**2
        x = ops.transpose(picture, (0, 3, 1, 2))
        if self.fields["flatten"]:
            first = (-1, height * width, channels) if reverse else (-1, channels, height * width)
            x = ops.transpose(ops.reshape(x, first), (0, 2, 1))
        elif reverse:
            x = ops.reshape(x, (-1, step, step, few, height, width))
            x = ops.transpose(x, (0, 3, 4, 1, 5, 2))
        else:
            x = ops.reshape(x, (-1, few, height, step, width, step))
            x = ops.transpose(x, (0, 3, 5, 1, 2, 4))
        shape = (few, height * step, width * step)
        if not reverse:
            shape = (channels * step**2, height // step, width // step)
        return ops.transpose(ops.reshape(x, (-1, *shape)), (0, 2, 3, 1))


@_registered
class Shortcut(_Layer):
    """alpha * before + beta * other where the other reaches, before elsewhere.

    Args:
        alpha: Factor.
        beta: Factor.
        **options: Keras's layer options.
    """

    def __init__(self, alpha: float = 1.0, beta: float = 1.0, **options: Any) -> None:
        super().__init__({"alpha": alpha, "beta": beta}, **options)

    def call(self, inputs: list[Tensor]) -> Tensor:
        """[(B, H, W, C), (B, H', W', C')] to (B, H, W, C)."""
        before, other = inputs
        height, width, channels = before.shape[1:]
        rows, columns, filters = other.shape[1:]
        stride, sample = max(columns // width, 1), max(width // columns, 1)
        high, wide, deep = min(height, rows), min(width, columns), min(channels, filters)
        # Of a larger one every stride-th number is taken; a smaller one is spread likewise.
        other = other[:, : high * stride : stride, : wide * stride : stride, :deep]
        reached = np.zeros((1, height, width, channels), np.float32)
        reached[:, : high * sample : sample, : wide * sample : sample, :deep] = 1
        if sample > 1:
            other = ops.repeat(ops.repeat(other, sample, axis=1), sample, axis=2)
            other = other[:, :height, :width]
        gap = [(0, 0)] + [
            (0, whole - part) for whole, part in zip(before.shape[1:], other.shape[1:], strict=True)
        ]
        other = ops.pad(other, gap)
        alpha, beta = self.fields["alpha"], self.fields["beta"]
        if reached.all():
            return alpha * before + beta * other
        return before * (1 + (alpha - 1) * reached) + beta * other * reached

    def compute_output_shape(self, input_shape: list) -> tuple:
        """That of the first input."""
        return tuple(input_shape[0])


@_registered
class Softmax(_Layer):
    """Softmax of each of equal parts of a row of numbers.

    Args:
        groups: How many parts.
        temperature: What the numbers are divided by.
        **options: Keras's layer options.
    """

    def __init__(self, groups: int = 1, temperature: float = 1.0, **options: Any) -> None:
        super().__init__({"groups": groups, "temperature": temperature}, **options)

    def call(self, numbers: Tensor) -> Tensor:
        """(B, count) to the same shape."""
        groups, count = self.fields["groups"], numbers.shape[-1]
        parts = ops.reshape(numbers / self.fields["temperature"], (-1, groups, count // groups))
        return ops.reshape(ops.softmax(parts, axis=-1), (-1, count))


@_registered
class Detection(_Layer):
    """What [region] and [yolo] do to their slots: place, objectness and classes from 0 to 1.

    Args:
        slot_channels: Numbers of a slot.
        coords: Numbers of a box, of which the first two get a sigmoid.
        softmax: Whether classes share one softmax; else each has a sigmoid.
        background: Whether the number behind the box is one more class.
        place_scale: The place from 0 to 1 is made that much wider about 0.5 (`yolo_layer.c` of
            AlexeyAB/darknet: ``scal_add_cpu``).
        **options: Keras's layer options.
    """

    def __init__(
        self,
        slot_channels: int,
        *,
        coords: int = 4,
        softmax: bool = False,
        background: bool = False,
        place_scale: float = 1.0,
        **options: Any,
    ) -> None:
        fields = {"slot_channels": slot_channels, "coords": coords}
        fields |= {"softmax": softmax, "background": background, "place_scale": place_scale}
        super().__init__(fields, **options)

    def call(self, raw: Tensor) -> Tensor:
        """(B, H, W, A * slot_channels) to the same shape."""
        every, coords, softmax, background, scale = self.fields.values()
        slots = ops.reshape(raw, (-1, *raw.shape[1:3], raw.shape[3] // every, every))
        place, size = ops.sigmoid(slots[..., :2]), slots[..., 2:coords]
        if scale != 1:
            place = scale * place - 0.5 * (scale - 1)
        objectness, classes = slots[..., coords : coords + 1], slots[..., coords + 1 :]
        if background and softmax:
            both = ops.softmax(slots[..., coords:], axis=-1)
            objectness, classes = both[..., :1], both[..., 1:]
        else:
            objectness = objectness if background else ops.sigmoid(objectness)
            classes = ops.softmax(classes, axis=-1) if softmax else ops.sigmoid(classes)
        joined = ops.concatenate([place, size, objectness, classes], axis=-1)
        return ops.reshape(joined, (-1, *raw.shape[1:]))
