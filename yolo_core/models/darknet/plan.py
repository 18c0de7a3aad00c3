"""A Darknet network as frozen values: its layers, what each reads, and every shape.

Nothing here needs Keras: a network is checked, counted and refused before it costs anything.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from yolo_core.models.darknet.cfg import Section, parse_cfg, read_cfg
from yolo_core.models.darknet.sections import read_section, unread_options
from yolo_core.models.darknet.specs import (
    ACTIVATIONS,
    Avgpool,
    Connected,
    Convolutional,
    Cost,
    Head,
    Maxpool,
    Reorg,
    Route,
    Shortcut,
    Softmax,
    Spec,
    Upsample,
)

MOST_NUMBERS = 2**28
"""So many numbers a layer may have in its output: a gigabyte."""

PICTURE = -1
"""In `Layer.inputs`: what enters the network."""

Shape = tuple[int, ...]
"""(channels, height, width), or (numbers,) where the program keeps no picture's shape."""


@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer of a network.

    Attributes:
        number: As the program counts: 0 is the first section after [net].
        spec: What it computes.
        section: Where it stands.
        inputs: Numbers of the layers it reads, `PICTURE` for the network's input.
        before: Their shapes.
        shape: Of its output.
    """

    number: int
    spec: Spec
    section: Section
    inputs: tuple[int, ...]
    before: tuple[Shape, ...]
    shape: Shape


@dataclasses.dataclass(frozen=True)
class Network:
    """A network.

    Attributes:
        file: What its `.cfg` is called.
        shape: Channels, height and width of what enters it.
        layers: All sections after [net], in their order.
        notes: What the program warns of or does wrongly, each with its place.
    """

    file: str
    shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    notes: tuple[str, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what enters it."""
        return self.shape[2], self.shape[1]

    @property
    def heads(self) -> tuple[Layer, ...]:
        """The detection layers."""
        return tuple(each for each in self.layers if isinstance(each.spec, Head))


def read_network(path: str | Path) -> Network:
    """The network of a `.cfg` file.

    Raises:
        ValueError: The file cannot be read, has a section or option that is not built here, or
            shapes that do not fit; with section and line.
    """
    return plan(read_cfg(path))


def parse_network(text: str, file: str = "cfg") -> Network:
    """The network of a `.cfg`'s text; see `read_network`."""
    return plan(parse_cfg(text, file))


def listing_heads(network: Network) -> list[Head]:
    """The detection layers of a network that lists boxes.

    Raises:
        ValueError: It has none, or some of different classes.
    """
    specs = [layer.spec for layer in network.layers if isinstance(layer.spec, Head)]
    if len({spec.classes for spec in specs}) != 1:
        received = "heads of " + ", ".join(str(each.classes) for each in specs)
        raise ValueError(
            f"{network.file}: detections need [region] or [yolo], all with the same number of "
            f"classes; received {received if specs else 'none'}."
        )
    return specs


def plan(sections: Sequence[Section]) -> Network:
    """The network of sections, [net] first; see `read_network`."""
    net, *rest = sections
    missing = [each for each in ("channels", "height", "width") if each not in net.options]
    if missing:
        raise net.error(f"{' and '.join(missing)} missing.")
    channels, height, width = (
        net.whole(each, 0, 1, 2**20) for each in ("channels", "height", "width")
    )
    shape = (channels, height, width)
    if math.prod(shape) > MOST_NUMBERS:
        raise net.error(
            f"a picture may have {MOST_NUMBERS:,} numbers; {width} x {height} x {channels} are "
            "more."
        )
    if not rest:
        raise net.error("a network needs a layer; received none.")
    shapes: dict[int, Shape] = {PICTURE: shape}
    layers, notes = [], []
    for number, section in enumerate(rest):
        spec = read_section(section)
        inputs = _inputs(spec, number, section)
        before = tuple(shapes[each] for each in inputs)
        try:
            shapes[number] = _shape(spec, before)
            if math.prod(shapes[number]) > MOST_NUMBERS:
                raise ValueError(
                    f"its output may have {MOST_NUMBERS:,} numbers; "
                    f"{' x '.join(map(str, shapes[number]))} are more."
                )
        except ValueError as error:
            raise section.error(str(error)) from None
        layers.append(Layer(number, spec, section, inputs, before, shapes[number]))
        notes += _notes(spec, section)
    return Network(net.file, shape, tuple(layers), tuple(notes))


