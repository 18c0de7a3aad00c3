"""Small convolutional networks that end in the raw channels a loss asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from yolo_core.losses.heads import COARSEST, STRIDES, Head, grid_cells
from yolo_core.models.backbones import backbone_features

# Filters of the convolution blocks, the last of which is there for a head of 32 pixels a cell.
# Max-pooling, not strides, halves the resolution between them: measured on the digit scenes, it
# learns the classes three times as fast.
WIDTHS = {
    "small": (8, 16, 24, 40, 64, 96),
    "medium": (8, 16, 32, 64, 112, 160),
    "large": (12, 24, 40, 64, 128, 192),
}
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


def detector_network(
    image_shape: tuple[int, int, int],
    heads: Sequence[Head],
    *,
    size: str = "medium",
    slot_channels: int | None = None,
    alpha: float | None = None,
    frozen: bool = False,
) -> keras.Model:
    """A network from a picture to raw predictions.

    Args:
        image_shape: Height, width, channels of the picture.
        heads: What it ends in, of strides 8, 16 or 32. A finer head sees the coarser features,
            too, as in a pyramid.
        size: "small", "medium" or "large", or the name of a backbone in keras.applications.
        slot_channels: With several heads, channels of one slot, the last axis of the output.
        alpha: Factor on the widths of a MobileNet.
        frozen: Whether a backbone stays as it is.

    Returns:
        A model from (B, height, width, channels) float32 in 0..1 to float32 without activation:
        (B, rows, columns, channels) for one head, (B, P, slot_channels) for several.

    Raises:
        ValueError: An unknown size or stride.
    """
    if size not in WIDTHS and not hasattr(keras.applications, size):
        raise ValueError(
            f"Network size must be {', '.join(WIDTHS)} or a name in keras.applications; received "
            f"{size!r}."
        )
    strides = [head.stride for head in heads]
    unknown = set(strides) - set(STRIDES)
    if unknown:
        raise ValueError(
            f"A head has stride {', '.join(map(str, STRIDES))}; received {sorted(unknown)}."
        )
    x = image = keras.Input(image_shape, name="image")
    whole = max(COARSEST, *strides)
    rows, columns = grid_cells(image_shape, whole, whole)
    if (rows * whole, columns * whole) != tuple(image_shape[:2]):
        # Boxes are fractions of the picture, so they stay what they are.
        x = layers.Resizing(rows * whole, columns * whole, name="whole_cells")(x)
    if size in WIDTHS:
        features = _own_features(x, strides, size)
    else:
        features = _neck(backbone_features(x, size, alpha=alpha, frozen=frozen), strides)
    outputs = [_head(features[head.stride], head, f"head_{head.stride}") for head in heads]
    if len(outputs) == 1:
        return keras.Model(image, outputs[0], name=f"detector_{size}")
    slots = [layers.Reshape((-1, slot_channels), dtype="float32")(output) for output in outputs]
    joined = layers.Concatenate(axis=1, dtype="float32", name="slots")(slots)
    return keras.Model(image, joined, name=f"detector_{size}")


def _own_features(
    x: keras.KerasTensor, strides: Sequence[int], size: str
) -> dict[int, keras.KerasTensor]:
    """{stride: features} of the small networks, at least of the heads' strides."""
    first, second, third, fourth, fifth, sixth = WIDTHS[size]
    x = _convolution(x, first, kernel=5, strides=2, name="block1")
    x = _convolution(x, second, name="block2")
    x = layers.MaxPooling2D(name="pool2")(x)
    x = _convolution(x, third, name="block3")
    x = layers.MaxPooling2D(name="pool3")(x)
    x = _convolution(x, fourth, name="block4a")
    x = fine = _convolution(x, fourth, name="block4b")
    x = layers.MaxPooling2D(name="pool4")(x)
    x = _convolution(x, fifth, name="block5a")
    features = {16: _convolution(x, fifth, name="block5b")}
    if 32 in strides:
        x = layers.MaxPooling2D(name="pool5")(features[16])
        x = _convolution(x, sixth, name="block7a")
        features[32] = _convolution(x, sixth, name="block7b")
        if min(strides) < 32:
            up = _convolution(features[32], fourth, kernel=1, name="lateral32")
            merged = layers.Concatenate(name="merge32")(
                [features[16], layers.UpSampling2D(name="up32")(up)]
            )
            features[16] = _convolution(merged, fifth, name="block8")
    if 8 in strides:
        up = layers.UpSampling2D(name="up")(
            _convolution(features[16], third, kernel=1, name="lateral")
        )
        merged = layers.Concatenate(name="merge")([fine, up])
        features[8] = _convolution(merged, fourth, name="block6")
    return features


def _neck(
    features: dict[int, keras.KerasTensor], strides: Sequence[int]
) -> dict[int, keras.KerasTensor]:
    """A backbone's features made narrow, the finer ones together with the coarser ones."""
    widths = dict(zip((8, 16, 32), WIDTHS["large"][3:], strict=True))
    above = {32: _convolution(features[32], widths[32], kernel=1, name="neck32")}
    for stride in (16, 8):
        if min(strides) <= stride:
            up = layers.UpSampling2D(name=f"up{stride}")(above[2 * stride])
            side = _convolution(features[stride], widths[stride], kernel=1, name=f"side{stride}")
            merged = layers.Concatenate(name=f"merge{stride}")([side, up])
            above[stride] = _convolution(merged, widths[stride], name=f"neck{stride}")
    return above


def _head(features: keras.KerasTensor, head: Head, name: str) -> keras.KerasTensor:
    # float32 under mixed precision: a loss must not start from rounded logits.
    raw = layers.Conv2D(
        len(head.bias),
        1,
        kernel_initializer=keras.initializers.VarianceScaling(HEAD_SCALE, "fan_avg", "uniform"),
        bias_initializer=_constant(head.bias),
        dtype="float32",
        name=name,
    )(features)
    if head.place_channels is None:
        return raw
    return StartAtCell(*head.place_channels, dtype="float32", name=f"{name}_start")(raw)


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
