"""`inspect`: a Darknet network with its weights becomes a run at step 0 that the pages can show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dashboard.voc_set import make_voc
from tests.training.runs_by_command import ROOT, command
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


@pytest.mark.slow
def test_it_stands_at_step_0_with_pictures_a_checkpoint_and_an_evaluation(tmp_path):
    done = inspect(tmp_path, "--run", "seen")
    assert done.returncode == 0, done.stderr
    assert "Run seen stands at step 0: http://localhost:8501/inspect?run=seen" in done.stdout
    folder = find_run(tmp_path / "runs", "seen")
    with RunStore.open(folder) as store:
        assert store.last_step() is None
        assert {each.step for each in store.snapshots()} == {0}
        assert [each.step for each in store.checkpoints()] == [0]
        assert store.evaluations()["step"].tolist() == [0]
    assert read_config(folder.config).loss.name == "yolov2"


def test_weights_that_are_not_there_make_no_run(tmp_path):
    done = inspect(tmp_path, weights=tmp_path / "none.weights")
    assert done.returncode == 2
    assert "none.weights" in done.stderr
    assert list_runs(tmp_path / "runs") == []
