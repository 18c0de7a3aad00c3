"""What an export writes, and what it does not write over."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from yolo_core.export import targets as module
from yolo_core.export.targets import made_beside, targets


def test_the_files_of_an_export_are_named_by_any_of_them(tmp_path: Path) -> None:
    three = tuple(tmp_path / f"net{ending}" for ending in (".cfg", ".weights", ".names"))
    for out in (*three, tmp_path / "net"):
        assert targets("darknet", out, force=False) == three
    two = (tmp_path / "v1.2.json", tmp_path / "v1.2-objects.json")
    for out in (*two, tmp_path / "v1.2"):
        assert targets("coco-json", out, force=False) == two
    assert targets("keras", tmp_path / "v1.2", force=False) == (tmp_path / "v1.2.keras",)
    assert targets("csv", tmp_path / "v1.2", force=False) == (tmp_path / "v1.2",)


def test_nothing_is_written_over_unless_told_so(tmp_path: Path) -> None:
    (tmp_path / "a-objects.json").write_text("mine")
    with pytest.raises(ValueError, match=r"a-objects\.json is there already: --force replaces it"):
        targets("coco-json", tmp_path / "a.json", force=False)
    assert targets("coco-json", tmp_path / "a.json", force=True)
    (tmp_path / "model").mkdir()
    assert targets("saved_model", tmp_path / "model", force=False)  # an empty folder is a place
    (tmp_path / "model" / "thesis.tex").write_text("mine")
    for force, said in ((False, "is there already"), (True, "a folder of something else")):
        with pytest.raises(ValueError, match=said):
            targets("saved_model", tmp_path / "model", force=force)
    (tmp_path / "model" / "saved_model.pb").write_text("")
    assert targets("saved_model", tmp_path / "model", force=True)
    (tmp_path / "net.keras").mkdir()
    with pytest.raises(ValueError, match="a folder of something else"):
        targets("keras", tmp_path / "net.keras", force=True)


def test_a_place_and_a_package_that_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"There is no folder .*nowhere to export into"):
        targets("csv", tmp_path / "nowhere" / "out", force=False)
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "tf2onnx" else name)
    with pytest.raises(
        ValueError, match=r"needs tf2onnx, .*pip install 'detector-debugger\[export"
    ):
        targets("onnx", tmp_path / "out.onnx", force=False)


def half_made(path: Path, error: Exception) -> None:
    with made_beside(path) as made:
        made.write_text("half")
        raise error


def test_what_fails_on_the_way_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_text("before")

    class HDF5Error(Exception):
        pass

    for error, said in (
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full, so .*net.keras"),
        (
            HDF5Error("errno = 28, error message = 'No space left on device'"),
            "The disk is full, so",
        ),
        (PermissionError(errno.EACCES, "Permission denied"), "cannot be written: Permission"),
        (ValueError("a loss of your own"), "^a loss of your own$"),
    ):
        with pytest.raises(ValueError, match=said):
            half_made(path, error)
        assert [each.name for each in tmp_path.iterdir()] == ["net.keras"]
        assert path.read_text() == "before"
    with made_beside(path, "network.keras") as made:
        assert made.name == "network.keras"
        made.write_text("after")
    assert path.read_text() == "after"


def test_a_folder_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "model"
    for name in ("first", "second"):
        with made_beside(path) as made:
            made.mkdir()
            (made / name).write_text(name)
    assert [each.name for each in path.iterdir()] == ["second"]
    assert [each.name for each in tmp_path.iterdir()] == ["model"]
