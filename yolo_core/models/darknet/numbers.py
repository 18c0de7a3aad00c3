"""Which numbers a layer has in a `.weights` file, in which order and turned which way.

Both ways go through one table: `Part.shape` is how they lie in the file, `Part.axes` how Keras's
array is transposed to lie so.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from yolo_core.models.darknet.plan import Layer
from yolo_core.models.darknet.specs import Connected, Convolutional

FILE_TYPE = np.dtype("<f4")


@dataclasses.dataclass(frozen=True)
class Part:
    """One array of a layer.

    Attributes:
        name: "bias" (with batch normalisation its beta), "scale", "mean", "variance" or "kernel".
        shape: As the file has it.
        axes: Of Keras's array, in the order in which the file has them.
    """

    name: str
    shape: tuple[int, ...]
    axes: tuple[int, ...] = (0,)

    @property
    def count(self) -> int:
        """How many numbers."""
        return math.prod(self.shape)

    def from_file(self, numbers: np.ndarray) -> np.ndarray:
        """(count,) numbers as Keras's array."""
        return numbers.reshape(self.shape).transpose(np.argsort(self.axes))

    def to_file(self, array: np.ndarray) -> np.ndarray:
        """Keras's array as (count,) float32."""
        return np.asarray(array, FILE_TYPE).transpose(self.axes).reshape(-1)


Parts = tuple[Part, ...]


def convolution_parts(
    filters: int, channels: int, size: int, *, batch_normalize: bool, flipped: bool = False
) -> Parts:
    """Of a convolution: bias, scale, mean and variance, then the kernel.

    Args:
        filters: Of the convolution.
        channels: That each filter sees: those of the input divided by the groups.
        size: Side of the kernel.
        batch_normalize: Whether there is a normalisation.
        flipped: Whether the file has a number of the input after the other.

    Returns:
        Its parts; Keras's kernel is (height, width, channels, filters).
    """
    shape, axes = (filters, channels, size, size), (3, 2, 0, 1)
    if flipped:
        shape, axes = (channels, size, size, filters), (2, 0, 1, 3)
    norm = _normalisation(filters) if batch_normalize else ()
    return Part("bias", (filters,)), *norm, Part("kernel", shape, axes)


def connected_parts(
    outputs: int, inputs: int, *, batch_normalize: bool, transposed: bool = False
) -> Parts:
    """Of a connected layer: bias and kernel, then scale, mean and variance.

    Args:
        outputs: Of the layer.
        inputs: Numbers of its input, which run over channels, rows, columns.
        batch_normalize: Whether there is a normalisation.
        transposed: Whether the file has them as Keras does, which its header says.

    Returns:
        Its parts; Keras's kernel is (inputs, outputs).
    """
    kernel = Part("kernel", (outputs, inputs), (1, 0))
    if transposed:
        kernel = Part("kernel", (inputs, outputs), (0, 1))
    norm = _normalisation(outputs) if batch_normalize else ()
    return Part("bias", (outputs,)), kernel, *norm


def _normalisation(count: int) -> Parts:
    return tuple(Part(name, (count,)) for name in ("scale", "mean", "variance"))


def parts_of(layer: Layer, *, transposed: bool = False) -> Parts:
    """Of any layer; none where it has no weights."""
    spec, before = layer.spec, layer.before[0]
    if isinstance(spec, Convolutional):
        return convolution_parts(
            spec.filters,
            before[0] // spec.groups,
            spec.size,
            batch_normalize=spec.batch_normalize,
            flipped=spec.flipped,
        )
    if isinstance(spec, Connected):
        return connected_parts(
            spec.outputs,
            math.prod(before),
            batch_normalize=spec.batch_normalize,
            transposed=transposed,
        )
    return ()


def count(parts: Sequence[Part]) -> int:
    """How many numbers they are together."""
    return sum(part.count for part in parts)


def split(numbers: np.ndarray, parts: Sequence[Part]) -> dict[str, np.ndarray]:
    """A layer's numbers, (count,), as Keras's arrays by the name of their part."""
    ends = np.cumsum([part.count for part in parts])
    pieces = np.split(numbers, ends[:-1])
    return {part.name: part.from_file(each) for part, each in zip(parts, pieces, strict=True)}


def joined(arrays: Mapping[str, np.ndarray], parts: Sequence[Part]) -> np.ndarray:
    """The inverse of `split`: (count,) float32."""
    return np.concatenate([part.to_file(arrays[part.name]) for part in parts])
