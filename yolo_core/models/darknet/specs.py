"""What each layer of a Darknet network computes, as frozen values: as the program's CPU build."""

from __future__ import annotations

import dataclasses

ACTIVATIONS = (
    *("linear", "leaky", "logistic", "relu", "tanh", "elu", "selu", "relie", "ramp"),
    *("loggy", "plse", "stair", "hardtan", "lhtan"),
    *("mish", "swish"),  # of AlexeyAB's fork
)


@dataclasses.dataclass(frozen=True)
class Convolutional:
    """A convolution, then batch normalisation or a bias, then an activation.

    Attributes:
        filters: Channels of the output.
        size: Side of the kernel.
        stride: Steps between two places of it.
        padding: Zeros on each of the four sides.
        groups: Equal parts of the channels that are convolved apart.
        batch_normalize: Whether there is a normalisation, whose bias is the only one.
        activation: One of `ACTIVATIONS`.
        flipped: Whether the file has the weights of one input number after the other.
    """

    filters: int
    size: int
    stride: int
    padding: int
    groups: int
    batch_normalize: bool
    activation: str
    flipped: bool


@dataclasses.dataclass(frozen=True)
class Connected:
    """Every number of the input, channels first, times a weight each, then as `Convolutional`."""

    outputs: int
    batch_normalize: bool
    activation: str


@dataclasses.dataclass(frozen=True)
class Maxpool:
    """The greatest of each window. `padding` counts both sides together, the smaller half first."""

    size: int
    stride: int
    padding: int


@dataclasses.dataclass(frozen=True)
class Avgpool:
    """The mean of each channel."""


@dataclasses.dataclass(frozen=True)
class Route:
    """Layers behind each other along the channels; of each part `group` of `groups` (the fork's).

    Layers are counted from the first one, or back from this one where negative.
    """

    layers: tuple[int, ...]
    groups: int
    group: int


@dataclasses.dataclass(frozen=True)
class Reorg:
    """Space to depth in an order of its own; `reverse` is depth to space.

    `flatten` puts the channels behind the places in memory instead, or back.
    """

    stride: int
    reverse: bool
    flatten: bool


@dataclasses.dataclass(frozen=True)
class Shortcut:
    """alpha * the layer before + beta * another one, then an activation.

    `source` counts as in `Route`. Where the other has fewer channels, or is smaller by a whole
    factor, only what it reaches is changed; where it is larger, it is sampled.
    """

    source: int
    alpha: float
    beta: float
    activation: str


@dataclasses.dataclass(frozen=True)
class Upsample:
    """Each number stride x stride times, times `scale`; a negative stride adds up blocks."""

    stride: int
    scale: float


@dataclasses.dataclass(frozen=True)
class Softmax:
    """Softmax of each of `groups` equal parts of the input, channels first."""

    groups: int
    temperature: float


@dataclasses.dataclass(frozen=True)
class Dropout:
    """Some numbers at 0 in training."""

    probability: float


@dataclasses.dataclass(frozen=True)
class Activation:
    """An activation alone."""

    activation: str


@dataclasses.dataclass(frozen=True)
class Cost:
    """The end of a classifier's training; without labels the program leaves its output at 0."""


@dataclasses.dataclass(frozen=True)
class Head:
    """A detection layer, [region] or [yolo]: boxes from anchors, slot after slot in the channels.

    Attributes:
        anchors: Width and height of those it uses, in grid cells, or in pixels of the network's
            input where `in_pixels`.
        classes: Number of classes.
        coords: Numbers of a box; those past the fourth are a mask. 4 in [yolo].
        softmax: Whether classes share one softmax; else each has a sigmoid.
        background: Whether the number behind the box is one more class, and not objectness.
        in_pixels: Whether it is [yolo].
        place_scale: scale_x_y of AlexeyAB's fork: how far a centre can lie in and around its cell,
            which it does symmetrically; 1 is the cell itself.
    """

    anchors: tuple[tuple[float, float], ...]
    classes: int
    coords: int
    softmax: bool
    background: bool
    in_pixels: bool
    place_scale: float = 1.0

    @property
    def slot_channels(self) -> int:
        """Numbers of a slot: box, objectness, classes."""
        return self.coords + 1 + self.classes


Spec = (
    Convolutional
    | Connected
    | Maxpool
    | Avgpool
    | Route
    | Reorg
    | Shortcut
    | Upsample
    | Softmax
    | Dropout
    | Activation
    | Cost
    | Head
)
