"""The rules of the readers, one by one, on data sets that fit in a few lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.data.test_reader_fuzz import COCO, LABEL, VOC, YAML
from yolo_core.data import open_data, pixels
from yolo_core.data.collector import NothingReadError, cut, number, same_boxes
from yolo_core.data.folders import PictureNames
from yolo_core.data.pictures import AnnotatedPictures
from yolo_core.data.pixels import Head, read_head, read_pixels
from yolo_core.data.yolo_txt import parse_line


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with two pictures, 96 x 64 pixels, in "images"."""
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    for name in ("a", "b"):
        Image.new("RGB", (96, 64), (90, 120, 200)).save(folder / "images" / f"{name}.png")
    return folder


def coco(place: Path, text: str = COCO) -> AnnotatedPictures:
    (place / "instances.json").write_text(text)
    return open_data(f"coco:{place / 'instances.json'}", pictures=place / "images")


def voc(place: Path, text: str, **options: Any) -> AnnotatedPictures:
    (place / "Annotations").mkdir(exist_ok=True)
    (place / "Annotations" / "a.xml").write_text(text)
    return open_data(f"voc:{place}", **options)


def yolo(place: Path, label: str = LABEL, yaml: str = YAML) -> AnnotatedPictures:
    (place / "labels").mkdir(exist_ok=True)
    (place / "labels" / "a.txt").write_text(label)
    (place / "labels" / "b.txt").write_text("")
    (place / "data.yaml").write_text(yaml)
    return open_data(f"yolo:{place / 'data.yaml'}")


def told(data: AnnotatedPictures) -> list[tuple[str, str]]:
    return [(each.where, each.effect) for each in data.problems]


@pytest.mark.parametrize(
    ("edges", "expected", "about"),
    [
        ((10, 10, 40, 40), (10, 10, 40, 40), ""),
        ((-0.9, 0, 96.9, 64), (0, 0, 96, 64), ""),
        ((-1, 0, 20, 64), (0, 0, 20, 64), "it runs 1 pixels out of the picture and was cut"),
        ((80, 50, 110, 70), (80, 50, 96, 64), "it runs 14 pixels out of the picture and was cut"),
        ((96, 0, 120, 64), None, "it is outside the picture, which is 96 x 64"),
        ((-20, 0, 0, 64), None, "it is outside the picture, which is 96 x 64"),
        ((5, 5, 5.01, 20), None, "it has no area"),
        ((95.99, 0, 99, 64), None, "it has no area inside the picture"),
    ],
)
def test_a_box_is_cut_to_its_picture(edges: Any, expected: Any, about: str) -> None:
    assert cut(edges, (96, 64)) == (expected, about)


def test_what_is_a_number() -> None:
    assert [number(each) for each in ("12", " 3.5\n", "5e1", 7, 2.5)] == [12, 3.5, 50, 7, 2.5]
    for each in ("1_0", "٣", "", "1,5", None, True, [1], 10**400):
        assert np.isnan(number(each))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_box_turns_with_its_picture(orientation: int, tmp_path: Path) -> None:
    values = np.zeros((20, 30, 3), np.uint8)
    values[2:7, 3:11] = 255  # the box 3, 2, 11, 7 of the stored picture
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(values).save(tmp_path / "a.png", exif=exif)
    head = read_head(tmp_path / "a.png")
    upright = read_pixels(tmp_path / "a.png")
    assert upright.shape[:2] == head.size[::-1]
    ys, xs = np.nonzero(upright[..., 0])
    assert head.upright((3, 2, 11, 7)) == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


