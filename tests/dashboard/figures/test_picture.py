"""The picture comes out pixel for pixel, and boxes as one broken line."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from dashboard.figures.picture import (
    box_lines,
    grid_lines,
    picture_axes,
    picture_uri,
    thumbnail_uri,
)


def decoded(uri: str, kind: str = "png") -> np.ndarray:
    head, _, data = uri.partition(",")
    assert head == f"data:image/{kind};base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.mark.parametrize(("size", "factor"), [((96, 96), 8), ((13, 20), 38), ((900, 800), 1)])
def test_every_pixel_is_repeated_and_none_is_blended(size: tuple[int, int], factor: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 1), np.uint8)
    large = decoded(picture_uri(image))
    assert large.shape == (size[0] * factor, size[1] * factor)
    assert np.array_equal(large, image[..., 0].repeat(factor, 0).repeat(factor, 1))


def test_colour_stays() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[1, 2] = [200, 100, 50]
    factor = 768 // 4
    assert decoded(picture_uri(image))[factor, 2 * factor].tolist() == [200, 100, 50]


@pytest.mark.parametrize(
    ("size", "small"), [((96, 96, 1), (96, 96)), ((400, 800, 3), (104, 208, 3))]
)
def test_a_thumbnail_is_small_and_looks_alike(
    size: tuple[int, ...], small: tuple[int, ...]
) -> None:
    image = np.full(size, 40, np.uint8)
    image[: size[0] // 2] = 200
    reduced = decoded(thumbnail_uri(image), "jpeg")
    assert reduced.shape == small
    assert reduced[small[0] // 4].mean() == pytest.approx(200, abs=3)
    assert reduced[-small[0] // 4].mean() == pytest.approx(40, abs=3)


def test_axes_are_in_pixels_with_y_downwards() -> None:
    picture, x_axis, y_axis = picture_axes("data:,", (10, 20))
    assert x_axis["range"] == [0, 20]
    assert (y_axis["range"], y_axis["scaleanchor"]) == ([10, 0], "x")
    assert [picture[name] for name in ("x", "y", "sizex", "sizey")] == [0, 0, 20, 10]


def test_two_boxes_are_one_line_with_a_break_after_each() -> None:
    x, y = box_lines(np.array([[0.5, 0.5, 0.5, 0.2], [0.1, 0.9, 0.2, 0.2]]), (10, 20))
    nan = np.nan
    np.testing.assert_allclose(x, [5, 15, 15, 5, 5, nan, 0, 4, 4, 0, 0, nan])
    np.testing.assert_allclose(y, [4, 4, 6, 6, 4, nan, 8, 8, 10, 10, 8, nan])


def test_no_boxes_are_no_points() -> None:
    x, y = box_lines(np.zeros((0, 4)), (10, 20))
    assert x.size == y.size == 0


def test_grid_of_two_rows_and_one_column() -> None:
    x, y = grid_lines(2, 1, (10, 20))
    assert x == [0, 0, None, 20, 20, None, 0, 20, None, 0, 20, None, 0, 20, None]
    assert y == [0, 10, None, 0, 10, None, 0, 0, None, 5, 5, None, 10, 10, None]
