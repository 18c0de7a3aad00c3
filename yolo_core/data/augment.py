"""Random changes of training pictures, each a pure function of random words.

Every change has words of its own, so that switching one off leaves the others what they were.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
from PIL import Image

from yolo_core.data.resize import PADDING, Placement

WORDS = 12
"""Random words that a sample takes."""

LEAST_SIDE = 0.6
"""A crop's sides as shares of what enters the network, at least; one picture in two is cropped."""
MOST_SCALE = 1.25
"""Pictures get up to that much larger or smaller."""
MOST_SHIFT = 0.1
"""Pictures are shifted by up to that share of what enters, to any side."""
MOST_TURN = math.radians(12)
"""Hues turn by up to that angle."""
MOST_COLOUR = {"saturation": 0.4, "brightness": 0.25, "contrast": 0.25}
"""Factors lie within 1 - value and 1 + value."""
DETAIL = 1.5
"""Resolution that pictures are kept at for scaling and cropping, of what they enter with."""

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
_AXIS = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)


def placed(
    fit: Placement, size: tuple[int, int], words: Sequence[int], changes: Collection[str]
) -> Placement:
    """Moves a picture: "crop", then "scale" (and shift), then "flip", those that are wanted.

    Args:
        fit: Where the picture lies unchanged.
        size: Width and height of what enters the network.
        words: `WORDS` random words, 0 to 2**64 - 1.
        changes: Words of `config.AUGMENTATIONS`.
    """
    flip, crop, side, *places, scale, shift_x, shift_y = map(_share, words[:8])
    low = np.array([fit.left, fit.top], np.float64)
    extent = np.array([fit.width, fit.height], np.float64)
    whole = np.array(size, np.float64)
    if "crop" in changes and crop < 0.5:
        # A window of the shape of what enters, so that nothing is squeezed. It lies in the picture,
        # or, where that is narrower, around it.
        factor = LEAST_SIDE + (1 - LEAST_SIDE) * side
        corner = low + (extent - factor * whole) * np.array(places)
        low, extent = (low - corner) / factor, extent / factor
    if "scale" in changes:
        factor = MOST_SCALE ** (2 * scale - 1)
        shift = MOST_SHIFT * (2 * np.array([shift_x, shift_y]) - 1)
        low = (low - whole / 2) * factor + whole * (0.5 + shift)
        extent = extent * factor
    left, top = np.rint(low).astype(int).tolist()
    right, bottom = np.rint(low + extent).astype(int).tolist()
    mirrored = "flip" in changes and flip < 0.5
    return Placement(left, top, max(right - left, 1), max(bottom - top, 1), mirrored)


def coloured(picture: Image.Image, words: Sequence[int]) -> Image.Image:
    """Another light: hue, saturation, brightness and contrast as one matrix of the colours.

    Args:
        picture: In red, green and blue.
        words: `WORDS` random words; those that `placed` does not read.
    """
    turn, *shares = (2 * _share(word) - 1 for word in words[8:WORDS])
    saturation, brightness, contrast = (
        1 + most * share for most, share in zip(MOST_COLOUR.values(), shares, strict=True)
    )
    angle = MOST_TURN * turn
    hue = np.full((3, 3), (1 - math.cos(angle)) / 3) + math.cos(angle) * np.eye(3)
    hue += math.sin(angle) * _AXIS
    grey = np.tile(LUMA, (3, 1))
    colours = (saturation * np.eye(3) + (1 - saturation) * grey) @ hue * contrast * brightness
    offset = np.full((3, 1), (1 - contrast) * PADDING * brightness)
    return picture.convert("RGB", tuple(np.hstack([colours, offset]).ravel().tolist()))


def _share(word: int) -> float:
    """A random word as 0 to 1, 1 excluded."""
    return (int(word) >> 11) * 2.0**-53
