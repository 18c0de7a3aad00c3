"""`evaluate` and `detect`: a real network, by the weights of a checkpoint."""

import json
import shutil

import pytest
from PIL import Image

from tests.training.runs_by_command import command
from yolo_core.runs.layout import find_run
from yolo_core.runs.store import RunStore

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(whole, tmp_path_factory):
    """A copy to write into."""
    checkpoints = tmp_path_factory.mktemp("evaluated") / "runs"
    shutil.copytree(whole[0], checkpoints)
    return checkpoints


def test_the_scores_are_those_of_the_training_s_own_evaluation(runs):
    with RunStore.open(find_run(runs, "whole")) as store:
        recorded = store.evaluations()
    done = command(
        "evaluate", "whole", "--split", "val", "--step", "last", "--json", checkpoints=runs
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["step"] == recorded["step"][-1]
    assert said["map50"] == pytest.approx(recorded["map50"][-1], abs=1e-4)
    assert said["map50_95"] == pytest.approx(recorded["map50_95"][-1], abs=1e-4)
    assert said["losses"]["total"] == pytest.approx(recorded["total"][-1], rel=1e-4)
    counts = said["confusion"]["counts"]
    assert sum(map(sum, counts[:-1])) == said["objects"]
    text = command("evaluate", "whole", "--count", "5", "--split", "val", checkpoints=runs)
    assert text.stdout.startswith("5 samples of val by the weights of step 30")
    assert "what each kind of error costs" in text.stdout


def test_what_it_refuses(runs):
    done = command("evaluate", "whole", "--step", "7", checkpoints=runs)
    assert done.returncode == 2
    assert "has no checkpoint of step 7" in done.stderr
    done = command("evaluate", "whole", "--step", "first", checkpoints=runs)
    assert "takes a step, best or last" in done.stderr


def test_detect_goes_through_a_folder_and_past_what_is_no_picture(runs, tmp_path):
    Image.new("RGB", (300, 200)).save(tmp_path / "black.png")
    (tmp_path / "torn.jpg").write_bytes(b"nothing")
    done = command("detect", "whole", str(tmp_path), "--json", checkpoints=runs)
    assert done.returncode == 0
    black, torn = json.loads(done.stdout)
    assert (black["width"], black["height"]) == (300, 200)
    assert "no picture that can be read" in torn["problem"]
    out = tmp_path / "drawn"
    done = command(
        "detect", "whole", str(tmp_path / "black.png"), "--draw", str(out), checkpoints=runs
    )
    assert done.returncode == 0
    with Image.open(out / "black-detected.png") as image:
        assert image.size == (300, 200)
