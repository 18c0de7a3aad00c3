"""Bicubic resizing whose result is the same on every machine.

Image libraries round differently from release to release (Pillow 12 and 13 do), which can move the
edge of a box by a pixel.
"""

from __future__ import annotations

import functools

import numpy as np

WEIGHT_SUM = 1024


@functools.lru_cache(maxsize=4096)
def resampling(old: int, new: int) -> np.ndarray:
    """The matrix that resizes a line of pixels, by Keys's cubic (a = -1/2) with antialiasing.

    ``resampling(h, new_h) @ image @ resampling(w, new_w).T`` resizes a picture, to WEIGHT_SUM**2
    times its brightness; overshoot below 0 is left in. Of a picture of whole numbers it is exact,
    in whatever order the products are summed: they are whole numbers below 2**53.

    Args:
        old: Pixels of the line, 1 to 1000.
        new: Pixels that it shall have, 1 to 1000.

    Returns:
        (new, old) float64 whole numbers. A row adds up to WEIGHT_SUM, but for rounding.
    """
    # Distances of the pixel centres in units of 1 / q of the filter's width; all in integers.
    q = 2 * max(old, new)
    i, j = np.arange(old, dtype=np.int64), np.arange(new, dtype=np.int64)[:, None]
    d = np.abs((2 * i + 1) * new - (2 * j + 1) * old)
    near = 3 * d**3 - 5 * d**2 * q + 2 * q**3
    far = -(d**3) + 5 * d**2 * q - 8 * d * q**2 + 4 * q**3
    weights = np.where(d < q, near, np.where(d < 2 * q, far, 0))
    total = weights.sum(-1, keepdims=True)
    matrix = ((2 * WEIGHT_SUM * weights + total) // (2 * total)).astype(np.float64)
    matrix.flags.writeable = False  # It is shared.
    return matrix
