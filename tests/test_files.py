"""A file that is replaced is the old one or the new one, never a part."""

from __future__ import annotations

import errno
import os

import pytest

from yolo_core import files
from yolo_core.files import replace_file


def test_replacing_a_file_leaves_the_new_text_and_nothing_else(tmp_path):
    path = tmp_path / "config.json"
    replace_file(path, "one")
    replace_file(path, "two λ")
    assert path.read_text(encoding="utf-8") == "two λ"
    replace_file(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert os.listdir(tmp_path) == ["config.json"]


def test_a_full_disk_is_a_sentence_and_the_old_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "config.json"
    replace_file(path, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(ValueError, match=r"The disk is full, so .*config.json cannot be written"):
        replace_file(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["config.json"]


def test_writing_into_a_folder_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"config.json cannot be written: No such file"):
        replace_file(tmp_path / "missing" / "config.json", "{}")
