"""Which data a page offers: what lies in the folders that the server was started with."""

import os
import zipfile
from pathlib import Path

import pytest

from dashboard.data_folders import VARIABLE, data_choices
from tests.dashboard.voc_set import make_voc


def choices(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> dict[str, str]:
    monkeypatch.setenv(VARIABLE, os.pathsep.join(map(str, folders)))
    return data_choices()


def test_without_a_folder_there_are_the_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert list(data_choices()) == ["digits"]


def test_each_kind_is_known_by_its_files(tmp_path: Path, monkeypatch) -> None:
    voc = make_voc(tmp_path / "one" / "pets")
    coco = tmp_path / "one" / "cars" / "annotations" / "train.json"
    yolo = tmp_path / "two" / "data.yaml"
    for file in (coco, yolo):
        file.parent.mkdir(parents=True)
        file.touch()
    found = choices(monkeypatch, tmp_path / "one", tmp_path / "two")
    assert found == {
        "digits": "digits, bundled",
        f"coco:{coco}": "coco: one/cars/annotations/train.json",
        f"voc:{voc}": "voc: one/pets",
        f"yolo:{yolo}": "yolo: two/data.yaml",
    }


def test_a_folder_that_is_a_data_set_itself(tmp_path: Path, monkeypatch) -> None:
    voc = make_voc(tmp_path / "pets")
    assert choices(monkeypatch, voc) == {"digits": "digits, bundled", f"voc:{voc}": "voc: pets"}


def test_what_is_not_there_is_left_out(tmp_path: Path, monkeypatch) -> None:
    assert list(choices(monkeypatch, tmp_path / "gone")) == ["digits"]


def test_archives_are_offered_by_what_is_in_them(tmp_path, monkeypatch) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    for name, entry in (
        ("a.zip", "Annotations/a.xml"),
        ("b.zip", "data.yaml"),
        ("c.zip", "x/instances.json"),
        ("d.zip", "readme.md"),
    ):
        with zipfile.ZipFile(inside / name, "w") as archive:
            archive.writestr(entry, "")
    (inside / "e.zip").write_bytes(b"PK")
    with zipfile.ZipFile(outside / "f.zip", "w") as archive:
        archive.writestr("a.xml", "")
    (inside / "f.zip").symlink_to(outside / "f.zip")
    monkeypatch.setenv(VARIABLE, str(inside))
    offered = [f"voc:{inside}/a.zip", f"yolo:{inside}/b.zip", f"coco:{inside}/c.zip"]
    assert list(data_choices()) == ["digits", *offered]
    # Looked at again when it was changed.
    with zipfile.ZipFile(inside / "d.zip", "a") as archive:
        archive.writestr("a.xml", "")
    os.utime(inside / "d.zip", (1, 1))
    assert f"voc:{inside}/d.zip" in data_choices()
