"""Data in a ZIP: read as if it were unpacked, whatever else the archive holds."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dashboard.voc_set import make_voc
from tests.data.test_reader_fuzz import COCO, LABEL, YAML
from yolo_core.data import archives, open_data
from yolo_core.data.index import index_folder
from yolo_core.data.pictures import AnnotatedPictures


@pytest.fixture(autouse=True)
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DETECTOR_CHECKPOINTS", str(tmp_path / "checkpoints"))


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    return make_voc(tmp_path / "pets")


def zipped(folder: Path, file: Path, *, under: str = "") -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in sorted(folder.rglob("*")):
            if each.is_file():
                archive.write(each, f"{under}{each.relative_to(folder).as_posix()}")
    return file


def add(file: Path, entries: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(file, "a") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def assert_same(one: AnnotatedPictures, other: AnnotatedPictures) -> None:
    assert [Path(each).name for each in one.files] == [Path(each).name for each in other.files]
    assert one.classes == other.classes
    np.testing.assert_array_equal(one.box_edges, other.box_edges)
    np.testing.assert_array_equal(one.box_class, other.box_class)
    assert {name: len(files) for name, files in one.splits.items()} == {
        name: len(files) for name, files in other.splits.items()
    }
    for index in range(len(one.files)):
        np.testing.assert_array_equal(one.read_picture(index), other.read_picture(index))


def unpacked() -> list[str]:
    folder = index_folder() / "unpacked"
    return os.listdir(folder) if folder.is_dir() else []


@pytest.mark.parametrize("under", ["", "pets/", "VOCdevkit/VOC2007/"])
def test_voc_reads_as_its_folder_does(voc: Path, tmp_path: Path, under: str) -> None:
    archive = zipped(voc, tmp_path / "pets.zip", under=under)
    assert_same(open_data(f"voc:{archive}"), open_data(f"voc:{voc}"))


def test_coco_and_yolo_are_found_in_it(voc: Path, tmp_path: Path) -> None:
    picture = (voc / "JPEGImages" / "dog.png").read_bytes()
    coco = tmp_path / "coco.zip"
    add(coco, {"annotations/instances.json": COCO.encode(), "images/a.png": picture})
    assert open_data(f"coco:{coco}").files == ("images/a.png",)
    yolo = tmp_path / "yolo.zip"
    texts = {"data.yaml": YAML.encode(), "labels/a.txt": LABEL.encode(), "other.yaml": b"x: 1"}
    add(yolo, {**texts, "images/a.png": picture})
    assert open_data(f"yolo:{yolo}").boxes("images/a.png")[0][0] == "kite"


def test_it_is_unpacked_once_until_it_changes(voc: Path, tmp_path: Path) -> None:
    archive = zipped(voc, tmp_path / "pets.zip")
    open_data(f"voc:{archive}")
    (folder,) = unpacked()
    mark = index_folder() / "unpacked" / folder / "JPEGImages" / "dog.png"
    before = mark.stat().st_mtime_ns
    open_data(f"voc:{archive}")
    assert (unpacked(), mark.stat().st_mtime_ns) == ([folder], before)
    add(archive, {"Annotations/new.xml": b"<annotation/>"})
    os.utime(archive, (1, 1))
    told = open_data(f"voc:{archive}").problems
    assert len(unpacked()) == 2
    assert any("new.xml" in each.file for each in told)


def linked(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def test_no_name_leads_out_no_link_is_made_and_each_is_told(voc: Path, tmp_path: Path) -> None:
    archive = zipped(voc, tmp_path / "pets.zip")
    out = ["../out.png", "/tmp/out.png", "a/../../out.png", "..\\out.png", "C:\\out.png"]
    add(archive, dict.fromkeys(out, b"x"))
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(linked("JPEGImages/link.png"), "/etc/passwd")
    before = sorted(each for each in tmp_path.rglob("*") if "checkpoints" not in each.parts)
    data = open_data(f"voc:{archive}")
    assert len(data.files) == 4
    told = {each.where: each.about for each in data.problems if each.file == "pets.zip"}
    assert set(told) == {*out, "JPEGImages/link.png"}
    assert {told[name] for name in out} == {"its name leads out of the archive"}
    assert told["JPEGImages/link.png"] == "it is a link"
    after = sorted(each for each in tmp_path.rglob("*") if "checkpoints" not in each.parts)
    assert after == before
    assert not any(each.is_symlink() for each in index_folder().rglob("*"))


def test_what_no_reader_opens_is_not_taken(voc: Path, tmp_path: Path) -> None:
    archive = zipped(voc, tmp_path / "pets.zip")
    add(
        archive, {"run.py": b"x", "inner.zip": b"PK", ".hidden/a.png": b"x", "__MACOSX/a.png": b"x"}
    )
    assert_same(open_data(f"voc:{archive}"), open_data(f"voc:{voc}"))
    names = {each.name for each in index_folder().rglob("*")}
    assert not names & {"run.py", "inner.zip", ".hidden", "__MACOSX"}


def test_a_damaged_file_costs_itself(voc: Path, tmp_path: Path) -> None:
    archive = zipped(voc, tmp_path / "pets.zip")
    with zipfile.ZipFile(archive) as opened:
        entry = opened.getinfo("JPEGImages/dog.png")
    raw = bytearray(archive.read_bytes())
    # Behind the entry's own header of 30 bytes and its name.
    at = entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2
    raw[at] ^= 0xFF
    archive.write_bytes(raw)
    for _ in range(2):  # it is told again where it was unpacked before
        data = open_data(f"voc:{archive}")
        assert len(data.files) == 3
        assert ("JPEGImages/dog.png", "it is damaged") in {
            (each.where, each.about) for each in data.problems
        }


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SMALL", 100, "more than 1 times its own"),
        ("SPARED", 2**62, "bytes unpacked, and .* left"),
        ("MOST_DIRECTORY", 10, "the list of its files has"),
    ],
)
def test_what_is_too_large_is_refused_before_a_file_is_written(
    voc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: int, sentence: str
) -> None:
    archive = zipped(voc, tmp_path / "pets.zip")
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("zeros.txt", b"0" * 10**6)
    monkeypatch.setattr(archives, "MOST_TIMES", 1)
    monkeypatch.setattr(archives, name, value)
    with pytest.raises(ValueError, match=sentence):
        open_data(f"voc:{archive}")
    assert unpacked() == []


def test_a_large_file_of_it_costs_itself(
    voc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zipped(voc, tmp_path / "pets.zip")
    add(archive, {"JPEGImages/big.png": b"x" * 100_000})
    monkeypatch.setattr(archives, "MOST_ENTRY", 99_999)
    told = open_data(f"voc:{archive}").problems
    assert any("it has 100,000 bytes; at most 99,999" in each.about for each in told)


def test_a_locked_one_is_refused(voc: Path, tmp_path: Path) -> None:
    archive = zipped(voc, tmp_path / "pets.zip")
    raw = archive.read_bytes()
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        first = raw.index(mark)
        (flags,) = struct.unpack_from("<H", raw, first + at)
        raw = raw[: first + at] + struct.pack("<H", flags | 1) + raw[first + at + 2 :]
    archive.write_bytes(raw)
    with pytest.raises(ValueError, match="locked with a password"):
        open_data(f"voc:{archive}")


def test_stopping_leaves_nothing(voc: Path, tmp_path: Path) -> None:
    archive = zipped(voc, tmp_path / "pets.zip")

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt(f"{done} of {total}")

    with pytest.raises(KeyboardInterrupt):
        open_data(f"voc:{archive}", progress=stop)
    assert unpacked() == []


def test_what_a_killed_process_left_is_swept_up(voc: Path, tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = index_folder() / "unpacked" / f"abc.{dead.pid}.tmp"
    at_work = index_folder() / "unpacked" / f"abc.{os.getppid()}.tmp"
    for folder in (left, at_work):
        folder.mkdir(parents=True)
    open_data(f"voc:{zipped(voc, tmp_path / 'pets.zip')}")
    assert not left.exists()
    assert at_work.exists()


def test_several_that_can_be_meant_are_named(tmp_path: Path) -> None:
    archive = tmp_path / "coco.zip"
    add(archive, {"train.json": b"{}", "val.json": b"{}"})
    with pytest.raises(ValueError, match=r"it has train\.json, val\.json\. Unpack it, and open"):
        open_data(f"coco:{archive}")
    with pytest.raises(ValueError, match=r"one file \.yaml or \.yml of a data set; it has none"):
        open_data(f"yolo:{archive}")


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cuts=st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=6)), min_size=1, max_size=4),
    end=st.one_of(st.none(), st.integers(0, 10**6)),
)
def test_whatever_is_done_to_an_archive_a_sentence_or_true_boxes(
    tmp_path: Path, cuts: list[tuple[int, bytes]], end: int | None
) -> None:
    folder = tmp_path / "pets"
    if not folder.exists():
        make_voc(folder)
        zipped(folder, tmp_path / "pets.zip")
    raw = bytearray((tmp_path / "pets.zip").read_bytes())
    for at, content in cuts:
        at %= len(raw)
        raw[at : at + len(content)] = content
    file = tmp_path / "damaged.zip"
    file.write_bytes(raw if end is None else raw[: end % len(raw)])
    true = open_data(f"voc:{folder}").boxes("JPEGImages/pair.png")
    try:
        data = open_data(f"voc:{file}")
    except ValueError:
        return
    assert not any(each.is_symlink() for each in index_folder().rglob("*"))
    for index, name in enumerate(data.files):
        if Path(name).name == "pair.png" and not data.problems:
            assert data.boxes(name) == true
        data.read_picture(index)
