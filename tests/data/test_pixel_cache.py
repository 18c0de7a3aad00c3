"""Decoded pictures on disk: the same pixels, within bounds, whatever happens to the files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.made_pictures import CLASSES
from yolo_core.data.config import DataConfig
from yolo_core.data.picture_source import PictureSource
from yolo_core.data.pictures import AnnotatedPictures
from yolo_core.data.pixel_cache import PixelCache

NONE = np.zeros(0, np.int32)
SIZE = (40, 30)
BYTES = 40 * 30 * 3 + 4


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "p.png"
    path.write_bytes(b"one")
    return path


def pixels_of(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (30, 40, 3), np.uint8)


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_was_kept_is_there_for_every_process(tmp_path, file) -> None:
    cache = PixelCache(tmp_path / "kept", 1)
    key = cache.key(file, SIZE)
    assert cache.get(key, SIZE) is None
    cache.put(key, pixels_of(0))
    for one in (cache, PixelCache(tmp_path / "kept", 1)):
        np.testing.assert_array_equal(one.get(key, SIZE), pixels_of(0))


def test_a_file_that_changes_and_another_size_are_another_picture(tmp_path, file) -> None:
    cache = PixelCache(tmp_path, 1)
    keys = {cache.key(file, SIZE), cache.key(file, (30, 40))}
    file.write_bytes(b"other")
    keys.add(cache.key(file, SIZE))
    os.utime(file, ns=(0, 0))
    keys.add(cache.key(file, SIZE))
    assert len(keys) == 4
    assert cache.key(tmp_path / "gone", SIZE) is None


@pytest.mark.parametrize("how", ["cut", "changed", "empty", "folder"])
def test_a_damaged_file_is_none(tmp_path, file, how) -> None:
    cache = PixelCache(tmp_path / "kept", 1)
    key = cache.key(file, SIZE)
    cache.put(key, pixels_of(0))
    (kept,) = files_in(tmp_path / "kept")
    data = kept.read_bytes()
    if how == "folder":
        kept.unlink()
        kept.mkdir()
    else:
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        kept.write_bytes({"cut": data[:-9], "changed": flipped, "empty": b""}[how])
    assert cache.get(key, SIZE) is None


def test_it_stays_within_its_bound_and_keeps_what_it_has(tmp_path) -> None:
    cache = PixelCache(tmp_path, 1)  # room for 277 pictures of 3,604 bytes
    for number in range(400):
        cache.put(f"{number:032x}", pixels_of(number))
    count = len(files_in(tmp_path))
    assert 1_000_000 * 14 / 16 <= count * BYTES <= 1_000_000
    # The first ones are there: an epoch later they are wanted again.
    assert all(cache.get(f"{number:032x}", SIZE) is not None for number in range(count))


def test_what_nobody_uses_makes_room_the_longest_unused_first(tmp_path) -> None:
    before = PixelCache(tmp_path, 1)
    for number in range(240):
        before.put(f"{number:032x}", pixels_of(number))
    ago = time.time() - 1000
    for path in files_in(tmp_path):
        os.utime(path, (ago + int(path.stem, 16), ago + int(path.stem, 16)))
    now = PixelCache(tmp_path, 1)
    assert now.get(f"{0:032x}", SIZE) is not None  # in use from here on
    for number in range(1000, 1100):
        now.put(f"{number:032x}", pixels_of(number))
    there = {int(path.stem, 16) for path in files_in(tmp_path)}
    assert len(there) * BYTES <= 1_000_000
    assert {0, *range(1000, 1100), 239} <= there
    assert 1 not in there


def test_no_space_means_none_and_a_full_disk_is_no_error(tmp_path, caplog) -> None:
    PixelCache(tmp_path / "none", 0).put("a" * 32, pixels_of(0))
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").touch()
    cache = PixelCache(tmp_path / "file", 1)
    for number in range(3):
        cache.put(f"{number:032x}", pixels_of(number))
    assert [record.getMessage()[:36] for record in caplog.records] == [
        "Decoded pictures are no longer kept:"
    ]


@pytest.mark.parametrize("changes", [{"augment": "off"}, {"augment": "scale", "fit": "letterbox"}])
def test_samples_are_the_same_with_and_without_it(tmp_path, changes) -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    Image.fromarray(photograph).save(tmp_path / "p.png")
    calls = []

    def read(index: int) -> np.ndarray:
        calls.append(index)
        return np.asarray(Image.open(tmp_path / "p.png"))

    data = AnnotatedPictures(
        *("voc:x", tmp_path, CLASSES, ("p.png",), np.array([[400, 300]], np.int32), {}),
        *(NONE, np.zeros((0, 4), np.float32), NONE, np.zeros(0, bool)),
        *(NONE, np.zeros((0, 4), np.float32), NONE, (), read),
    )
    config = DataConfig.model_validate({"source": "voc:x", "image_size": 96, **changes})
    parts = {"train": [0], "val": [0]}
    plain = PictureSource(data, parts, config)
    cached = PictureSource(data, parts, config, cache=PixelCache(tmp_path / "kept", 1))
    names = ["val/0", *(f"train/{at}" for at in range(6))]
    expected = [plain.sample(name).image for name in names]
    calls.clear()
    for _ in range(2):
        for name, image in zip(names, expected, strict=True):
            np.testing.assert_array_equal(cached.sample(name).image, image)
    # Once, and once more for the larger one that is scaled.
    assert len(calls) == (1 if changes["augment"] == "off" else 2)
    (tmp_path / "p.png").write_bytes(b"")
    os.utime(tmp_path / "p.png", ns=(1, 1))
    with pytest.raises(OSError, match="cannot identify"):
        cached.sample("val/0")
