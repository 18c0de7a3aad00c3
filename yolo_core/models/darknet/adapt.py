"""A Darknet network for other pictures, classes and anchors: its plan with other heads."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from yolo_core.models.darknet.cfg import Section
from yolo_core.models.darknet.plan import Layer, Network, plan
from yolo_core.models.darknet.specs import Convolutional, Head

REGION, YOLO = "region", "yolo"
"""The two kinds of detection layers."""


@dataclasses.dataclass(frozen=True)
class Heads:
    """What the detection layers of a network have in common.

    Attributes:
        kind: `REGION` or `YOLO`.
        classes: C.
        strides: Pixels from one cell to the next of each, in their order.
        counts: Anchors of each.
    """

    kind: str
    classes: int
    strides: tuple[int, ...]
    counts: tuple[int, ...]


def heads_of(network: Network) -> Heads:
    """What the detection layers of a network are like.

    Raises:
        ValueError: There is none, or they are none that a loss trains here.
    """
    heads = network.heads
    if not heads:
        raise ValueError(
            f"{network.file} has no [region] and no [yolo]: it is no detector that can be trained."
        )
    specs = [_spec(each) for each in heads]
    first, kinds = heads[0], {each.section.name for each in heads}
    if len(kinds) > 1 or (kinds == {REGION} and len(heads) > 1):
        raise heads[1].section.error(
            "a network that is trained has one [region] or any number of [yolo]; "
            f"received {len(heads)} heads."
        )
    for layer, spec in zip(heads, specs, strict=True):
        if spec.coords != 4 or spec.background:
            raise layer.section.error("a head with coords past 4 or background is not trained.")
        if spec.place_scale != 1:
            raise layer.section.error(
                f"a head with scale_x_y={spec.place_scale:g} can be read and detect; it is not "
                "trained, since the losses here place a centre by a sigmoid alone.",
                "scale_x_y",
            )
        if spec.classes != specs[0].classes:
            raise layer.section.error(
                f"it has {spec.classes} classes, and the head of line {first.section.line} has "
                f"{specs[0].classes}."
            )
        convolution = network.layers[layer.number - 1].spec
        if not isinstance(convolution, Convolutional) or convolution.batch_normalize:
            raise layer.section.error(
                "a head that is trained stands behind a [convolutional] without batch_normalize."
            )
    strides = tuple(_stride(network, layer) for layer in heads)
    if len(set(strides)) < len(strides):
        raise first.section.error(
            f"each head must have a grid of its own; received strides of {strides} pixels."
        )
    counts = tuple(len(each.anchors) for each in specs)
    return Heads(first.section.name, specs[0].classes, strides, counts)


def own_anchors(network: Network, width_height: tuple[int, int]) -> list[np.ndarray]:
    """The anchors of each head on pictures of a size.

    A [region] has them in cells, which stay so many pixels, and a [yolo] in pixels.

    Args:
        network: As it was published.
        width_height: Of the pictures, in pixels.

    Returns:
        (A, 2) float64 image fractions a head.
    """
    found = []
    for layer in network.heads:
        spec = _spec(layer)
        cell = 1 if spec.in_pixels else _stride(network, layer)
        found.append(np.asarray(spec.anchors, np.float64) * cell / np.asarray(width_height))
    return found


def adapted(
    network: Network,
    image_shape: Sequence[int],
    *,
    classes: int,
    anchors: Sequence[np.ndarray],
) -> Network:
    """The network with heads for other classes and anchors, on other pictures.

    Args:
        network: As it was published.
        image_shape: Height, width and channels of the pictures.
        classes: C.
        anchors: (A, 2) image fractions of each head.

    Raises:
        ValueError: The pictures do not fit it.
    """
    height, width, channels = image_shape
    strides = heads_of(network).strides
    if height % max(strides) or width % max(strides):
        raise ValueError(
            f"{network.file} takes pictures whose sides are multiples of {max(strides)} pixels; "
            f"received {width} x {height}."
        )
    options = [{name: value for name, (value, _) in _options(each)} for each in network.layers]
    for layer, stride, of_head in zip(network.heads, strides, anchors, strict=True):
        unit = [width, height] if _spec(layer).in_pixels else [width / stride, height / stride]
        numbers = (np.asarray(of_head, np.float64) * unit).ravel()
        options[layer.number] |= {
            "anchors": ",".join(f"{number:.9g}" for number in numbers),
            "num": str(len(of_head)),
            "classes": str(classes),
        }
        options[layer.number].pop("mask", None)
        options[layer.number - 1]["filters"] = str(len(of_head) * (5 + classes))
    net = {"channels": str(channels), "height": str(height), "width": str(width)}
    sections = [Section("net", 1, {name: (each, 1) for name, each in net.items()}, network.file)]
    for layer, of_layer in zip(network.layers, options, strict=True):
        line = layer.section.line
        placed = {name: (value, line) for name, value in of_layer.items()}
        sections.append(dataclasses.replace(layer.section, options=placed))
    return plan(sections)


def cfg_text(network: Network) -> str:
    """The `.cfg` of a network: what Darknet builds it from, without its options of training."""
    channels, height, width = network.shape
    lines = ["[net]", f"width={width}", f"height={height}", f"channels={channels}"]
    for layer in network.layers:
        lines += ["", f"[{layer.section.name}]"]
        lines += [f"{name}={value}" for name, (value, _) in _options(layer)]
    return "\n".join(lines) + "\n"


def _options(layer: Layer) -> list[tuple[str, tuple[str, int]]]:
    return list(layer.section.options.items())


def _spec(layer: Layer) -> Head:
    if not isinstance(layer.spec, Head):
        raise TypeError(f"Layer {layer.number} is no detection layer.")
    return layer.spec


def _stride(network: Network, layer: Layer) -> int:
    (rows, rest), (columns, other) = (
        divmod(side, cells) for side, cells in zip(network.shape[1:], layer.shape[1:], strict=True)
    )
    if rest or other or rows != columns:
        raise layer.section.error(
            f"its grid of {layer.shape[2]} x {layer.shape[1]} cells does not divide the "
            f"{network.shape[2]} x {network.shape[1]} pixels of the network into squares."
        )
    return rows
