"""SSD's prior boxes: where they sit, and how they follow from a configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# Sides of the squares, smaller and larger, in cells of their map.
SIDES = (1.5, 2.5)
# Per cent of the objects that the priors reach up to.
LARGE = 97


def squares(side: np.ndarray | None, strides: Sequence[int]) -> list[tuple[float, float]]:
    """The sides of the two squares of each map, in pixels.

    With objects those of the coarsest map are larger by as much as is missing to the large ones,
    those of the finest are not.

    Args:
        side: (n,) sides of objects in pixels; None for what the maps are made for.
        strides: Pixels from one cell to the next of each map.
    """
    missing = 1.0
    if side is not None:
        missing = max(1.0, float(np.percentile(side, LARGE)) / (SIDES[1] * max(strides)))
    rank = np.argsort(np.argsort(strides)) / max(1, len(strides) - 1)
    grown = (np.asarray(strides) * missing**rank).tolist()
    return [(SIDES[0] * each, SIDES[1] * each) for each in grown]


@dataclasses.dataclass(frozen=True)
class PriorConfig:
    """`PriorBox` of ssd.pytorch (Liu et al. 2016, section 2.2), one entry a feature map.

    A cell of map k has a square of side min_size, a square of side sqrt(min_size * max_size), and
    for each aspect ratio a box of the first square's area lying and one standing.

    Attributes:
        image_size: (height, width) of the picture in pixels.
        feature_maps: (rows, columns) of each map.
        steps: Pixels from one cell to the next; centres sit at (index + 0.5) * step.
        min_sizes: Pixels.
        max_sizes: Pixels.
        aspect_ratios: Width over height, above 1, of the extra boxes of each map.
        clip: Whether centres and sizes are bounded to 0..1 of the picture, each by itself.
    """

    image_size: tuple[int, int]
    feature_maps: tuple[tuple[int, int], ...]
    steps: tuple[float, ...]
    min_sizes: tuple[float, ...]
    max_sizes: tuple[float, ...]
    aspect_ratios: tuple[tuple[float, ...], ...]
    clip: bool = True

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> PriorConfig:
        """Reads a configuration as ssd.pytorch writes it, squares as single numbers.

        Args:
            config: "min_dim" (or "image_size"), "feature_maps", "steps", "min_sizes",
                "max_sizes", "aspect_ratios" and "clip"; other keys are not about boxes.

        Raises:
            ValueError: A key is missing, or the lists do not have one entry a map.
        """

        def pair(value: Any) -> tuple[int, int]:
            rows, columns = np.broadcast_to(np.asarray(value), (2,)).tolist()
            return int(rows), int(columns)

        try:
            read = cls(
                image_size=pair(config.get("image_size", config.get("min_dim"))),
                feature_maps=tuple(pair(size) for size in config["feature_maps"]),
                steps=tuple(float(step) for step in config["steps"]),
                min_sizes=tuple(float(size) for size in config["min_sizes"]),
                max_sizes=tuple(float(size) for size in config["max_sizes"]),
                aspect_ratios=tuple(
                    tuple(float(ratio) for ratio in ratios) for ratios in config["aspect_ratios"]
                ),
                clip=bool(config.get("clip", True)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                "A configuration of prior boxes needs min_dim, and feature_maps, steps, min_sizes, "
                f"max_sizes and aspect_ratios with one entry a map; received {dict(config)!r} "
                f"({type(error).__name__}: {error})."
            ) from error
        per_map = (read.steps, read.min_sizes, read.max_sizes, read.aspect_ratios)
        maps = len(read.feature_maps)
        numbers = [*read.image_size, *(n for each in read.feature_maps for n in each)]
        numbers += [n for each in (*per_map[:3], *read.aspect_ratios) for n in each]
        if not maps or any(len(each) != maps for each in per_map) or min(numbers) <= 0:
            raise ValueError(
                "A configuration of prior boxes has numbers above zero, and as many steps, "
                "min_sizes, max_sizes and aspect_ratios as feature_maps; "
                f"received {dict(config)!r}."
            )
        return read

    @property
    def grids(self) -> list[tuple[int, int, int]]:
        """Rows, columns and priors a cell of each map."""
        return [
            (rows, columns, 2 + 2 * len(ratios))
            for (rows, columns), ratios in zip(self.feature_maps, self.aspect_ratios, strict=True)
        ]

    def boxes(self) -> np.ndarray:
        """(P, 4) float32: x_center, y_center, width, height as image fractions, in slot order."""
        picture = np.asarray(self.image_size[::-1], np.float64)
        parts = []
        for index, (rows, columns) in enumerate(self.feature_maps):
            small, large = self.min_sizes[index], self.max_sizes[index]
            sizes = [(small, small), (np.sqrt(small * large),) * 2]
            for root in np.sqrt(self.aspect_ratios[index]):
                sizes += [(small * root, small / root), (small / root, small * root)]
            y, x = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, indexing="ij")
            centre = np.stack([x, y], axis=-1)[:, :, None] * self.steps[index] / picture
            size = np.asarray(sizes) / picture
            shape = (rows, columns, len(sizes), 2)
            box = [np.broadcast_to(centre, shape), np.broadcast_to(size, shape)]
            parts.append(np.concatenate(box, axis=-1).reshape(-1, 4))
        boxes = np.concatenate(parts)
        return (np.clip(boxes, 0, 1) if self.clip else boxes).astype(np.float32)


SSD300 = PriorConfig.read(
    {
        "min_dim": 300,
        "feature_maps": [38, 19, 10, 5, 3, 1],
        "steps": [8, 16, 32, 64, 100, 300],
        "min_sizes": [30, 60, 111, 162, 213, 264],
        "max_sizes": [60, 111, 162, 213, 264, 315],
        "aspect_ratios": [[2], [2, 3], [2, 3], [2, 3], [2], [2]],
    }
)
"""The published 8,732 priors of SSD300 on VOC (ssd.pytorch, `data/config.py`)."""
