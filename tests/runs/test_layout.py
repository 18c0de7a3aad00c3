from __future__ import annotations

import os
from pathlib import Path

import pytest

from yolo_core.runs.layout import (
    RunFolder,
    check_run_name,
    create_run,
    find_run,
    list_runs,
    new_run_name,
)


def test_the_files_of_a_run_have_fixed_names():
    run = RunFolder(Path("checkpoints/yolov2-3"))
    names = (run.config, run.environment, run.database, run.weights, run.snapshots)
    assert run.name == "yolov2-3"
    assert [path.name for path in names] == [
        "config.json",
        "environment.json",
        "run.db",
        "weights",
        "snapshots",
    ]
    assert (run.log.name, run.tensorboard.name) == ("train.log", "tb")


@pytest.mark.parametrize("name", ["a", "7", "yolov2-3", "A_b-C", "x" * 64])
def test_a_good_name_is_returned(name):
    assert check_run_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a.b", "a/b", "../a", "a\\b", "-a", "_a", "a b", "a\n", "é", "x" * 65, None, 3],
)
def test_a_bad_name_is_refused_with_the_rule_and_the_name(name):
    with pytest.raises(ValueError, match="1 to 64 letters") as refused:
        check_run_name(name)
    assert repr(name) in str(refused.value)


def test_a_new_name_takes_the_first_free_number(tmp_path):
    assert new_run_name(tmp_path / "missing", "yolov2") == "yolov2-1"
    for taken in ("yolov2-1", "yolov2-2", "yolov2-4"):
        (tmp_path / taken).mkdir()
    assert new_run_name(tmp_path, "yolov2") == "yolov2-3"
    assert new_run_name(tmp_path, "mnist_yolo") == "mnist_yolo-1"
    assert new_run_name(tmp_path, "yolov2/notebook") == "yolov2-notebook-1"
    assert new_run_name(tmp_path, "../..") == "run-1"


def test_creating_makes_the_folders_and_a_second_time_is_refused(tmp_path):
    run = create_run(tmp_path / "deep" / "checkpoints", "a-1")
    assert run.weights.is_dir()
    assert run.snapshots.is_dir()
    assert run.tensorboard.is_dir()
    with pytest.raises(ValueError, match=r"A run named 'a-1' exists already in .*checkpoints"):
        create_run(tmp_path / "deep" / "checkpoints", "a-1")


def test_a_run_appears_when_it_is_complete(tmp_path):
    def fill(folder):
        folder.config.write_text("{}")
        assert list_runs(tmp_path) == []

    run = create_run(tmp_path, "a-1", fill)
    assert list_runs(tmp_path) == [run]
    assert os.listdir(tmp_path) == ["a-1"]


def test_one_that_cannot_be_filled_leaves_nothing(tmp_path):
    def fill(_):
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        create_run(tmp_path, "a-1", fill)
    assert os.listdir(tmp_path) == []


def test_of_two_that_create_a_run_at_once_one_gets_it(tmp_path):
    def fill(_):
        (tmp_path / "a-1").mkdir()
        (tmp_path / "a-1" / "config.json").write_text("{}")

    (tmp_path / f".new-a-1.{2**22 + 1}" / "weights").mkdir(parents=True)  # of one that was killed
    with pytest.raises(ValueError, match=r"A run named 'a-1' exists already .*delete the folder"):
        create_run(tmp_path, "a-1", fill)
    assert os.listdir(tmp_path) == ["a-1"]
    assert (tmp_path / "a-1" / "config.json").read_text() == "{}"


def test_creating_where_a_file_stands_is_a_sentence(tmp_path):
    (tmp_path / "checkpoints").write_text("I am a file.")
    with pytest.raises(ValueError, match="checkpoints cannot be written: "):
        create_run(tmp_path / "checkpoints", "a-1")


def test_finding_a_run_that_is_not_there_names_those_that_are(tmp_path):
    with pytest.raises(ValueError, match=r"There is no run 'b-1': .* holds no runs"):
        find_run(tmp_path, "b-1")
    create_run(tmp_path, "a-1").config.write_text("{}")
    with pytest.raises(ValueError, match=r"no run 'b-1' in .*; the runs there are a-1"):
        find_run(tmp_path, "b-1")
    assert find_run(tmp_path, "a-1") == RunFolder(tmp_path / "a-1")
    with pytest.raises(ValueError, match="letters"):
        find_run(tmp_path, "../a-1")


def test_runs_are_listed_newest_first_and_what_is_no_run_is_left_out(tmp_path):
    for age, name in enumerate(["young", "middle", "old"]):
        config = create_run(tmp_path, name).config
        config.write_text("{}")
        os.utime(config, (1000 - age, 1000 - age))
    only_database = create_run(tmp_path, "database-only").database
    only_database.write_bytes(b"not even a database")
    os.utime(only_database, (500, 500))
    create_run(tmp_path, "empty")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "config.json").write_text("{}")
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    folder_for_config = tmp_path / "odd" / "config.json"
    folder_for_config.mkdir(parents=True)
    assert [run.name for run in list_runs(tmp_path)] == ["young", "middle", "old", "database-only"]


def test_a_missing_folder_holds_no_runs(tmp_path):
    assert list_runs(tmp_path / "missing") == []
