"""What the network of a loss ends in."""

from __future__ import annotations

import dataclasses

import numpy as np

SLOTS_A_CELL = 3
"""On every head, where anchors or priors do not say otherwise."""
# Most slots hold nothing: starting from there saves the first hundred steps.
RARE_OBJECT_LOGIT = -3.0


@dataclasses.dataclass(frozen=True)
class Head:
    """One grid of raw predictions.

    Attributes:
        stride: Side of a cell in pixels.
        bias: (channels,) float32 biases that the head starts with, one a channel of a cell.
        place_channels: Channels whose sigmoid is an x, and a y, in the whole picture, if any.
    """

    stride: int
    bias: np.ndarray
    place_channels: tuple[list[int], list[int]] | None = None


def slot_bias(channel_names: tuple[str, ...]) -> np.ndarray:
    """(channels,) float32: the biases that one slot starts with, an object being rare."""
    starts = {"objectness": RARE_OBJECT_LOGIT, "background": -RARE_OBJECT_LOGIT}
    return np.asarray([starts.get(name, 0.0) for name in channel_names], np.float32)
