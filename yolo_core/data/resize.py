"""Where a picture lies within what enters the network, and its boxes with it: exactly.

A picture is moved as one rectangle of whole pixels, which may reach beyond what enters. So its
boxes are moved by multiplying and adding, whatever was done to it: stretched, padded, scaled,
shifted, cropped or mirrored. Keras's preprocessing layers move boxes, too, but with TensorFlow,
which the Data page does without, and by random numbers that are no function of a sample's index.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image

PADDING = 128
"""Grey of what no picture covers."""

LEAST_SEEN = 0.4
"""An object is trained on while at least this share of its box's area can be seen."""


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where the whole picture lies within the width x height pixels that enter the network.

    Attributes:
        left: Pixels from the left edge of what enters; negative where the picture begins outside.
        top: Pixels from its upper edge.
        width: Pixels that the whole picture is wide, at least 1.
        height: Pixels that it is high, at least 1.
        mirrored: Whether left and right of the picture are exchanged.
    """

    left: int
    top: int
    width: int
    height: int
    mirrored: bool = False

    def move(self, edges: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Edges in pixels of the picture as edges in pixels of what enters the network.

        Args:
            edges: (n, 4) xmin, ymin, xmax, ymax.
            size: Width and height of the picture.

        Returns:
            (n, 4) float64, not cut.
        """
        x, y = edges[:, 0::2] / float(size[0]), edges[:, 1::2] / float(size[1])
        if self.mirrored:
            x = 1 - x[:, ::-1]
        moved = np.empty(edges.shape, np.float64)
        moved[:, 0::2] = self.left + x * self.width
        moved[:, 1::2] = self.top + y * self.height
        return moved

    def back(self, edges: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """The inverse of `move`."""
        x = (edges[:, 0::2] - self.left) / self.width
        y = (edges[:, 1::2] - self.top) / self.height
        if self.mirrored:
            x = 1 - x[:, ::-1]
        moved = np.empty(edges.shape, np.float64)
        moved[:, 0::2], moved[:, 1::2] = x * size[0], y * size[1]
        return moved

    def seen(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the part of the picture that enters.

        Args:
            size: Width and height of what enters the network.
        """
        right, bottom = self.left + self.width, self.top + self.height
        return max(self.left, 0), max(self.top, 0), min(right, size[0]), min(bottom, size[1])

    def part(self, picture: Image.Image, size: tuple[int, int]) -> Image.Image:
        """The pixels of the picture that enter: resized once, with antialiasing.

        Args:
            picture: The whole picture at any resolution, red, green and blue.
            size: Width and height of what enters the network.
        """
        left, top, right, bottom = self.seen(size)
        if left >= right or top >= bottom:
            return Image.new("RGB", (0, 0))
        across, down = picture.width / self.width, picture.height / self.height
        first, last = (left - self.left) * across, (right - self.left) * across
        if self.mirrored:
            first, last = picture.width - last, picture.width - first
        box = (
            *(max(first, 0.0), (top - self.top) * down),
            *(min(last, picture.width), min((bottom - self.top) * down, picture.height)),
        )
        part = picture.resize((right - left, bottom - top), Image.Resampling.BILINEAR, box=box)
        return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if self.mirrored else part

    def framed(self, part: Image.Image, size: tuple[int, int]) -> np.ndarray:
        """What enters the network: (height, width, 3) uint8, the part with padding around it."""
        if part.size == size:
            return np.asarray(part)
        left, top, _, _ = self.seen(size)
        canvas = np.full((size[1], size[0], 3), PADDING, np.uint8)
        canvas[top : top + part.height, left : left + part.width] = np.asarray(part)
        return canvas


def fitted(sizes: np.ndarray, size: tuple[int, int], fit: str) -> np.ndarray:
    """Where pictures lie that are stretched, or letterboxed: as large as fits, in the middle.

    Args:
        sizes: (n, 2) widths and heights in pixels.
        size: Width and height of what enters the network.
        fit: "stretch" or "letterbox".

    Returns:
        (n, 4) int64 left, top, width, height: fields of a `Placement`.
    """
    whole = np.asarray(size, np.int64)
    sizes = np.asarray(sizes, np.int64).reshape(-1, 2)
    if fit == "stretch":
        inside = np.broadcast_to(whole, sizes.shape)
    else:
        scale = (whole / sizes).min(axis=1, keepdims=True)
        inside = np.clip(np.rint(sizes * scale).astype(np.int64), 1, whole)
    return np.concatenate([(whole - inside) // 2, inside], axis=1)


def fitted_boxes(
    edges: np.ndarray, sizes: np.ndarray, size: tuple[int, int], fit: str
) -> np.ndarray:
    """Boxes of pictures of any sizes as the network gets them without augmentation.

    Args:
        edges: (n, 4) xmin, ymin, xmax, ymax in pixels of the picture of each box.
        sizes: (n, 2) width and height of that picture.
        size: Width and height of what enters the network.
        fit: "stretch" or "letterbox".

    Returns:
        (n, 4) float32 x_center, y_center, width, height as fractions of what enters.
    """
    places = fitted(sizes, size, fit)
    scale = np.tile(places[:, 2:] / np.asarray(sizes, np.float64).reshape(-1, 2), 2)
    return as_fractions(np.asarray(edges, np.float64) * scale + np.tile(places[:, :2], 2), size)


def cut(edges: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Cuts boxes to what enters the network.

    The rule: an object is trained on while at least `LEAST_SEEN` of its box's area can be seen,
    with its box cut to what is seen; of one that shows less nothing is left.

    Args:
        edges: (n, 4) xmin, ymin, xmax, ymax in pixels of what enters.
        size: Its width and height.

    Returns:
        (n, 4) edges of what can be seen, and (n,) bool, whether the object is kept.
    """
    low = np.clip(edges[:, :2], 0, size)
    high = np.clip(edges[:, 2:], 0, size)
    area = np.prod(edges[:, 2:] - edges[:, :2], axis=1)
    return np.concatenate([low, high], 1), np.prod(high - low, axis=1) >= LEAST_SEEN * area


def as_fractions(edges: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(n, 4) edges in pixels as float32 x_center, y_center, width, height as fractions."""
    low, high = edges[:, :2] / size, edges[:, 2:] / size
    return np.concatenate([(low + high) / 2, high - low], axis=1).astype(np.float32)
