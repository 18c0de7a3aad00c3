"""A picture file as the network takes it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from yolo_core.sandbox.picture import read_picture


def encoded(array: np.ndarray) -> io.BytesIO:
    file = io.BytesIO()
    Image.fromarray(array).save(file, format="PNG")
    file.seek(0)
    return file


def test_a_tall_picture_is_scaled_to_fit_with_black_beside_it() -> None:
    picture = read_picture(encoded(np.full((40, 20), 200, np.uint8)), (96, 96, 1))
    assert picture.shape == (96, 96, 1)
    assert picture[:, :24].max() == 0
    assert picture[:, 24:72].min() == 200
    assert picture[:, 72:].max() == 0


def test_dark_on_light_is_turned_round() -> None:
    picture = read_picture(encoded(np.full((8, 8), 255, np.uint8)), (8, 8, 1), invert=True)
    assert picture.max() == 0


def test_colours_become_grey_or_stay_as_the_network_wants_it() -> None:
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 255
    assert read_picture(encoded(red), (4, 4, 3))[0, 0].tolist() == [255, 0, 0]
    assert read_picture(encoded(red), (4, 4, 1))[0, 0].tolist() == [76]  # 0.299 of 255


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(ValueError, match="picture"):
        read_picture(io.BytesIO(data), (96, 96, 1))


def test_half_a_picture_is_refused_in_a_sentence() -> None:
    whole = encoded(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)).getvalue()
    with pytest.raises(ValueError, match="picture"):
        read_picture(io.BytesIO(whole[: len(whole) // 2]), (96, 96, 1))
