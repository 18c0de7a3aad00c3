"""How Darknet puts a picture of any size into a network, and boxes back (`src/image.c`)."""

from __future__ import annotations

import numpy as np

BORDER = 0.5
"""What no picture covers."""


def inner_size(size: tuple[int, int], net: tuple[int, int]) -> tuple[int, int]:
    """Width and height of a picture of `size` within a network's `net`, cut to whole pixels."""
    (width, height), (across, down) = size, net
    if np.float32(across) / np.float32(width) < np.float32(down) / np.float32(height):
        return across, max(height * across // width, 1)
    return max(width * down // height, 1), down


def letterboxed(picture: np.ndarray, net: tuple[int, int]) -> np.ndarray:
    """A picture as large as fits, in the middle of grey.

    The program leaves the last row of some sizes black, where its float arithmetic ends up just
    above that row; here it is the picture's.

    Args:
        picture: (height, width, channels), 0 to 1.
        net: Width and height of what enters the network.

    Returns:
        (net height, net width, channels) float32.
    """
    height, width, channels = picture.shape
    across, down = inner_size((width, height), net)
    inner = np.asarray(picture, np.float32)
    for axis, places in ((1, across), (0, down)):
        inner = _resized(inner, places, axis)
    boxed = np.full((net[1], net[0], channels), BORDER, np.float32)
    left, top = (net[0] - across) // 2, (net[1] - down) // 2
    boxed[top : top + down, left : left + across] = inner
    return boxed


def to_picture(boxes: np.ndarray, size: tuple[int, int], net: tuple[int, int]) -> np.ndarray:
    """Boxes of what enters the network as boxes of the picture that was letterboxed, not cut.

    Args:
        boxes: (n, 4) x_center, y_center, width, height as fractions of what enters.
        size: Width and height of the picture.
        net: Width and height of what enters the network.

    Returns:
        (n, 4) float32 fractions of the picture. As in the program the border is halved exactly
        here, and cut to whole pixels in `letterboxed`.
    """
    whole, inner = np.array(net, np.float64), np.array(inner_size(size, net), np.float64)
    center = (boxes[:, :2] - (whole - inner) / 2 / whole) / (inner / whole)
    return np.hstack([center, boxes[:, 2:] * whole / inner]).astype(np.float32)


def _resized(values: np.ndarray, places: int, axis: int) -> np.ndarray:
    """Linear between neighbours along an axis, first on first and last on last."""
    last = values.shape[axis] - 1
    at = np.arange(places, dtype=np.float32) * np.float32(last / max(places - 1, 1))
    at[-1] = last
    low = np.minimum(at.astype(int), last)
    shape = [1, 1, 1]
    shape[axis] = places
    share = (at - low).reshape(shape)
    first, second = (values.take(each, axis) for each in (low, np.minimum(low + 1, last)))
    return (1 - share) * first + share * second
