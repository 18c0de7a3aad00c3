"""YOLOv2 as the Keras notebook has it, with its layer names, and its reader of `.weights` files.

It is Darknet's `yolov2` but for three things: the passthrough is TensorFlow's space to depth, which
puts the channels otherwise than [reorg]; batch normalisation has Keras's epsilon of 1e-3; and
convolutions count from 1, as `conv_1` with `norm_1` and so on (`docs/losses.md`, D-7 and D-8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from yolo_core.boxes import Tensor
from yolo_core.models.darknet.build import named_variables
from yolo_core.models.darknet.known import known_network
from yolo_core.models.darknet.numbers import FILE_TYPE, Parts, convolution_parts, count, split
from yolo_core.models.darknet.plan import PICTURE
from yolo_core.models.darknet.specs import Convolutional, Head, Maxpool, Reorg
from yolo_core.models.darknet.weights import Header

CONVOLUTIONS = 23
"""Of the network; the last one is the head."""


@keras.saving.register_keras_serializable(package="yolo_core.darknet")
class SpaceToDepth(layers.Layer):
    """Blocks of 2 x 2 cells behind each other in the channels, as `tf.nn.space_to_depth`."""

    def call(self, picture: Tensor) -> Tensor:
        """(B, H, W, C) to (B, H / 2, W / 2, 4 * C)."""
        height, width, channels = picture.shape[1:]
        blocks = ops.reshape(picture, (-1, height // 2, 2, width // 2, 2, channels))
        return ops.reshape(
            ops.transpose(blocks, (0, 1, 3, 2, 4, 5)), (-1, height // 2, width // 2, 4 * channels)
        )


def darknet19_yolov2(
    image_shape: Sequence[int] = (416, 416, 3),
    *,
    anchors: int = 5,
    classes: int = 80,
    trainable: bool = True,
    true_box_buffer: int | None = None,
) -> keras.Model:
    """The notebook's `define_YOLOv2`: conv_1 to conv_23, norm_1 to norm_22, in its order.

    Args:
        image_shape: Height, width (multiples of 32) and channels of the picture.
        anchors: Slots of a cell, the notebook's BOX.
        classes: CLASS.
        trainable: Whether anything but conv_23 is trained; the notebook says False.
        true_box_buffer: The notebook's second input, of so many boxes, which nothing reads; with it
            the output is (B, rows, columns, anchors, 5 + classes), as there.

    Returns:
        A model from (B, height, width, channels) float32 in 0..1 to (B, height / 32, width / 32,
        anchors * (5 + classes)) without activation, as `YoloV2Loss` takes it.

    Raises:
        ValueError: Sides or classes that it cannot have.
    """
    height, width, channels = image_shape
    plan = known_network("yolov2", classes=classes, width=width, height=height)
    made = {PICTURE: keras.Input((height, width, channels), name="input_image")}
    convolutions = pools = 0
    for layer in plan.layers:
        inputs = [made[each] for each in layer.inputs]
        x = inputs[0]
        match layer.spec:
            case Convolutional() as spec:
                convolutions += 1
                is_head = convolutions == CONVOLUTIONS
                x = layers.Conv2D(
                    anchors * (5 + classes) if is_head else spec.filters,
                    spec.size,
                    padding="same",
                    use_bias=is_head,
                    trainable=is_head or trainable,
                    # float32 under mixed precision: a loss must not start from rounded logits.
                    dtype="float32" if is_head else None,
                    name=f"conv_{convolutions}",
                )(x)
                if not is_head:
                    name = f"norm_{convolutions}"
                    x = layers.BatchNormalization(name=name, trainable=trainable)(x)
                    x = layers.LeakyReLU(0.1)(x)
            case Maxpool():
                # Named after the sides of a picture of 416 pixels, whatever it has.
                name = f"maxpool1_{416 >> pools}to{208 >> pools}"
                pools += 1
                x = layers.MaxPooling2D(name=name)(x)
            case Reorg():
                x = SpaceToDepth()(x)
            case Head():
                break
            case _:  # a route
                x = layers.Concatenate()(inputs) if len(inputs) > 1 else x
        made[layer.number] = x
    if true_box_buffer is None:
        return keras.Model(made[PICTURE], x, name="darknet19_yolov2")
    boxes = keras.Input((1, 1, 1, true_box_buffer, 4), name="input_hack")
    cells = (height // 32, width // 32, anchors, 5 + classes)
    x = layers.Reshape(cells, name="final_output", dtype="float32")(x)
    x = layers.Lambda(lambda both: both[0], name="hack_layer", dtype="float32")([x, boxes])
    return keras.Model([made[PICTURE], boxes], x, name="darknet19_yolov2")


def load_notebook_weights(
    model: keras.Model,
    path: str | Path,
    *,
    convolutions: int | None = None,
    as_printed: bool = False,
) -> int:
    """Loads a `.weights` file into conv_1, norm_1, conv_2, ... as the notebook's `WeightReader`.

    Args:
        model: With layers of these names; a norm_i where conv_i has a normalisation.
        path: The file. Its header has 16 bytes where that fits the whole model, else as many as
            its version says.
        convolutions: Load so many, the notebook's `nb_conv`, and leave what follows in the file
            alone; None for all of the model, which the file must then hold exactly.
        as_printed: With the slip of the printed loop (D-7): the last one that is loaded gets no
            normalisation, so that its kernel begins with those numbers.

    Returns:
        How many floats were taken, the header not counted.

    Raises:
        ValueError: The file cannot be read, is cut, or goes on after the last convolution; or the
            model has no such layers. Nothing is loaded then.
    """
    path = Path(path)
    names = {layer.name for layer in model.layers}
    have = next(i for i in range(1, len(names) + 2) if f"conv_{i}" not in names) - 1
    wanted = have if convolutions is None else convolutions
    if not 1 <= wanted <= have:
        raise ValueError(
            f"{model.name} has the layers conv_1 to conv_{have}; asked for {wanted} of them."
            if have
            else f"{model.name} has no layer conv_1."
        )
    found = [_parts(model, i, without_norm=as_printed and i == wanted) for i in range(1, have + 1)]
    try:
        data = path.read_bytes()
        header = len(bytes(Header.of(data[:20])))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        raise ValueError(f"{path} is no .weights file: {error}.") from None
    whole = sum(count(_parts(model, i)[1]) for i in range(1, have + 1)) * FILE_TYPE.itemsize
    # The notebook takes 16 bytes whatever the version; Darknet writes 20 from 0.2 on.
    header = 16 if len(data) == 16 + whole else header
    numbers = np.frombuffer(data, FILE_TYPE, (len(data) - header) // FILE_TYPE.itemsize, header)
    needed = sum(count(parts) for _, parts in found[:wanted])
    at, arrays = 0, []
    for number, (_, parts) in enumerate(found[:wanted], start=1):
        here = numbers[at : at + count(parts)]
        if len(here) < count(parts):
            raise ValueError(
                f"{path} holds {len(numbers):,} floats; {model.name} needs {needed:,}: it ends "
                f"within conv_{number}."
            )
        arrays.append(split(here, parts))
        at += count(parts)
    if convolutions is None and not as_printed and len(data) != header + whole:
        raise ValueError(
            f"{path} holds {len(numbers):,} floats; {model.name} needs {needed:,}: after its last "
            "layer the file goes on."
        )
    for (variables, _), of_layer in zip(found, arrays, strict=False):
        for name, array in of_layer.items():
            variables[name].assign(np.ascontiguousarray(array))
    return at


def _parts(
    model: keras.Model, number: int, *, without_norm: bool = False
) -> tuple[Mapping[str, keras.Variable], Parts]:
    """The variables of conv_{number} with its norm, and the parts of a file that go into them."""
    convolution = model.get_layer(f"conv_{number}")
    norm = None
    if not convolution.use_bias:
        norm = model.get_layer(f"norm_{number}")
    size, _, channels, filters = convolution.kernel.shape
    parts = convolution_parts(filters, channels, size, batch_normalize=norm is not None)
    if without_norm and norm is not None:
        parts = tuple(part for part in parts if part.name == "kernel")
    return named_variables(convolution, norm), parts
