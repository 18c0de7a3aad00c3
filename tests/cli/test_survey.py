"""`survey`: a real network on a split, by the weights of a checkpoint."""

import json
import shutil

import pytest

from tests.training.runs_by_command import command
from yolo_core.runs.layout import find_run
from yolo_core.runs.store import RunStore

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(whole, tmp_path_factory):
    """A copy to write into."""
    checkpoints = tmp_path_factory.mktemp("surveyed") / "runs"
    shutil.copytree(whole[0], checkpoints)
    return checkpoints


@pytest.fixture(scope="module")
def surveyed(runs):
    """What --json printed of the first 20 validation samples at the last step."""
    done = command("survey", "whole", "--count", "20", "--json", checkpoints=runs)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_its_totals_are_those_of_the_training_s_own_pinned_snapshots(runs, surveyed):
    with RunStore.open(find_run(runs, "whole")) as store:
        pinned = {r.sample: r.total for r in store.snapshots("pinned") if r.step == 30}
    both = [each for each in surveyed["worst"] if each["sample"] in pinned]
    assert len(both) >= 2
    for each in both:
        assert each["total"] == pytest.approx(pinned[each["sample"]], rel=1e-6)


def test_everything_adds_up(surveyed):
    assert (surveyed["state"], surveyed["samples"], surveyed["step"]) == ("done", 20, 30)
    assert sum(surveyed["by_status"].values()) == surveyed["objects"] > 20
    assert sum(surveyed["by_miss"].values()) == surveyed["objects"]
    for groups in surveyed["loss"].values():
        loss = sum(sum(group["terms"].values()) for group in groups)
        assert loss == pytest.approx(surveyed["total"], rel=1e-5)


@pytest.mark.usefixtures("surveyed")
def test_again_it_is_there_at_once_and_reads_well(runs):
    done = command("survey", "whole", "--count", "20", checkpoints=runs)
    lines = done.stdout.splitlines()
    assert lines[0] == "20 samples of val at step 30, each a batch of one in inference mode."
    assert lines[1].startswith("loss: ")
    assert "best possible recall" in lines[3]


def test_an_earlier_checkpoint_of_another_split(runs):
    arguments = ("--split", "test", "--step", "20", "--count", "3", "--json")
    found = json.loads(command("survey", "whole", *arguments, checkpoints=runs).stdout)
    assert (found["split"], found["step"], found["samples"]) == ("test", 20, 3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("nosuch", "There is no run 'nosuch'"),
        ("whole --split all", "argument --split: invalid choice: 'all'"),
        ("whole --count -1", "A survey is of 1 to 10000 samples; received -1."),
        ("whole --step 7", "Run 'whole' has no checkpoint of step 7; it has those of 10, 20, 30."),
    ],
)
def test_bad_input_is_one_line(runs, arguments, sentence):
    done = command("survey", *arguments.split(), checkpoints=runs)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {sentence}")
