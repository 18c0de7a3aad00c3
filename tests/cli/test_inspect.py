"""`inspect`: a Darknet network with its weights becomes a run at step 0 that the pages can show."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from tests.dashboard.voc_set import make_voc
from tests.training.runs_by_command import ROOT, command
from yolo_core.data.registry import open_source
from yolo_core.runs.layout import find_run, list_runs
from yolo_core.runs.store import RunStore
from yolo_core.training.config import read_config

DARKNET = ROOT / "tests/golden/darknet"
CFG, WEIGHTS = (DARKNET / f"yolov2_mini_96x64.{ending}" for ending in ("cfg", "weights"))


def inspect(tmp_path: Path, *more: str, weights: Path = WEIGHTS):
    return command(
        *("inspect", "--cfg", str(CFG), "--weights", str(weights), "--no-dashboard"),
        *("--data", f"voc:{make_voc(tmp_path / 'pets')}", "--image-size", "96x64", *more),
        checkpoints=tmp_path / "runs",
    )


def names(tmp_path: Path, *those: str) -> tuple[str, str]:
    file = tmp_path / "some.names"
    file.write_text("\n".join(those) + "\n\n")
    return "--names", str(file)


@pytest.mark.slow
def test_it_stands_at_step_0_with_pictures_a_checkpoint_and_an_evaluation(tmp_path):
    done = inspect(tmp_path, "--run", "seen", *names(tmp_path, "cup", "dog", "hat", "cat"))
    assert done.returncode == 0, done.stderr
    assert "the heads for 4 classes are taken as they are." in done.stdout
    assert "Run seen stands at step 0: http://localhost:8501/inspect?run=seen" in done.stdout
    folder = find_run(tmp_path / "runs", "seen")
    with RunStore.open(folder) as store:
        assert store.last_step() is None
        assert {each.step for each in store.snapshots()} == {0}
        assert [each.step for each in store.checkpoints()] == [0]
        assert store.evaluations()["step"].tolist() == [0]
    config = read_config(folder.config)
    assert config.loss.name == "yolov2"
    source = open_source(config.data)
    assert source.class_names == ("cup", "dog", "hat", "cat")
    assert sorted(source.sample("train/0").classes) == [1, 3, 3]


def test_weights_that_are_not_there_make_no_run(tmp_path):
    done = inspect(tmp_path, weights=tmp_path / "none.weights")
    assert done.returncode == 2
    assert "none.weights" in done.stderr
    assert list_runs(tmp_path / "runs") == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((), "the file has them for 4 classes, and the data has 2: expected .*--names FILE"),
        (("cup", "dog", "hat", "mat"), "among the 4 names, cup to mat, there is no cat"),
        (("cat", "dog", "hat", "hat"), "stands once; received hat twice"),
    ],
)
def test_heads_that_are_not_for_the_data_are_not_looked_at(given, message, tmp_path):
    done = inspect(tmp_path, *(names(tmp_path, *given) if given else ()))
    assert done.returncode == 2
    assert re.search(message, done.stderr)
    assert list_runs(tmp_path / "runs") == []


def test_a_port_that_is_taken_is_said_before_a_run_is_made(tmp_path):
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = command(
            *("inspect", "--cfg", str(CFG), "--weights", str(WEIGHTS), "--port", str(port)),
            *("--data", "digits"),
            checkpoints=tmp_path / "runs",
        )
    assert done.returncode == 2
    assert f"--port takes a free port on localhost; received {port}: Address" in done.stderr
    assert list_runs(tmp_path / "runs") == []