def test_boxes_are_turned_where_the_file_states_the_size_before(place: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is at the right: x is 64 - y of the stored one
    Image.new("RGB", (96, 64)).save(place / "images" / "a.png", exif=exif)
    data = voc(place, VOC)
    assert data.sizes.tolist() == [[64, 96]]
    assert data.boxes("images/a.png")[0] == ("kite", 14.0, 10.0, 52.0, 40.5)
    unstated = VOC.replace("<width>96</width>", "").replace("ymax>60<", "ymax>40<")
    assert voc(place, unstated).boxes("images/a.png")[0] == ("kite", 10.0, 12.0, 40.5, 50.0)


def test_difficult_objects_are_kept_with_their_flag(place: Path) -> None:
    data = voc(place, VOC.replace("<difficult>0", "<difficult>1"))
    assert data.box_difficult.tolist() == [True, False]


def test_a_region_of_a_group_is_ignored_and_told(place: Path) -> None:
    data = coco(place, COCO.replace('"iscrowd": 0', '"iscrowd": 1', 1))
    assert data.boxes("images/a.png") == []
    assert data.files[data.ignored_picture[0]] == "images/a.png"
    assert data.ignored_edges.tolist() == [[10.0, 12.0, 40.5, 50.0]]
    assert told(data) == [("annotations[0]", "box set aside")]


def test_an_id_of_two_pictures_gives_neither_a_box(place: Path) -> None:
    with pytest.raises(NothingReadError, match="its id, 1, is that of a"):
        coco(place, COCO.replace('"id": 2,\n   "file_name"', '"id": 1,\n   "file_name"'))


def test_two_names_for_one_picture_give_boxes_to_the_first_alone(place: Path) -> None:
    data = coco(place, COCO.replace('"b.png"', '"other/a.png"'))
    assert data.boxes("images/a.png") == [("kite", 10.0, 12.0, 40.5, 50.0)]
    assert data.files == ("images/a.png",)
    assert ("images[1].file_name", "picture set aside") in told(data)


@pytest.mark.parametrize("name", ["../secret.png", "/{0}/secret.png", "images/../../secret.png"])
def test_no_name_leads_out_of_the_named_folders(name: str, place: Path) -> None:
    Image.new("RGB", (96, 64)).save(place.parent / "secret.png")
    data = coco(place, COCO.replace("b.png", name.format(place.parent)))
    assert data.files == ("images/a.png",)
    assert ("images[1].file_name", "picture set aside") in told(data)


def test_no_path_of_a_data_yaml_leads_out_of_its_folder(place: Path) -> None:
    Image.new("RGB", (96, 64)).save(place.parent / "secret.png")
    (place / "list.txt").write_text("images/a.png\n../secret.png\n")
    data = yolo(
        place,
        yaml=YAML.replace("val: images", "val: ..").replace("train: images", "train: list.txt"),
    )
    assert data.files == ("images/a.png", "images/b.png")  # ".." leads to the folder itself
    assert ("line 2", "picture set aside") in told(data)


LONG = "9" * 300
"""No file can have a name like this: asking for one is an error of the system."""


def test_names_too_long_for_any_file_are_told_like_others_that_are_not_there(place: Path) -> None:
    (place / "list.txt").write_text(f"images/a.png\n{LONG}.png\n")
    data = yolo(
        place,
        yaml=YAML.replace("val: images", f"val: {LONG}").replace(
            "train: images", "train: list.txt"
        ),
    )
    assert data.files == ("images/a.png",)
    assert {("val", "note"), ("line 2", "picture set aside")} <= set(told(data))
    data = coco(place, COCO.replace("b.png", f"{LONG}.png"))
    assert ("images[1].file_name", "picture set aside") in told(data)
    for entry in (f"voc:{place / LONG}", f"coco:{place / LONG}", f"yolo:{place / LONG}"):
        with pytest.raises(ValueError, match="does not exist"):
            open_data(entry)
    with pytest.raises(ValueError, match="is not there"):
        open_data(f"coco:{place / 'instances.json'}", pictures=place / LONG)


def test_a_link_out_of_the_folder_is_not_followed(place: Path) -> None:
    Image.new("RGB", (96, 64)).save(place.parent / "secret.png")
    os.symlink(place.parent / "secret.png", place / "images" / "c.png")
    os.symlink(place.parent, place / "images" / "up")
    os.symlink(place / "images", place / "images" / "again")
    data = yolo(place)
    assert data.files == ("images/a.png", "images/b.png")
    assert sorted(each.file for each in data.problems) == ["images/c.png", "images/up"]


def test_a_picture_replaced_by_a_link_is_not_opened(place: Path) -> None:
    data = yolo(place)
    Image.new("RGB", (96, 64)).save(place.parent / "secret.png")
    (place / "images" / "a.png").unlink()
    os.symlink(place.parent / "secret.png", place / "images" / "a.png")
    with pytest.raises(ValueError, match="leads out of the folder"):
        data.picture("images/a.png")


def test_a_picture_that_was_changed_is_told(place: Path) -> None:
    data = yolo(place)
    Image.new("RGB", (50, 40)).save(place / "images" / "a.png")
    with pytest.raises(ValueError, match=r"a.png is 50 x 40 pixels by now; .* 96 x 64"):
        data.picture("images/a.png")


def test_a_picture_too_large_is_set_aside(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "MOST_PIXELS", 96 * 64)
    Image.new("1", (97, 64)).save(place / "images" / "b.png")
    data = yolo(place)
    assert data.files == ("images/a.png",)
    (problem,) = data.problems
    assert problem.about == "a picture may have 6,144 pixels; it has 97 x 64"


def test_a_cut_picture_is_set_aside(place: Path) -> None:
    values = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    Image.fromarray(values).save(place / "images" / "b.png")
    whole = (place / "images" / "b.png").read_bytes()
    (place / "images" / "b.png").write_bytes(whole[: len(whole) // 2])
    data = yolo(place)
    assert data.files == ("images/a.png",)
    assert [(each.file, each.effect) for each in data.problems] == [
        ("images/b.png", "picture set aside")
    ]


@pytest.mark.parametrize(("brand", "kind"), [(b"heic", "HEIC"), (b"avif", "AVIF")])
def test_a_picture_of_a_phone_is_told_in_words(place: Path, brand: bytes, kind: str) -> None:
    start = b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1"
    (place / "images" / "b.png").unlink()
    (place / "images" / "b.heic").write_bytes(start)
    data = yolo(place)
    assert data.files == ("images/a.png",)
    (problem,) = data.problems
    assert (problem.file, problem.effect) == ("images/b.heic", "picture set aside")
    assert problem.about.startswith(f"it is a {kind} picture, as phones take them")
    # By what is in it, whatever it is called.
    with pytest.raises(ValueError, match=kind):
        read_pixels(start)


def test_class_names_that_look_alike_are_told(place: Path) -> None:
    data = yolo(place, yaml=YAML.replace("[kite, boat]", "[Kite, kite]"))
    assert data.classes == ("Kite", "kite")
    (problem,) = data.problems
    assert (problem.where, problem.effect) == ("classes", "note")
    assert "'Kite' and 'kite' differ in small and capital letters" in problem.about


def test_boxes_that_are_twice_in_a_picture_are_told_and_kept(place: Path) -> None:
    one, other = "0 0.5 0.5 0.25 0.5", "1 0.5 0.5 0.25 0.5"
    data = yolo(place, "\n".join([one, other, one, one, "0 0.5 0.5 0.25 0.25"]))
    assert len(data.boxes("images/a.png")) == 5
    (problem,) = data.problems
    assert (problem.file, problem.where, problem.effect) == ("images/a.png", "objects", "note")
    assert "2 of its boxes are others again" in problem.about
    assert problem.about.endswith("'kite' 36, 16, 60, 48")
    assert data.files[problem.picture] == "images/a.png"


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), max_size=30))
def test_same_boxes_by_counting(rows: list[tuple[int, int, int]]) -> None:
    rows = sorted(rows)
    picture, label, edge = np.array(rows, np.int32).reshape(-1, 3).T
    edges = np.column_stack([edge, edge, edge + 1, edge + 1]).astype(np.float32)
    found = {index: count for index, count, _ in same_boxes(picture, edges, label)}
    expected = {}
    for index in {each[0] for each in rows}:
        own = [each for each in rows if each[0] == index]
        if len({*own}) < len(own):
            expected[index] = len(own) - len({*own})
    assert found == expected


