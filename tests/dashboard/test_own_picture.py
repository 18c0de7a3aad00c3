"""A picture of one's own on the Evaluate page."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard.components.evaluate import own_picture
from tests.dashboard.compare_page import add_run
from tests.dashboard.page import assert_sound, opener, plots, table_with, words
from tests.survey.made_up import add_checkpoint
from tests.test_detect import Answers
from yolo_core.data.pixels import read_pixels
from yolo_core.runs.layout import RunFolder

open_page = opener("evaluate")


@pytest.fixture
def looks(add_finished: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A run whose network finds a box in the middle and one in the padding; who asked for it."""
    add_checkpoint(RunFolder(Path(add_finished("one"))))
    asked = []

    def detector(_: Path, checkpoint: Path) -> tuple[Answers, tuple[str, str]]:
        asked.append(checkpoint)
        return Answers(channels=1), ("<a>", "b")

    monkeypatch.setattr(own_picture, "cached_detector", detector)
    monkeypatch.setattr(own_picture, "tensorflow_turn", contextlib.nullcontext)
    return asked


def picture(width: int, height: int, kind: str = "JPEG", **how: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "#888888").save(buffer, kind, **how)
    return buffer.getvalue()


def upload(page: AppTest, data: bytes, name: str = "mine.jpg") -> AppTest:
    page.file_uploader[0].upload(name, data, "image/jpeg").run()
    return page


def test_nothing_uploaded_says_what_to_do(looks: list[Path]) -> None:
    page = open_page()
    assert_sound(page)
    assert "Choose a picture" in words(page)
    assert not looks


def test_what_is_found_is_in_pixels_of_the_picture(looks: list[Path]) -> None:
    page = upload(open_page(), picture(200, 100), "<i>*mine*.jpg")
    assert_sound(page)
    assert len(looks) == 1
    # Digit scenes keep their shape: of 64 x 64 the picture has 64 x 32, the corner box nothing.
    table = table_with(page, "class", "score")
    assert table.map(lambda word: word.replace("\\", "")).to_numpy().tolist() == [
        ["b", "0.60", "50.0", "0.0", "150.0", "100.0"]
    ]
    assert "1 detection from a score of 0.30 on" in words(page)
    assert "<i>*mine*.jpg as it stands upright, 200 x 100" in words(page)
    (figure,) = (each for key, each in plots(page).items() if "own picture" in key)
    labels = [word for trace in figure["data"] for word in trace.get("text", [])]
    assert labels == ["<b>b 0.60</b>"]
    assert figure["layout"]["xaxis"]["range"] == [0, 200]


@pytest.mark.usefixtures("looks")
def test_a_turned_photograph_is_shown_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    page = upload(open_page(), picture(200, 100, exif=exif))
    assert_sound(page)
    assert "upright, 100 x 200" in words(page)
    # 32 x 64 of 64 x 64: the middle box is as wide as the picture, the corner one in it.
    assert table_with(page, "class", "score").iloc[:, 2:].to_numpy().tolist() == [
        ["40.0", "0.0", "60.0", "20.0"],
        ["0.0", "50.0", "100.0", "150.0"],
    ]


@pytest.mark.usefixtures("looks")
def test_a_large_one_is_shown_smaller_and_measured_whole() -> None:
    page = upload(open_page(), picture(2200, 1100))
    (figure,) = (each for key, each in plots(page).items() if "own picture" in key)
    assert figure["layout"]["xaxis"]["range"] == [0, 1100]
    x = [trace["x"] for trace in figure["data"] if trace["mode"] == "lines"][-1]
    numbers = np.frombuffer(base64.b64decode(x["bdata"]), x["dtype"])
    assert numbers[:2].tolist() == [275, 825]
    assert table_with(page, "class", "score").iloc[0, 2] == "550.0"


def test_the_file_holds_what_is_shown(looks: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    monkeypatch.setattr(st, "download_button", lambda _, data, *__, **___: given.append(data))
    page = upload(open_page(), picture(200, 100), "mine.png")
    assert json.loads(given[-1]) == [
        {"file": "mine.png", "width": 200, "height": 100}
        | {"detections": [{"class": "b", "score": 0.6, "box": [50.0, 0.0, 150.0, 100.0]}]}
    ]
    page.slider[0].set_value(0.7).run()
    assert json.loads(given[-1])[0]["detections"] == []
    assert len(looks) == 1


def test_moving_the_threshold_computes_nothing(looks: list[Path]) -> None:
    page = upload(open_page(), picture(200, 100))
    page.slider[0].set_value(0.61).run()
    assert_sound(page)
    assert "0 detections from a score of 0.61 on, and 1 less sure left out, up to 0.60" in words(
        page
    ).replace("*", "")
    assert len(looks) == 1
    upload(page, picture(64, 64))
    assert len(looks) == 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "mine.jpg: it is empty."),
        (b"no picture", "mine.jpg: it is no picture that can be read"),
        (picture(200, 100)[:400], "mine.jpg: it is"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "mine.jpg: it is no picture"),
    ],
    ids=["empty", "words", "cut", "a program"],
)
def test_a_broken_file_ends_in_a_sentence(looks: list[Path], data: bytes, said: str) -> None:
    page = upload(open_page(), data)
    assert_sound(page)
    assert said in words(page)
    assert not looks


def test_too_large_a_picture_is_refused(looks: list[Path]) -> None:
    data = b"\x89PNG\r\n\x1a\n"
    head = struct.pack(">IIBBBBB", 9_500, 9_500, 8, 2, 0, 0, 0)
    for chunk in (b"IHDR" + head, b"IDAT" + zlib.compress(b"")):
        data += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    page = upload(open_page(), data)
    assert_sound(page)
    assert "a picture may have 89,478,485 pixels; it has 9,500 x 9,500" in words(page)
    assert not looks


def test_a_loss_of_ones_own_is_asked_for_on_the_command_line(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_picture, "cached_detector", None)
    add_checkpoint(RunFolder(checkpoints / add_run(checkpoints, "mine", own="/tmp/x.py:Mine").name))
    page = open_page(run="mine")
    assert_sound(page)
    assert "a loss of your own, whose file this page never loads" in words(page)
    assert "python -m yolo_core detect mine PICTURE --draw FOLDER" in page.code[0].value
    assert not page.file_uploader


def test_pixels_are_those_of_the_file(tmp_path: Path) -> None:
    data = picture(30, 20, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    assert np.array_equal(read_pixels(data), read_pixels(path))
