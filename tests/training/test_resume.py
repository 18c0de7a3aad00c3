"""A killed training goes on as if it had never been killed: the same numbers, every one."""

import signal

import numpy as np
import pytest

from tests.training.runs_by_command import SMALL, curve, start, train, wait_for_step, yolo_core
from yolo_core.runs.layout import find_run
from yolo_core.runs.store import RunStore

STEPS = ("--steps", "60", "--checkpoint-every", "20", "--evaluate-every", "60")

pytestmark = pytest.mark.slow


def assert_same_curves(received, expected):
    assert list(received) == list(expected)
    for name in expected:
        np.testing.assert_array_equal(received[name], expected[name], err_msg=name)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    checkpoints = tmp_path_factory.mktemp("whole")
    train("whole", *STEPS, checkpoints=checkpoints)
    return curve(checkpoints, "whole")


def test_killed_between_checkpoints(tmp_path, whole):
    process = start("--run", "killed", *SMALL, *STEPS, checkpoints=tmp_path)
    wait_for_step(tmp_path, "killed", 33)
    process.kill()
    process.communicate()
    done = yolo_core("train", "--resume", "killed", checkpoints=tmp_path)
    assert done.returncode == 0, done.stderr
    assert_same_curves(curve(tmp_path, "killed"), whole)


def test_killed_while_a_checkpoint_is_half_written(tmp_path, whole):
    process = start("--run", "torn", *SMALL, *STEPS, checkpoints=tmp_path)
    wait_for_step(tmp_path, "torn", 41)
    process.kill()
    process.communicate()
    with RunStore.open(find_run(tmp_path, "torn")) as store:
        newest = store.checkpoints()[-1].path
    # What a power cut leaves behind: the newest file cut short, and a half-written one beside it.
    newest.write_bytes(newest.read_bytes()[:1000])
    newest.with_name(".step-00000060.npz.tmp").write_bytes(b"PK")
    done = yolo_core("train", "--resume", "torn", checkpoints=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "damaged" in done.stdout
    assert_same_curves(curve(tmp_path, "torn"), whole)


def test_live_changes_are_made_again_at_their_steps(tmp_path):
    live = ("--run", "live", *SMALL, "--steps", "80", "--checkpoint-every", "1000")
    process = start(*live, checkpoints=tmp_path)
    wait_for_step(tmp_path, "live", 5)
    for command in (("set-lambda", "coord", "7"), ("set-learning-rate", "0.001")):
        assert yolo_core("command", "live", *command, checkpoints=tmp_path).returncode == 0
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with RunStore.open(find_run(tmp_path, "live")) as store:
        before = store.steps()
    done = yolo_core("train", "--resume", "live", checkpoints=tmp_path)
    assert done.returncode == 0, done.stderr
    after = curve(tmp_path, "live")
    kept = len(before["step"])
    assert kept >= 6
    for name in ("total", "learning_rate", "lambda/xy", "lambda/wh"):
        np.testing.assert_array_equal(after[name][:kept], before[name], err_msg=name)
    assert after["lambda/xy"][-1] == 7
