"""A picture file as the network takes it. No Keras in here."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MOST_PIXELS = 20_000_000
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")
"""Those that Pillow reads by itself: others are handed to programs that run what is in them."""


def read_picture(
    file: str | Path | IO[bytes], shape: tuple[int, int, int], *, invert: bool = False
) -> np.ndarray:
    """A picture file as the network takes it: scaled to fit, on black where it is not as wide.

    Args:
        file: A path or an open file, of one of `FORMATS`, whatever its name ends in.
        shape: (height, width, 1 or 3) of the network's pictures.
        invert: Makes dark ink on light paper the light ink on black of the digits.

    Returns:
        uint8 of that shape.

    Raises:
        ValueError: It is no picture of these formats, it is larger than `MOST_PIXELS`, or the
            network's pictures are neither grey nor red, green and blue.
    """
    height, width, channels = shape
    if channels not in (1, 3):
        raise ValueError(
            f"The network takes pictures of {channels} channels; a picture file has 1 or 3."
        )
    mode = "L" if channels == 1 else "RGB"
    try:
        with Image.open(file, formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise ValueError(
                    f"The picture has {opened.width:,} x {opened.height:,} pixels; at most "
                    f"{MOST_PIXELS:,} in all are read. Save it smaller: the network sees "
                    f"{width} x {height}."
                )
            # A JPEG is unpacked at the size that is needed, with some to spare.
            opened.draft(mode, (4 * width, 4 * height))
            picture = opened.convert(mode)
    except UnidentifiedImageError:
        raise ValueError(f"The file is no picture of {', '.join(FORMATS)}.") from None
    except ValueError:
        raise
    except Exception as error:  # a damaged one raises whatever its decoder trips over
        raise ValueError(f"The picture cannot be read: {error}.") from None
    scale = min(width / picture.width, height / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    fitted = picture.resize(size, Image.Resampling.BILINEAR)
    if invert:
        fitted = ImageOps.invert(fitted)
    canvas = Image.new(mode, (width, height))
    canvas.paste(fitted, ((width - size[0]) // 2, (height - size[1]) // 2))
    return np.asarray(canvas, np.uint8).reshape(shape)
