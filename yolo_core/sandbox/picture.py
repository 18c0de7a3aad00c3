"""A picture file as the network takes it. No Keras in here."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

MOST_PIXELS = 40_000_000


def read_picture(
    file: str | Path | IO[bytes], shape: tuple[int, int, int], *, invert: bool = False
) -> np.ndarray:
    """A picture file as the network takes it: scaled to fit, on black where it is not as wide.

    Args:
        file: A path or an open file, of any kind that Pillow reads.
        shape: (height, width, 1 or 3) of the network's pictures.
        invert: Makes dark ink on light paper the light ink on black of the digits.

    Returns:
        uint8 of that shape.

    Raises:
        ValueError: It is no picture, it is larger than 40 million pixels, or the network's
            pictures are neither grey nor red, green and blue.
    """
    if shape[2] not in (1, 3):
        raise ValueError(
            f"The network takes pictures of {shape[2]} channels; a picture file has 1 or 3."
        )
    try:
        with Image.open(file) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise ValueError(
                    f"The picture has {opened.width} x {opened.height} pixels; at most "
                    f"{MOST_PIXELS:,} are read."
                )
            picture = opened.convert("L" if shape[2] == 1 else "RGB")
    except UnidentifiedImageError:
        raise ValueError("The file is no picture of a kind that can be read.") from None
    except (OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"The picture cannot be read: {error}.") from None
    array = np.asarray(picture)
    if invert:
        picture = Image.fromarray(255 - array)
    height, width = shape[:2]
    scale = min(width / picture.width, height / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    fitted = picture.resize(size, Image.Resampling.BILINEAR)
    canvas = Image.new(picture.mode, (width, height))
    canvas.paste(fitted, ((width - size[0]) // 2, (height - size[1]) // 2))
    return np.asarray(canvas, np.uint8).reshape(shape)
