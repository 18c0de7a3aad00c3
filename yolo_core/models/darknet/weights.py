"""`.weights` files: a header, then every layer's numbers, read and written byte for byte.

The program itself never looks at a file's length (pjreddie/darknet, `src/parser.c`): a cut one
loads in silence. Here a file has exactly the numbers of its network, or is refused.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from yolo_core.files import replace_file
from yolo_core.models.darknet.numbers import FILE_TYPE, count, joined, parts_of, split
from yolo_core.models.darknet.plan import Layer, Network

MOST_NEGATIVE_SCALES = 0.1


@dataclasses.dataclass(frozen=True)
class Header:
    """How a file begins.

    Attributes:
        major: Of the version, as the two below; the program writes 0.2.0.
        minor: From 0.2 on, and below 1000, `seen` has 64 bits, else 32.
        revision: Of the version.
        seen: Pictures that the network was trained on.
    """

    major: int = 0
    minor: int = 2
    revision: int = 0
    seen: int = 0

    @property
    def form(self) -> str:
        """For `struct`."""
        wide = self.major * 10 + self.minor >= 2 and self.major < 1000 and self.minor < 1000
        return "<3iQ" if wide else "<4i"

    @property
    def transposed(self) -> bool:
        """Whether the kernels of connected layers lie as in Keras."""
        return self.major > 1000 or self.minor > 1000

    def __bytes__(self) -> bytes:
        return struct.pack(self.form, *dataclasses.astuple(self))

    @classmethod
    def of(cls, data: bytes) -> Header:
        """The header that bytes begin with.

        Raises:
            ValueError: There are too few of them; without the place.
        """
        for form in ("<3i", "<4i", "<3iQ"):
            if len(data) < struct.calcsize(form):
                break
            header = cls(*struct.unpack_from(form, data))
            if form == header.form:
                return header
        raise ValueError(f"a header has 16 or 20 bytes; received {len(data)}")


@dataclasses.dataclass(frozen=True)
class Weights:
    """What a `.weights` file holds.

    Attributes:
        header: How it begins.
        arrays: {layer's number: {part's name: Keras's array}} of the layers that have some.
    """

    header: Header
    arrays: Mapping[int, Mapping[str, np.ndarray]]


def expected_floats(network: Network, *, first: int | None = None) -> int:
    """How many numbers a network, or its first layers, has in a file: its parameters.

    With a normalisation's mean and variance, which are not trained.
    """
    return sum(count(parts_of(layer)) for layer in network.layers[:first])


def read_weights(path: str | Path, network: Network, *, first: int | None = None) -> Weights:
    """Reads a `.weights` file.

    Args:
        path: The file.
        network: Whose weights they are to be.
        first: Take so many layers alone, such as a backbone's; what follows them is left alone.

    Raises:
        ValueError: It cannot be read, is cut, has bytes too many, or is of another network: with
            the floats expected and found, and the first layer that they do not fit.
    """
    path = Path(path)
    if not path.is_file():  # a pipe would be waited for
        raise ValueError(f"There is no file {path}.")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(20)
        header = Header.of(head)
        start = len(bytes(header))
        whole = size > start  # an empty file cannot be mapped
        numbers = np.memmap(path, np.uint8, "r", start) if whole else np.zeros(0, np.uint8)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        raise ValueError(f"{path} is no .weights file: {error}.") from None
    found, surplus = divmod(size - start, FILE_TYPE.itemsize)
    numbers = numbers[: found * FILE_TYPE.itemsize].view(FILE_TYPE)

    arrays: dict[int, dict[str, np.ndarray]] = {}
    at, fits, doubtful, ends = 0, None, None, ""
    for layer in network.layers[:first]:
        parts = parts_of(layer, transposed=header.transposed)
        if not parts:
            continue
        here = numbers[at : at + count(parts)]
        if len(here) < count(parts):
            ends = f"it ends within {_name(layer)}"
            break
        arrays[layer.number] = found_here = split(here, parts)
        at += count(parts)
        if "variance" not in found_here:
            continue
        with np.errstate(invalid="ignore"):
            impossible = not (found_here["variance"] >= 0).all()
            negative = np.mean(found_here["scale"] < 0)
        # Trained scales are hardly ever negative: where many are, they are something else.
        if impossible or negative > MOST_NEGATIVE_SCALES:
            doubtful = doubtful or layer
        if impossible:
            ends = "variances cannot be below 0"
            break
        fits = fits if doubtful else layer
    expected = expected_floats(network, first=first)
    if not ends and first is None and (found > expected or surplus):
        ends = "after its last layer the file goes on"
    if not ends:
        return Weights(header, arrays)
    if doubtful:
        after = f"up to {_name(fits)} it may fit, " if fits else ""
        ends = f"{after}{_name(doubtful)} is the first that does not fit ({ends})"
    elif first is None:
        ends += _other_filters(network, found - expected)
    rest = f" and {surplus} of 4 bytes" if surplus else ""
    raise ValueError(
        f"{path} holds {found:,} floats{rest}; {network.file} needs {expected:,}: {ends}."
    )


def _other_filters(network: Network, more: int) -> str:
    """What its last layer would be like if it alone made the difference."""
    last = next((each for each in reversed(network.layers) if parts_of(each)), None)
    if last is None:
        return ""
    filters = last.shape[0]
    a_filter = count(parts_of(last)) // filters
    if not more or more % a_filter or filters + more // a_filter < 1:
        return ""
    return f" ({filters + more // a_filter} filters in {_name(last)}, not {filters}, would fit)"


def write_weights(path: str | Path, network: Network, weights: Weights) -> None:
    """Writes a `.weights` file, whole or not at all.

    Raises:
        ValueError: It cannot be written.
    """
    start = len(bytes(weights.header))
    data = np.empty(start + expected_floats(network) * FILE_TYPE.itemsize, np.uint8)
    data[:start] = np.frombuffer(bytes(weights.header), np.uint8)
    numbers, at = data[start:].view(FILE_TYPE), 0
    for layer in network.layers:
        parts = parts_of(layer, transposed=weights.header.transposed)
        if parts:
            numbers[at : at + count(parts)] = joined(weights.arrays[layer.number], parts)
            at += count(parts)
    replace_file(Path(path), data.data)


def _name(layer: Layer) -> str:
    return f"layer {layer.number}, [{layer.section.name}] of line {layer.section.line}"
