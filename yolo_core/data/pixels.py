"""Pictures as they lie on disk: their size, which way is up, and their pixels in 8-bit colours.

A picture may be anybody's: of another kind than its name says, cut, or made to cost a lot. Whatever
Pillow trips over ends as a ValueError.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

MOST_PIXELS = 89_478_485
"""Pictures with more are refused: those of a quarter of a gigabyte, from which on Pillow warns."""

READ_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp"),
    *(".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pnm"),
)
SUFFIXES = (*READ_SUFFIXES, ".heic", ".heif", ".avif")
"""How the names of pictures end, the last three to tell that they are not read. What is in a file
is told by its first bytes alone."""

# Those that photographs and drawings come in; some others start programs to be read.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
# By the brand that an ISO media file begins with (ISO/IEC 23008-12, annex B).
_UNREAD = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), "HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
}
_MODES = (
    *("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"),
    *("I", "I;16", "I;16L", "I;16B", "I;16N"),
)
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclasses.dataclass(frozen=True)
class Head:
    """What is known of a picture without its pixels.

    Attributes:
        stored: Width and height in pixels as stored.
        orientation: Exif's number of how to turn it, 1 (upright already) to 8.
    """

    stored: tuple[int, int]
    orientation: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of the upright picture."""
        width, height = self.stored
        return (height, width) if self.orientation >= 5 else (width, height)

    def upright(self, edges: tuple[float, ...]) -> tuple[float, float, float, float]:
        """A box of the stored picture in the upright one.

        Args:
            edges: xmin, ymin, xmax, ymax in pixels of the stored picture.
        """
        xmin, ymin, xmax, ymax = edges
        width, height = self.stored
        if self.orientation in (2, 3, 7, 8):
            xmin, xmax = width - xmax, width - xmin
        if self.orientation in (3, 4, 6, 7):
            ymin, ymax = height - ymax, height - ymin
        if self.orientation >= 5:
            return ymin, xmin, ymax, xmax
        return xmin, ymin, xmax, ymax


def read_head(path: str | Path, *, thorough: bool = False) -> Head:
    """The size of a picture, which must be a whole one.

    Args:
        path: The file.
        thorough: Decode all of it. Else its end is looked at, and it is decoded where that does not
            show that it is whole.

    Raises:
        ValueError: It is no picture, damaged, larger than `MOST_PIXELS`, or cannot be read.
    """
    with _opened(path) as (file, image):
        if thorough or not _seems_whole(file, image):
            image.load()
        return Head(image.size, _orientation(image))


def read_pixels(path: str | Path | bytes) -> np.ndarray:
    """The upright picture.

    Args:
        path: The file, or what is in it.

    Returns:
        (height, width, 3) uint8. Transparency is left out, 16 bits are made 8.

    Raises:
        ValueError: As `read_head`.
    """
    with _opened(path) as (_, image):
        image.load()
        orientation = _orientation(image)
        upright = image.transpose(_UPRIGHT[orientation]) if orientation > 1 else image
        if not upright.mode.startswith("I"):
            return np.array(upright.convert("RGB"))
        grey = np.asarray(upright).clip(0, 65535)  # convert() makes white of all above 255
        if upright.mode != "I" or grey.max() > 255:
            grey = grey >> 8
        return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


@contextlib.contextmanager
def _opened(path: str | Path | bytes) -> Iterator[tuple[BinaryIO, Image.Image]]:
    try:
        with (
            io.BytesIO(path) if isinstance(path, bytes) else open(path, "rb") as file,
            Image.open(file, formats=_FORMATS) as image,
        ):
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise ValueError(_too_large(f"{width:,} x {height:,}"))
            if image.mode not in _MODES:
                raise ValueError(
                    f"its pixels are of Pillow's mode {image.mode}, which has no colours of 8 bits"
                )
            yield file, image
    except UnidentifiedImageError:
        raise ValueError(_what_else(path)) from None
    except Image.DecompressionBombError:
        raise ValueError(_too_large("twice as many or more")) from None
    except OSError as error:
        said = error.strerror or str(error)
        raise ValueError(
            "it is cut short" if "truncated" in said.lower() else f"it cannot be read: {said}"
        ) from None
    except Exception as error:
        # Whatever a damaged picture makes Pillow raise, the file is at fault.
        said = str(error).rstrip(".") or type(error).__name__
        raise error if type(error) is ValueError else ValueError(f"it is damaged: {said}") from None


def _what_else(path: str | Path | bytes) -> str:
    """What a file is that Pillow knows no picture in."""
    with io.BytesIO(path) if isinstance(path, bytes) else open(path, "rb") as file:
        start = file.read(12)
    if not start:
        return "it is empty"
    kind = _UNREAD.get(start[8:12]) if start[4:8] == b"ftyp" else None
    if kind is not None:
        return f"it is a {kind} picture, as phones take them, which is not read: save it as JPEG"
    return "it is no picture that can be read (JPEG, PNG, WebP, BMP, GIF, TIFF, PPM)"


def _too_large(received: str) -> str:
    return f"a picture may have {MOST_PIXELS:,} pixels; it has {received}"


def _seems_whole(file: BinaryIO, image: Image.Image) -> bool:
    """Whether a picture's end is where it should be. Of few kinds is that known."""
    here = file.tell()
    try:
        length = file.seek(0, os.SEEK_END)
        file.seek(-min(length, 12), os.SEEK_END)
        end = file.read()
        if image.format in ("JPEG", "MPO"):
            return end.endswith(b"\xff\xd9")
        if image.format == "PNG":
            file.seek(0)
            # Which way is up may be written behind the pixels, where Pillow sees it last.
            late = any(word in file.read() for word in (b"eXIf", b"tiff:Orientation"))
            return end == _PNG_END and not late
        if image.format == "WEBP":
            file.seek(4)
            return int.from_bytes(file.read(4), "little") + 8 <= length
        return False
    finally:
        file.seek(here)


def _orientation(image: Image.Image) -> int:
    try:
        if image.format == "PNG" and not image.info.keys() & {"exif", "xmp", "XML:com.adobe.xmp"}:
            return 1  # Pillow would decode it all to look behind the pixels
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1  # a damaged entry turns nothing, whatever Pillow says to it
    return found if found in _UPRIGHT else 1
