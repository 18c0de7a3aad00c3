"""Thousands of damaged annotations and pictures: a sentence or true boxes, never anything else.

Each begins as a file that is right, and is then cut, repeated, and strewn with what is hostile.
"""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from yolo_core.data.opening import open_data
from yolo_core.data.pictures import AnnotatedPictures
from yolo_core.data.pixels import read_head, read_pixels

WIDTH, HEIGHT = 96, 64
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
VOC = """<?xml version="1.0" encoding="utf-8"?>
<annotation><filename>a.png</filename><size><width>96</width><height>64</height></size>
<object><name>kite</name><difficult>0</difficult>
<bndbox><xmin>10</xmin><ymin>12</ymin><xmax>40.5</xmax><ymax>50</ymax></bndbox></object>
<object><name>boat</name>
<bndbox><ymax>60</ymax><xmax>90</xmax><xmin>50</xmin><ymin>30</ymin></bndbox></object>
</annotation>"""
COCO = json.dumps(
    {
        "images": [
            {"id": 1, "file_name": "a.png", "width": 96, "height": 64},
            {"id": 2, "file_name": "b.png", "width": 96, "height": 64},
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 12, 30.5, 38], "iscrowd": 0},
            {"id": 2, "image_id": 2, "category_id": 2, "bbox": [50, 30, 40, 30], "iscrowd": 0},
        ],
        "categories": [{"id": 1, "name": "kite"}, {"id": 2, "name": "boat"}],
    },
    indent=1,
)
YAML = "path: .\ntrain: images\nval: images\nnc: 2\nnames: [kite, boat]\n"
LABEL = "0 0.25 0.5 0.3 0.4\n1 0.7 0.6 0.25 0.5\n"
HOSTILE = [
    *("0", "-1", "1e308", "1e999", "-0.0", "NaN", "nan", "Infinity", "9" * 400, "0x10", "1_0", "٣"),
    *("", "null", "true", "[]", "{}", "[" * 60, "{" * 60, '"', "'", "\\", "\\ud800", "\0", "\x1b"),
    *("../", "../../../etc/passwd", "/etc/passwd", "C:\\", "b.png", "http://localhost/a.png"),
    *("<", ">", "</object>", "<object>", "<!--", "<![CDATA[", "&amp;", "&#10;", "&x;", "<a/>" * 40),
    '<!DOCTYPE annotation [<!ENTITY x "yyyyyyyyyy">]>',
    '<!DOCTYPE annotation [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    *(
        "\n",
        "\r",
        "\t",
        " ",
        ",",
        ":",
        "- ",
        "&a ",
        "*a",
        "!!python/object:os.system",
        "<<: ",
        "? ",
    ),
    *("{<<: *a}", "%YAML 9\n", "---\n", "utf-16", "rot13", "punycode", "é", "\ufeff", "\u2028"),
]
VALUES = [
    *("0", "-1", "-5.5", "7", "95.5", "100", "64", "33", "1", "2", "1.0", "0.5", "1e308", "-1e308"),
    *("1e999", "NaN", "-Infinity", "null", "true", "[]", "{}", '"10"', '"1"', "9" * 5000, "4e1"),
]


def changes_of(kinds: tuple[str, ...], words: list[str]) -> st.SearchStrategy:
    one = st.tuples(
        st.sampled_from(kinds), st.floats(0, 1), st.integers(1, 30), st.sampled_from(words)
    )
    return st.lists(one, min_size=1, max_size=4)


# Half of them keep the grammar of the format, for it is behind it that a box can come out wrong.
CHANGES = st.one_of(
    changes_of(("number",), VALUES),
    changes_of(("insert", "replace", "delete", "repeat", "cut", "number"), HOSTILE),
)
MANY = settings(
    max_examples=1000,
    deadline=timedelta(seconds=20),
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)


def changed(text: str, changes: list[tuple[str, float, int, str]]) -> str:
    for kind, place, length, word in changes:
        at = int(place * len(text))
        if kind == "number":
            numbers = list(NUMBER.finditer(text))
            if numbers:
                found = numbers[int(place * (len(numbers) - 1))]
                text = text[: found.start()] + word + text[found.end() :]
        elif kind == "cut":
            text = text[: at + 1]
        else:
            keep = {"insert": "", "replace": "", "delete": "", "repeat": text[at : at + length]}
            added = word if kind in ("insert", "replace") else keep[kind] * 2
            text = text[:at] + added + text[at + (0 if kind == "insert" else length) :]
    return text


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    for name in ("a", "b"):
        (folder / "images").mkdir(exist_ok=True)
        Image.new("RGB", (WIDTH, HEIGHT), (90, 120, 200)).save(folder / "images" / f"{name}.png")
    return folder


def is_told(error: ValueError) -> None:
    assert str(error).strip()