@pytest.mark.parametrize(
    "entities",
    [
        "".join(f'<!ENTITY a{k} "{f"&a{k - 1};" * 10}">' for k in range(1, 12)),
        '<!ENTITY a1 SYSTEM "file:///etc/hostname">',
    ],
)
def test_entities_are_not_read(entities: str, place: Path) -> None:
    body = VOC.partition("\n")[2].replace("kite", "&a1;")
    with pytest.raises(NothingReadError, match="declares entities"):
        voc(place, f'<!DOCTYPE annotation [<!ENTITY a0 "b">{entities}]>{body}')


def test_names_of_classes_are_never_truth_values_or_numbers(place: Path) -> None:
    data = yolo(place, yaml=YAML.replace("[kite, boat]", "[no, 1e3]"))
    assert data.classes == ("no", "1e3")


def test_a_line_of_key_points_is_the_box_before_them() -> None:
    words = ["0", "0.5", "0.5", "0.2", "0.2", "0.4", "0.4", "2"]
    assert parse_line(1, words, pose=3)[2] == pytest.approx((0.4, 0.4, 0.6, 0.6))
    assert parse_line(1, words) == (
        1,
        "it has 8 numbers; a box has 5, a polygon an odd number from 7 on",
    )


def test_a_picture_is_found_under_a_name_from_elsewhere_only_if_one_can_be_meant() -> None:
    names = PictureNames(["day/a.jpg", "night/a.jpg", "day/B.JPG", "c.2021.png"])
    assert names.find("day/a.jpg") == "day/a.jpg"
    assert names.find(r"C:\pics\day\a.jpg") == "day/a.jpg"
    assert names.find("a.jpg") is None
    assert names.find("b.png") == "day/B.JPG"
    assert names.find("c.2021") == "c.2021.png"
    assert names.find("c.2022") is None


def test_a_head_says_the_upright_size() -> None:
    assert Head((30, 20), 1).size == (30, 20)
    assert Head((30, 20), 8).size == (20, 30)
