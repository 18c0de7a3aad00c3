"""What the network of a loss ends in."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

COARSEST = 16
"""Pixels from one cell to the next on the coarsest grid where nothing else is said."""
STRIDES = (32, 16, 8)
"""Those that a head of this project's networks can have."""

SLOTS_A_CELL = 3
"""On every head, where anchors or priors do not say otherwise."""
# Most slots hold nothing: starting from there saves the first hundred steps.
RARE_OBJECT_LOGIT = -3.0


@dataclasses.dataclass(frozen=True)
class Head:
    """One grid of raw predictions.

    Attributes:
        stride: Side of a cell in pixels, one of `STRIDES`; see `grid_cells`.
        bias: (channels,) float32 biases that the head starts with, one a channel of a cell.
        place_channels: Channels whose sigmoid is an x, and a y, in the whole picture, if any.
    """

    stride: int
    bias: np.ndarray
    place_channels: tuple[list[int], list[int]] | None = None


def grid_cells(
    image_shape: Sequence[int], stride: int, coarsest: int = COARSEST
) -> tuple[int, int]:
    """Rows and columns of a head's grid, whose cells all cover the same share of the picture.

    Args:
        image_shape: (height, width, ...) of the picture in pixels.
        stride: The head's, one of `STRIDES`.
        coarsest: The largest of the network's heads. Where the picture is not a multiple of it (or
            of 16), the cells are as many as on the next larger one, and a little smaller.
    """
    whole = max(coarsest, COARSEST)
    rows, columns = (math.ceil(side / whole) for side in image_shape[:2])
    return rows * whole // stride, columns * whole // stride


def slot_bias(channel_names: tuple[str, ...]) -> np.ndarray:
    """(channels,) float32: the biases that one slot starts with, an object being rare."""
    starts = {"objectness": RARE_OBJECT_LOGIT, "background": -RARE_OBJECT_LOGIT}
    return np.asarray([starts.get(name, 0.0) for name in channel_names], np.float32)