def opened(entry: str, folder: Path) -> AnnotatedPictures | None:
    """What is read, with all that must hold of it whatever was in the files; None if refused."""
    try:
        data = open_data(entry, pictures=None if entry.startswith("yolo") else folder / "images")
    except ValueError as error:
        is_told(error)
        return None
    assert set(data.files) <= {"images/a.png", "images/b.png"}
    assert data.files
    assert (data.sizes == (WIDTH, HEIGHT)).all()
    for edges in (data.box_edges, data.ignored_edges):
        assert np.isfinite(edges).all()
        assert (edges[:, :2] >= 0).all()
        assert (edges[:, 2:] <= (WIDTH, HEIGHT)).all()
        assert (edges[:, :2] < edges[:, 2:]).all()
    assert all(each and each == each.strip() for each in data.classes)
    return data


def near(value: float, stated: set[float]) -> bool:
    return any(abs(value - each) <= 1e-3 for each in stated)


def are_stated(data: AnnotatedPictures, horizontal: set[float], vertical: set[float]) -> None:
    """Every edge is a border of the picture, where it was cut, or one that the text states."""
    for xmin, ymin, xmax, ymax in data.box_edges.tolist():
        assert near(xmin, horizontal | {0.0}), (xmin, horizontal)
        assert near(ymin, vertical | {0.0}), (ymin, vertical)
        assert near(xmax, horizontal | {float(WIDTH)}), (xmax, horizontal)
        assert near(ymax, vertical | {float(HEIGHT)}), (ymax, vertical)


def numbers_in(text: str) -> list[float]:
    """Also those that begin inside a longer row of digits and signs, as a reader splits it."""
    return [float(each) for each in NUMBER.findall(text)]


@pytest.mark.slow
@MANY
@given(CHANGES)
def test_voc(place: Path, changes: list[tuple[str, float, int, str]]) -> None:
    text = changed(VOC, changes)
    write(place / "Annotations" / "a.xml", text)
    write(place / "Annotations" / "b.xml", VOC.replace("a.png", "b.png"))
    data = opened(f"voc:{place / 'Annotations'}", place)
    assert data is not None
    assert data.boxes("images/b.png") == [
        ("kite", 10.0, 12.0, 40.5, 50.0),
        ("boat", 50.0, 30.0, 90.0, 60.0),
    ]
    stated = {*numbers_in(text), *numbers_in(VOC)}
    are_stated(data, stated, stated)


@pytest.mark.slow
@MANY
@given(CHANGES)
def test_coco(place: Path, changes: list[tuple[str, float, int, str]]) -> None:
    text = changed(COCO, changes)
    write(place / "instances.json", text)
    data = opened(f"coco:{place / 'instances.json'}", place)
    if data is not None:
        stated = {each for each in numbers_in(text) if abs(each) < 1e6}
        sums = stated | {one + other for one in stated for other in stated}
        are_stated(data, sums, sums)


@pytest.mark.slow
@MANY
@given(CHANGES, st.booleans())
def test_yolo(place: Path, changes: list[tuple[str, float, int, str]], yaml: bool) -> None:
    label = LABEL if yaml else changed(LABEL, changes)
    write(place / "labels" / "a.txt", label)
    write(place / "labels" / "b.txt", LABEL)
    write(place / "data.yaml", changed(YAML, changes) if yaml else YAML)
    data = opened(f"yolo:{place / 'data.yaml'}", place)
    if not yaml:
        assert data is not None
        assert len(data.boxes("images/b.png")) == 2
    if data is not None:
        stated = {each for each in numbers_in(label + LABEL) if abs(each) < 1e6}
        ends = stated | {x + side * w / 2 for x in stated for w in stated for side in (-1, 1)}
        are_stated(data, {each * WIDTH for each in ends}, {each * HEIGHT for each in ends})


def picture_bytes() -> list[bytes]:
    """A small picture of each kind that is read, one of them turned."""
    values = np.random.default_rng(0).integers(0, 255, (16, 24, 3), np.uint8)
    picture, exif = Image.fromarray(values), Image.Exif()
    exif[0x0112] = 6
    kinds = (
        ("JPEG", {"exif": exif}),
        ("PNG", {"exif": exif}),
        ("WEBP", {}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("PPM", {}),
    )
    found = []
    for kind, options in kinds:
        file = io.BytesIO()
        picture.save(file, kind, **options)
        found.append(file.getvalue())
    return found


PICTURES = picture_bytes()
SPOTS = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from((0, 1, 2)), st.binary(min_size=1, max_size=4)),
    min_size=1,
    max_size=4,
)


@pytest.mark.slow
@MANY
@given(st.sampled_from(range(len(PICTURES))), SPOTS, st.booleans())
def test_pictures(
    place: Path, kind: int, spots: list[tuple[float, int, bytes]], early: bool
) -> None:
    data = PICTURES[kind]
    for where, how, word in spots:
        at = int(where * (min(len(data), 60) if early else len(data)))
        data = {
            0: data[:at] + word + data[at + len(word) :],
            1: data[:at] + word + data[at:],
            2: data[: max(at, 1)],
        }[how]
    path = place / "picture"
    path.write_bytes(data)
    try:
        head = read_head(path, thorough=True)
    except ValueError as error:
        is_told(error)
        return
    pixels = read_pixels(path)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (head.size[1], head.size[0], 3)
    assert read_head(path) == head
