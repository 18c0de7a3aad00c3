"""A picture file as the network takes it."""

from __future__ import annotations

import io
import resource
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dashboard.components.sandbox.source import _KINDS
from yolo_core.sandbox.picture import FORMATS, read_picture


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


def test_the_corners_of_a_large_photograph_stay_where_they_are() -> None:
    """A JPEG is unpacked smaller than it is: 3,000 x 2,000 here, with one white quarter."""
    photo = np.zeros((2000, 3000, 3), np.uint8)
    photo[:1000, :1500] = 255
    file = io.BytesIO()
    Image.fromarray(photo).save(file, format="JPEG")
    picture = read_picture(file, (96, 96, 1))[..., 0].astype(int)
    top, left = 16, 0  # 96 x 64 pixels on 96 x 96
    assert picture[top + 2 : top + 30, left + 2 : left + 46].min() > 250
    assert picture[top + 34 :].max() < 5
    assert picture[:, 50:].max() < 5


@pytest.mark.parametrize("kind", ["EPS", "PDF", "PPM", "TGA", "ICO"])
def test_a_picture_of_another_kind_is_refused_whatever_it_is_called(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow hands EPS to Ghostscript, which runs the program that it is."""
    path = tmp_path / "digit.png"
    Image.fromarray(np.full((32, 32, 3), 200, np.uint8)).save(path, format=kind)
    started: list[object] = []
    monkeypatch.setattr("subprocess.Popen", lambda *arguments, **_: started.append(arguments))
    with pytest.raises(
        ValueError, match="The file is no picture of PNG, JPEG, BMP, WEBP, GIF, TIF"
    ):
        read_picture(path, (96, 96, 1))
    assert not started


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_that_the_page_takes_is_read(kind: str, channels: int) -> None:
    file = io.BytesIO()
    Image.fromarray(np.full((40, 20, 3), 200, np.uint8)).save(file, format=kind)
    picture = read_picture(file, (96, 96, channels))
    assert abs(picture[:, 24:72].astype(int) - 200).max() <= 4
    assert picture[:, :24].max() == 0


def test_the_page_offers_the_kinds_that_are_read() -> None:
    registered = Image.registered_extensions()
    assert {registered[f".{kind}"] for kind in _KINDS} == {*FORMATS}


def test_a_picture_of_few_bytes_and_many_pixels_is_refused_before_it_is_unpacked() -> None:
    file = io.BytesIO()
    Image.new("1", (6000, 6000)).save(file, format="PNG")
    assert len(file.getvalue()) < 10_000
    begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        ValueError,
        match=r"has 6,000 x 6,000 pixels; at most 20,000,000 in all are read\. Save it smaller: "
        r"the network sees 64 x 96\.",
    ):
        read_picture(file, (96, 64, 1))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begin < 5_000  # kB; it is 36 MB


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(ValueError, match="picture"):
        read_picture(io.BytesIO(data), (96, 96, 1))


def test_half_a_picture_is_refused_in_a_sentence() -> None:
    whole = encoded(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)).getvalue()
    with pytest.raises(ValueError, match="picture"):
        read_picture(io.BytesIO(whole[: len(whole) // 2]), (96, 96, 1))
