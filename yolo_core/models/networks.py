"""Small convolutional networks that end in the raw channels a loss asks for."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

# Filters of the five convolution blocks. Max-pooling, not strides, halves the resolution between
# them: measured on the digit scenes, it learns the classes three times as fast.
WIDTHS = {
    "small": (8, 16, 24, 40, 64),
    "medium": (8, 16, 32, 64, 112),
    "large": (12, 24, 40, 64, 128),
}
STRIDE = 16
# A hundredth of the usual variance: all slots start at their anchor, and no size explodes.
HEAD_SCALE = 0.01


@keras.saving.register_keras_serializable(package="yolo_core")
class StartAtCell(layers.Layer):
    """Lets every slot that regresses a place in the picture start at the centre of its own cell.

    A convolution cannot tell where it is (Liu et al. 2018, "CoordConv", section 3). Where a loss
    takes sigmoid(x) for a fraction of the whole picture, this adds the logit of the cell's centre
    to x and y, so that only the distance from there is left to learn.

    Args:
        x_channels: Channels that hold an x.
        y_channels: Channels that hold a y.
        **options: Keras's layer options.
    """

    def __init__(self, x_channels: list[int], y_channels: list[int], **options: Any) -> None:
        super().__init__(**options)
        self.x_channels = list(x_channels)
        self.y_channels = list(y_channels)

    def call(self, raw: keras.KerasTensor) -> keras.KerasTensor:
        """(B, H, W, channels) to the same shape."""
        height, width, channels = raw.shape[1:]
        start = np.zeros((1, height, width, channels), np.float32)
        start[..., self.x_channels] = _logit_of_centres(width)[None, None, :, None]
        start[..., self.y_channels] = _logit_of_centres(height)[None, :, None, None]
        return raw + ops.convert_to_tensor(start)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """The same."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {"x_channels": self.x_channels, "y_channels": self.y_channels}
        return {**super().get_config(), **own}


def _logit_of_centres(cells: int) -> np.ndarray:
    centre = (np.arange(cells, dtype=np.float32) + 0.5) / cells
    return np.log(centre / (1 - centre))


def grid_network(
    image_shape: tuple[int, int, int],
    channels: int,
    *,
    size: str = "medium",
    place_channels: tuple[list[int], list[int]] | None = None,
    head_bias: np.ndarray | None = None,
) -> keras.Model:
    """A network from a picture to one grid of raw predictions at 1/16 of its size.

    Args:
        image_shape: Height, width, channels; height and width multiples of 16.
        channels: Channels a cell: anchors * (5 + classes).
        size: "small", "medium" or "large".
        place_channels: Channels whose sigmoid is an x, and a y, in the whole picture, if any.
        head_bias: (channels,) biases that the head starts with; None for zeros.

    Returns:
        A model from (B, height, width, channels) float32 in 0..1 to
        (B, height / 16, width / 16, channels) float32, no activation.

    Raises:
        ValueError: An unknown size, or a picture that is not a multiple of 16.
    """
    if size not in WIDTHS:
        raise ValueError(f"Network size must be {', '.join(WIDTHS)}; received {size!r}.")
    if image_shape[0] % STRIDE or image_shape[1] % STRIDE:
        raise ValueError(
            f"Pictures must be multiples of {STRIDE} pixels high and wide; "
            f"received {image_shape[0]} x {image_shape[1]}."
        )
    image = keras.Input(image_shape, name="image")
    first, second, third, fourth, fifth = WIDTHS[size]
    x = _convolution(image, first, kernel=5, strides=2, name="block1")
    x = _convolution(x, second, name="block2")
    x = layers.MaxPooling2D(name="pool2")(x)
    x = _convolution(x, third, name="block3")
    x = layers.MaxPooling2D(name="pool3")(x)
    x = _convolution(x, fourth, name="block4a")
    x = _convolution(x, fourth, name="block4b")
    x = layers.MaxPooling2D(name="pool4")(x)
    x = _convolution(x, fifth, name="block5a")
    x = _convolution(x, fifth, name="block5b")
    # float32 under mixed precision: a loss must not start from rounded logits.
    bias = keras.initializers.Zeros() if head_bias is None else _constant(head_bias)
    head = layers.Conv2D(
        channels,
        1,
        kernel_initializer=keras.initializers.VarianceScaling(HEAD_SCALE, "fan_avg", "uniform"),
        bias_initializer=bias,
        dtype="float32",
        name="head",
    )(x)
    if place_channels is not None:
        head = StartAtCell(*place_channels, dtype="float32", name="start_at_cell")(head)
    return keras.Model(image, head, name=f"grid_network_{size}")


def _constant(values: np.ndarray) -> keras.initializers.Initializer:
    return keras.initializers.Constant(np.asarray(values, np.float32))


def _convolution(
    x: keras.KerasTensor, filters: int, *, kernel: int = 3, strides: int = 1, name: str
) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False, name=name)(
        x
    )
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.LeakyReLU(0.1, name=f"{name}_relu")(x)
