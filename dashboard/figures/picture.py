"""The picture under a figure, and many boxes as one line."""

from __future__ import annotations

import base64
import functools
import io
from typing import Any

import numpy as np
from PIL import Image

SHARP_SIDE = 768
"""Pixels up to which a small picture is enlarged along its longer side."""
MOST_SIDE = 1600
"""Pixels that a picture has at most along its longer side; a larger one is made smaller."""
THUMBNAIL_SIDE = 208
"""Pixels that a thumbnail has at most along its longer side."""


def picture_uri(image: np.ndarray) -> str:
    """A picture as a PNG data URI, small ones with every pixel repeated, so that none is blurred.

    Args:
        image: (height, width, channels) uint8.
    """
    return _png(image.tobytes(), image.shape)


def thumbnail_uri(image: np.ndarray) -> str:
    """A small JPEG of a picture as a data URI: there to find one's way, under a map.

    Args:
        image: (height, width, channels) uint8.
    """
    return _jpeg(image.tobytes(), image.shape)


# Drawn again for every click; encoding a photograph takes longer than all the rest.
@functools.lru_cache(maxsize=16)
def _png(data: bytes, shape: tuple[int, int, int]) -> str:
    picture = as_picture(np.frombuffer(data, np.uint8).reshape(shape))
    if max(picture.size) > MOST_SIDE:  # more than a window shows, and the browser would wait for it
        picture.thumbnail((MOST_SIDE, MOST_SIDE))
        return _uri(picture, "PNG")
    factor = max(1, SHARP_SIDE // max(picture.size))
    size = (picture.width * factor, picture.height * factor)
    return _uri(picture.resize(size, Image.Resampling.NEAREST), "PNG")


@functools.lru_cache(maxsize=16)
def _jpeg(data: bytes, shape: tuple[int, int, int]) -> str:
    picture = as_picture(np.frombuffer(data, np.uint8).reshape(shape))
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return _uri(picture, "JPEG")


def as_picture(image: np.ndarray) -> Image.Image:
    """What can be shown of (height, width, channels) uint8: red, green and blue, or grey.

    Of more than three channels the first three are taken, of two the first.
    """
    return Image.fromarray(image[..., :3] if image.shape[-1] >= 3 else image[..., 0])


def _uri(picture: Image.Image, kind: str) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind)
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/{kind.lower()};base64,{encoded}"


def picture_axes(
    uri: str, shape: tuple[int, int], *, tile: int = 1
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A picture of the layout, and the two axes that it fills.

    Args:
        uri: What `picture_uri` or `thumbnail_uri` gives.
        shape: Height and width of the picture in pixels.
        tile: Number of the pair of axes, from 1.
    """
    height, width = shape
    axes = tile_axes(tile)
    picture = {
        "source": uri,
        "xref": axes["xaxis"],
        "yref": axes["yaxis"],
        "x": 0,
        "y": 0,
        "sizex": width,
        "sizey": height,
        "sizing": "stretch",
        "layer": "below",
    }
    bare = {
        "showgrid": False,
        "zeroline": False,
        "showticklabels": False,
        "ticks": "",
        "automargin": False,
        "constrain": "domain",
    }
    y_axis = {"range": [height, 0], "scaleanchor": axes["xaxis"], **bare}
    return picture, {"range": [0, width], **bare}, y_axis


def tile_axes(tile: int) -> dict[str, str]:
    """What a trace says to lie on a pair of axes, numbered from 1: {"xaxis": "x2", ...}."""
    number = "" if tile == 1 else str(tile)
    return {"xaxis": f"x{number}", "yaxis": f"y{number}"}


def cell_places(rows: int, columns: int, shape: tuple[int, int]) -> dict[str, float]:
    """Where a heatmap of a grid lies over a picture of (height, width) pixels."""
    height, width = shape[0] / rows, shape[1] / columns
    return {"x0": width / 2, "dx": width, "y0": height / 2, "dy": height}


def box_lines(boxes: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Outlines of many boxes as one line that is broken between them.

    One trace with breaks is quick to draw (845 boxes: 39 ms; as layout shapes 169 ms).

    Args:
        boxes: (n, 4) x_center, y_center, width, height as image fractions.
        shape: Height and width of the picture in pixels.

    Returns:
        x and y in pixels, (6 n,) float32 each: five corners and a NaN a box.
    """
    height, width = shape
    center, size = np.hsplit(np.asarray(boxes, np.float64).reshape(-1, 4), 2)
    left, top = ((center - size / 2) * [width, height]).T
    right, bottom = ((center + size / 2) * [width, height]).T
    nothing = np.full(len(left), np.nan)
    x = np.stack([left, right, right, left, left, nothing], axis=1)
    y = np.stack([top, top, bottom, bottom, top, nothing], axis=1)
    return x.reshape(-1).astype(np.float32), y.reshape(-1).astype(np.float32)


def grid_lines(
    rows: int, columns: int, shape: tuple[int, int]
) -> tuple[list[float | None], list[float | None]]:
    """The lines of a grid over the whole picture as one line that is broken between them.

    Args:
        rows: Grid rows.
        columns: Grid columns.
        shape: Height and width of the picture in pixels.

    Returns:
        x and y in pixels.
    """
    height, width = shape
    x: list[float | None] = []
    y: list[float | None] = []
    for k in range(columns + 1):
        x += [k * width / columns, k * width / columns, None]
        y += [0, height, None]
    for k in range(rows + 1):
        x += [0, width, None]
        y += [k * height / rows, k * height / rows, None]
    return x, y
