"""The index of a data set: read once, used while nothing changed, never in the user's folder."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from yolo_core.data import many_files, opening
from yolo_core.data.index import index_folder
from yolo_core.data.opening import open_data
from yolo_core.data.pictures import AnnotatedPictures

FIELD = Path(__file__).resolve().parents[1] / "field"
LABEL = "0 0.5 0.5 0.5 0.5\n"


@pytest.fixture
def data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A YOLO set, of which an index is kept however quickly it is read."""
    monkeypatch.setattr(opening, "WORTH_KEEPING", 0.0)
    monkeypatch.setenv("DETECTOR_CHECKPOINTS", str(tmp_path / "runs"))
    return Path(shutil.copytree(FIELD / "yolo-empty-and-missing", tmp_path / "set"))


def opened(folder: Path) -> AnnotatedPictures:
    return open_data(f"yolo:{folder / 'data.yaml'}")


def same(one: AnnotatedPictures, other: AnnotatedPictures) -> bool:
    fields = [each.name for each in dataclasses.fields(one) if each.name != "read_picture"]
    values = [(getattr(one, name), getattr(other, name)) for name in fields]
    return all(
        np.array_equal(a, b) and a.dtype == b.dtype if isinstance(a, np.ndarray) else a == b
        for a, b in values
    )


def test_the_second_time_nothing_is_read_and_all_is_the_same(
    data_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(data_set.rglob("*"))
    first = opened(data_set)
    assert sorted(data_set.rglob("*")) == before
    assert len(list(index_folder().glob("*.npz"))) == 1
    monkeypatch.setattr(opening, "FORMATS", {"yolo": None})
    second = opened(data_set)
    assert same(first, second)
    assert np.array_equal(first.picture("images/a.jpg"), second.picture("images/a.jpg"))


def write_label(folder: Path) -> None:
    (folder / "labels" / "a.txt").write_text(LABEL)


def add_label(folder: Path) -> None:
    (folder / "labels" / "unlabelled.txt").write_text(LABEL)


def add_picture(folder: Path) -> None:
    shutil.copy(folder / "images" / "a.jpg", folder / "images" / "b.jpg")


def remove_picture(folder: Path) -> None:
    (folder / "images" / "empty.jpg").unlink()


def name_other_classes(folder: Path) -> None:
    yaml = folder / "data.yaml"
    yaml.write_text(yaml.read_text().replace("kite", "boat"))


@pytest.mark.parametrize(
    "change", [write_label, add_label, add_picture, remove_picture, name_other_classes]
)
def test_a_change_is_seen(change: Callable[[Path], None], data_set: Path) -> None:
    before = opened(data_set)
    change(data_set)
    after = opened(data_set)
    assert not same(before, after)
    shutil.rmtree(index_folder())
    assert same(after, opened(data_set))


def test_a_label_file_rewritten_within_its_size_is_seen(data_set: Path) -> None:
    path = data_set / "labels" / "a.txt"
    path.write_text("0 0.5 0.5 0.5 0.5\n")
    assert opened(data_set).boxes("images/a.jpg") == [("kite", 24.0, 16.0, 72.0, 48.0)]
    path.write_text("0 0.5 0.5 0.5 0.2\n")
    os.utime(path, ns=(1, 1))
    assert opened(data_set).boxes("images/a.jpg")[0][2] == pytest.approx(0.4 * 64)


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"no index"])
def test_a_damaged_index_is_made_anew(content: bytes, data_set: Path) -> None:
    first = opened(data_set)
    (path,) = index_folder().glob("*.npz")
    path.write_bytes(content or path.read_bytes()[:-200])
    assert same(first, opened(data_set))


def test_no_index_lies_in_the_folder_of_the_data(
    data_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DETECTOR_CHECKPOINTS", str(data_set / "checkpoints"))
    opened(data_set)
    assert not (data_set / "checkpoints").exists()


def test_several_processes_answer_as_one_in_the_order_of_the_tasks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(many_files, "FEWEST_FILES", 10)
    heard: list[tuple[int, int]] = []
    each_of = many_files.several_processes(lambda done, total: heard.append((done, total)))
    assert list(each_of(abs, range(-1000, 0))) == list(range(1000, 0, -1))
    assert heard == [(done, 1000) for done in range(200, 1001, 200)]


def test_where_no_process_can_be_started_this_one_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_files, "FEWEST_FILES", 10)
    monkeypatch.setattr(many_files.sys, "executable", "/nowhere/python")
    assert list(many_files.several_processes()(abs, range(-500, 0))) == list(range(500, 0, -1))


def test_reading_that_is_left_ends_its_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_files, "FEWEST_FILES", 10)
    started: list[many_files._Workers] = []
    enter = many_files._Workers.__enter__
    monkeypatch.setattr(
        many_files._Workers, "__enter__", lambda self: (started.append(self), enter(self))[1]
    )
    answers = many_files.several_processes()(abs, range(-5000, 0))
    assert next(answers) == 5000
    answers.close()  # as an interrupt does
    (workers,) = started
    assert all(each.returncode is not None for each in workers._all)
    assert workers._all
