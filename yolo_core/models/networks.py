"""Small convolutional networks that end in the raw channels a loss asks for."""

from __future__ import annotations

import keras
from keras import layers, ops

# Filters of the five convolution blocks. Max-pooling, not strides, halves the resolution between
# them: measured on the digit scenes, it learns the classes three times as fast.
WIDTHS = {
    "small": (8, 16, 24, 40, 64),
    "medium": (8, 16, 32, 64, 112),
    "large": (12, 24, 40, 64, 128),
}
STRIDE = 16


@keras.saving.register_keras_serializable(package="yolo_core")
class Coordinates(layers.Layer):
    """Adds two channels that hold each pixel's x and y, from -1 to 1.

    A convolution cannot tell where it is; a head that regresses a centre as a fraction of the
    whole picture must be told (Liu et al. 2018, "CoordConv", section 3).
    """

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """(B, H, W, F) to (B, H, W, F + 2)."""
        batch = ops.shape(features)[0]
        height, width = features.shape[1:3]
        x = ops.broadcast_to(
            ops.reshape(ops.linspace(-1.0, 1.0, width), (1, 1, width, 1)),
            (batch, height, width, 1),
        )
        y = ops.broadcast_to(
            ops.reshape(ops.linspace(-1.0, 1.0, height), (1, height, 1, 1)),
            (batch, height, width, 1),
        )
        return ops.concatenate(
            [features, ops.cast(x, features.dtype), ops.cast(y, features.dtype)], axis=-1
        )

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Two channels more."""
        return (*input_shape[:-1], input_shape[-1] + 2)


def grid_network(
    image_shape: tuple[int, int, int],
    channels: int,
    *,
    size: str = "medium",
    coordinates: bool = False,
) -> keras.Model:
    """A network from a picture to one grid of raw predictions at 1/16 of its size.

    Args:
        image_shape: Height, width, channels; height and width multiples of 16.
        channels: Channels a cell: anchors * (5 + classes).
        size: "small", "medium" or "large".
        coordinates: Whether the head is told where its cell is.

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
    if coordinates:
        x = Coordinates(name="coordinates")(x)
    x = _convolution(x, fifth, name="block5b")
    # float32 under mixed precision: a loss must not start from rounded logits.
    head = layers.Conv2D(channels, 1, dtype="float32", name="head")(x)
    return keras.Model(image, head, name=f"grid_network_{size}")


def _convolution(
    x: keras.KerasTensor, filters: int, *, kernel: int = 3, strides: int = 1, name: str
) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False, name=name)(
        x
    )
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.LeakyReLU(0.1, name=f"{name}_relu")(x)
