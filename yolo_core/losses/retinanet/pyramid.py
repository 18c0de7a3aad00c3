"""RetinaNet's anchors: where they sit, and how they follow from a configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# Height over width of the shapes of every size, and the sizes between two octaves.
RATIOS = (0.5, 1.0, 2.0)
OCTAVES = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))
# Side of the smallest anchor of a level, in cells.
SMALLEST_IN_CELLS = 2.0
# Per cent of the objects that the anchors reach up to.
LARGE = 97


def level_sizes(side: np.ndarray | None, strides: Sequence[int]) -> list[list[float]]:
    """The sides of the squares of each level, in pixels.

    With objects those of the coarsest level are larger by as much as is missing to the large ones,
    and those of the finest smaller by as much as is missing to the small ones.

    Args:
        side: (n,) sides of objects in pixels; None for what the levels are made for.
        strides: Pixels from one cell to the next of each level.
    """
    larger, smaller = 1.0, 1.0
    if side is not None:
        reach = SMALLEST_IN_CELLS * OCTAVES[-1] * max(strides)
        larger = max(1.0, float(np.percentile(side, LARGE)) / reach)
        least = SMALLEST_IN_CELLS * min(strides)
        smaller = min(1.0, float(np.percentile(side, 100 - LARGE)) / least)
    rank = np.argsort(np.argsort(strides)) / max(1, len(strides) - 1)
    base = SMALLEST_IN_CELLS * np.asarray(strides) * larger**rank * smaller ** (1 - rank)
    return [[float(each * octave) for octave in OCTAVES] for each in base]


@dataclasses.dataclass(frozen=True)
class PyramidAnchors:
    """Anchors over the levels of a pyramid (Lin et al. 2017, section 4).

    A cell of a level has a box of each ratio in each size; the size changes fastest.

    Attributes:
        image_size: (height, width) of the picture in pixels.
        strides: Pixels from one cell to the next of each level.
        sizes: Pixels; one tuple a level. A box has the area of the square of that side.
        ratios: Height over width; one tuple a level.
    """

    image_size: tuple[int, int]
    strides: tuple[int, ...]
    sizes: tuple[tuple[float, ...], ...]
    ratios: tuple[tuple[float, ...], ...]

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> PyramidAnchors:
        """Reads a configuration.

        Args:
            config: "image_size", "strides", "sizes" and "ratios"; the last one may be a single
                list for all levels.

        Raises:
            ValueError: A key is missing, a number is not above zero, or the lists do not have one
                entry a level.
        """
        try:
            height, width = np.broadcast_to(np.asarray(config["image_size"]), (2,)).tolist()
            ratios = config["ratios"]
            if np.ndim(ratios[0]) == 0:
                ratios = [ratios] * len(config["strides"])
            read = cls(
                image_size=(int(height), int(width)),
                strides=tuple(int(each) for each in config["strides"]),
                sizes=tuple(tuple(float(size) for size in level) for level in config["sizes"]),
                ratios=tuple(tuple(float(ratio) for ratio in level) for level in ratios),
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ValueError(
                "A configuration of anchors over a pyramid needs image_size, strides, sizes and "
                f"ratios; received {dict(config)!r} ({type(error).__name__}: {error})."
            ) from error
        levels = len(read.strides)
        numbers = [*read.image_size, *read.strides]
        numbers += [each for level in (*read.sizes, *read.ratios) for each in level]
        full = all(map(len, (*read.sizes, *read.ratios)))
        if not levels or {len(read.sizes), len(read.ratios)} != {levels} or not full:
            numbers.append(0)
        if not all(0 < each < float("inf") for each in numbers):
            raise ValueError(
                "A configuration of anchors over a pyramid has numbers above zero, and sizes and "
                f"ratios for each of the strides; received {dict(config)!r}."
            )
        return read

    @property
    def grids(self) -> list[tuple[int, int, int]]:
        """Rows, columns and anchors a cell of each level; a cell that is cut off counts."""
        height, width = self.image_size
        return [
            (-(-height // stride), -(-width // stride), len(sizes) * len(ratios))
            for stride, sizes, ratios in zip(self.strides, self.sizes, self.ratios, strict=True)
        ]

    def boxes(self, *, rounded: bool = False) -> np.ndarray:
        """(P, 4) float32: x_center, y_center, width, height in pixels, in slot order.

        Args:
            rounded: Half of each side is a whole number of pixels (half to even), anchors sit on
                the upper left corner of their cell, and cells are as wide as the picture over
                their number, rounded down (`docs/losses.md`, F-7 and F-10).
        """
        parts = []
        for index, (rows, columns, count) in enumerate(self.grids):
            root = np.sqrt(np.asarray(self.ratios[index], np.float32))[:, None]
            side = np.asarray(self.sizes[index], np.float32)
            half = np.stack([(1 / root) * side, root * side], axis=-1).reshape(-1, 2) / 2
            step = np.asarray([self.strides[index]] * 2, np.float64)
            corner = 0.5
            if rounded:
                half, corner = np.round(half), 0.0
                step = np.asarray([self.image_size[1] // columns, self.image_size[0] // rows])
            y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
            centre = (np.stack([x, y], axis=-1)[:, :, None] + corner) * step
            shape = (rows, columns, count, 2)
            box = [np.broadcast_to(centre, shape), np.broadcast_to(2 * half, shape)]
            parts.append(np.concatenate(box, axis=-1).reshape(-1, 4))
        return np.concatenate(parts).astype(np.float32)
