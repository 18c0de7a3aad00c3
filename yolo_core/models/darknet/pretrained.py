"""Which layers of a network a `.weights` file is for: all of them, or the first ones. No Keras."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from yolo_core.models.darknet.known import named_network
from yolo_core.models.darknet.numbers import FILE_TYPE, parts_of
from yolo_core.models.darknet.plan import Network, parse_network
from yolo_core.models.darknet.weights import Header, Weights, expected_floats, read_weights

CFG = "cfg:"
"""What a network that is read from a file begins with: cfg:FILE."""


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """Weights, and the network that they are of.

    Attributes:
        network: With as many classes as the file has.
        weights: Of its layers.
        is_whole: Whether the file has all of them; else it ends before the last ones.
    """

    network: Network
    weights: Weights
    is_whole: bool

    @property
    def convolutions(self) -> str:
        """How many layers with weights the file has, of how many."""
        every = sum(bool(parts_of(layer)) for layer in self.network.layers)
        return f"{len(self.weights.arrays)} of {every}"


def as_published(name: str, cfg: str | None, *, classes: int = 80) -> Network:
    """A network by its name, or "cfg:FILE" by the text of its `.cfg`.

    Args:
        name: One of `known.TRAINED`, or cfg:FILE.
        cfg: The text, of a cfg:FILE.
        classes: Of a network by its name.

    Raises:
        ValueError: As `parse_network`.
    """
    if cfg is None:
        return named_network(name, classes=classes)
    return parse_network(cfg, Path(name.removeprefix(CFG)).name)


def read_pretrained(path: str | Path, name: str, cfg: str | None) -> Pretrained:
    """Reads a `.weights` file to begin a training with.

    A well-known network may have been trained on any number of classes, which follows from the
    length of the file. One that ends between two layers is of the first ones, such as those of a
    classifier.

    Args:
        path: The file.
        name: As `as_published`.
        cfg: Likewise.

    Raises:
        ValueError: As `read_weights`.
    """
    network = as_published(name, cfg)
    floats = _floats(Path(path))
    if cfg is None and floats is not None:
        one, two = (expected_floats(as_published(name, None, classes=c)) for c in (1, 2))
        more, rest = divmod(floats - one, two - one)
        if not rest and more >= 0:
            network = as_published(name, None, classes=1 + more)
    first = None
    if floats and floats != expected_floats(network):
        ends = (n for n in range(1, len(network.layers)) if parts_of(network.layers[n - 1]))
        first = next((n for n in ends if expected_floats(network, first=n) == floats), None)
    return Pretrained(network, read_weights(path, network, first=first), first is None)


def _floats(path: Path) -> int | None:
    """How many floats are in a file; None where it is no such file, which reading it tells."""
    try:
        with path.open("rb") as file:
            header = Header.of(file.read(20))
        floats, rest = divmod(path.stat().st_size - len(bytes(header)), FILE_TYPE.itemsize)
    except (OSError, ValueError):
        return None
    return None if rest else floats