def window(side: int, size: int, stride: int, padding: int) -> int:
    """Places of a window along a side: C divides towards zero, so one just too large has one.

    Raises:
        ValueError: There is none.
    """
    room = side + padding - size
    places = (room // stride if room >= 0 else -(-room // stride)) + 1
    if places < 1:
        raise ValueError(
            f"a window of {size} does not fit into {side} with a padding of {padding}."
        )
    return places


def _inputs(spec: Spec, number: int, section: Section) -> tuple[int, ...]:
    if isinstance(spec, Route):
        return tuple(_earlier(each, number, section, "layers") for each in spec.layers)
    if isinstance(spec, Shortcut):
        return number - 1, _earlier(spec.source, number, section, "from")
    return (number - 1,)


def _earlier(named: int, number: int, section: Section, option: str) -> int:
    found = named + number if named < 0 else named
    if not 0 <= found < number:
        earlier = f"0 to {number - 1} come" if number else "none comes"
        raise section.error(
            f"{option} must name layers before this one, number {number}, of which {earlier}; "
            f"received {named}.",
            option,
        )
    return found


def _picture(shape: Shape) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ValueError(
            f"it needs a picture, channels x height x width; its input is {shape[0]} numbers."
        )
    return shape[0], shape[1], shape[2]


def _divides(what: str, divisor: int, count: int, of: str) -> None:
    if count % divisor:
        raise ValueError(f"{what}={divisor} does not divide its {count} {of}.")


def _shape(spec: Spec, before: Sequence[Shape]) -> Shape:
    """The shape of a layer's output, or ValueError without the place."""
    match spec:
        case Connected():
            return spec.outputs, 1, 1
        case Softmax():
            _divides("groups", spec.groups, math.prod(before[0]), "numbers")
            return (math.prod(before[0]),)
        case Cost():
            return (math.prod(before[0]),)
        case Route():
            return _routed(spec, before)
        case Convolutional() | Maxpool() | Avgpool() | Reorg() | Shortcut() | Upsample() | Head():
            return _of_picture(spec, _picture(before[0]), before)
        case _:
            return before[0]


def _of_picture(spec: Spec, first: tuple[int, int, int], before: Sequence[Shape]) -> Shape:
    channels, *sides = first
    height, width = sides
    match spec:
        case Convolutional():
            _divides("groups", spec.groups, channels, "channels")
            _divides("groups", spec.groups, spec.filters, "filters")
            if spec.flipped and spec.groups > 1:
                raise ValueError("flipped=1 together with groups is not built here.")
            if spec.size == 1 and spec.padding:
                raise ValueError(
                    "padding around windows of size 1, where the program reads foreign memory."
                )
            padding = 2 * spec.padding
            return spec.filters, *(window(s, spec.size, spec.stride, padding) for s in sides)
        case Maxpool():
            return channels, *(window(s, spec.size, spec.stride, spec.padding) for s in sides)
        case Avgpool():
            return channels, 1, 1
        case Reorg():
            step, block = spec.stride, spec.stride**2
            if spec.reverse or not spec.flatten:
                _divides("the square of stride", block, channels, "channels")
            if spec.reverse:
                return channels // block, height * step, width * step
            for side in sides:
                _divides("stride", step, side, "rows or columns")
            return channels * block, height // step, width // step
        case Upsample(stride) if stride > 0:
            return channels, height * stride, width * stride
        case Upsample(stride):
            for side in sides:
                _divides("stride", -stride, side, "rows or columns")
            return channels, height // -stride, width // -stride
        case Head():
            expected = len(spec.anchors) * spec.slot_channels
            if channels != expected:
                raise ValueError(
                    f"{len(spec.anchors)} anchors of {spec.slot_channels} channels are {expected}; "
                    f"its input has {channels} channels."
                )
            return first
        case _:  # Shortcut
            _, rows, columns = _picture(before[1])
            if columns // width != rows // height or width // columns != height // rows:
                raise ValueError(
                    f"its inputs are {width} x {height} and {columns} x {rows}; their sides must "
                    "differ by one whole factor."
                )
            return first


def _routed(spec: Route, before: Sequence[Shape]) -> Shape:
    if spec.groups > 1:
        for channels, _, _ in map(_picture, before):
            _divides("groups", spec.groups, channels, "channels")
        before = [(channels // spec.groups, *rest) for channels, *rest in before]
    if len(before[0]) == 3 and len({each[1:] for each in before}) == 1:
        return sum(each[0] for each in before), *before[0][1:]
    return (sum(math.prod(each) for each in before),)  # the program lays them end to end


def _notes(spec: Spec, section: Section) -> list[str]:
    notes = []
    name, _ = section.options.get("activation", ("", 0))
    if hasattr(spec, "activation") and name and name not in ACTIVATIONS:
        said = f"{name[:40]!r} is no activation that Darknet has; it takes relu, and so does this."
        notes.append(str(section.error(said, "activation")))
    if isinstance(spec, Convolutional) and spec.size == 1 and spec.stride > 1:
        said = "with size=1 and a stride, Darknet without cuDNN reads other pixels than with it."
        notes.append(str(section.error(said, "stride")))
    for option in unread_options(section):
        said = f"{option[:40]!r} is no option that Darknet reads here, and neither does this."
        notes.append(str(section.error(said, option)))
    return notes
