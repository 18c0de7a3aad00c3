"""A training that was interrupted goes on as if it never had been: the same numbers, every one."""

import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.training.runs_by_command import (
    SMALL,
    STEPS,
    assert_same_curves,
    command,
    curve,
    start,
    train,
    wait_for_step,
)
from tests.waiting import wait_for
from yolo_core.data.registry import open_source
from yolo_core.runs.layout import RunFolder, create_run, find_run
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.build import build_detector, build_loss
from yolo_core.training.config import read_config
from yolo_core.training.control import Control
from yolo_core.training.worker import Training

pytestmark = pytest.mark.slow


@pytest.fixture
def at_step(monkeypatch):
    """at_step[12] = function: called with the store between step 12 and the next."""
    planned = {}
    between = Control.between

    def with_plan(control, done):
        if done in planned:
            planned.pop(done)(control.store)
        between(control, done)

    monkeypatch.setattr(Control, "between", with_plan)
    return planned


@pytest.fixture(scope="module")
def detector(whole):
    """The run's detector, built once: a checkpoint sets all that it has."""
    config = read_config(find_run(whole, "whole").config)
    source = open_source(config.data)
    return build_detector(config, build_loss(config, source), source)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"step": "30"},
        {"step": 20},
        {"peak_learning_rate": "fast"},
        {"peak_learning_rate": None},
        {"pinned": [{}]},
        {"pinned": ["val/x"]},
        {"totals": [1, 2, 3]},
        {"totals": {"seconds": 1.0, "recall": 1.0, "steps": float("inf")}},
    ],
    ids=str,
)
def test_a_crafted_newest_checkpoint_gives_way_to_the_one_before(
    tmp_path, whole, state, detector, monkeypatch
):
    monkeypatch.setattr("yolo_core.training.worker.build_detector", lambda *_: detector)
    folder = RunFolder(Path(shutil.copytree(whole / "whole", tmp_path / "copy")))
    newest, before = (folder.weights / f"step-{step:08d}.npz" for step in (30, 20))
    with np.load(newest) as file:
        arrays = dict(file)
    meta = json.loads(arrays["meta"].tobytes())
    meta["state"] = meta["state"] | state if state else {}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez(newest, **arrays)
    with RunStore.open(folder, writable=True) as store:
        training = Training(read_config(folder.config), store)
        assert training.recorder.restore()
        assert training.recorder.done == 20
        assert store.last_step()["step"] == 20
    assert before.exists()
    assert not newest.exists()


def test_stopped_torn_and_interrupted(tmp_path, whole, at_step):
    at_step[12] = lambda store: store.send("stop")
    at_step[17] = lambda _: os.kill(os.getpid(), signal.SIGINT)
    stopped = train("--run", "often", *SMALL, *STEPS, checkpoints=tmp_path)
    folder = find_run(tmp_path, "often")
    assert (stopped["steps"], read_status(folder).state) == (12, RunState.STOPPED)
    assert read_status(folder).message == "Stopped by the command stop after step 12."

    # What a power cut leaves behind: the newest file cut short, and a half-written one beside it.
    with RunStore.open(folder) as store:
        newest = store.checkpoints()[-1]
    assert newest.step == 12
    newest.path.write_bytes(newest.path.read_bytes()[:1000])
    torn = newest.path.with_name(".step-00000020.npz.77.tmp")
    torn.write_bytes(b"PK")

    done = command("train", "--resume", "often", checkpoints=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "step-00000012.npz is damaged" in done.stdout
    assert "Resuming from the checkpoint of step 10." in done.stdout
    assert not torn.exists()
    assert read_status(folder).message == "Stopped by Ctrl-C after step 17."

    finished = train("--resume", "often", checkpoints=tmp_path)
    assert (finished["steps"], read_status(folder).state) == (30, RunState.FINISHED)
    assert_same_curves(curve(tmp_path, "often"), curve(whole, "whole"))
    with RunStore.open(folder) as store, RunStore.open(find_run(whole, "whole")) as other:
        kinds = [event.kind for event in store.events()]
        assert kinds == ["started", "stop", "resumed", "resumed", "finished"]
        assert [record.step for record in store.checkpoints()] == [17, 20, 30]
        assert len(list(folder.weights.iterdir())) == 3
        np.testing.assert_equal(store.evaluations(), other.evaluations())
        assert dict(snapshots(store)).items() >= dict(snapshots(other)).items()


def snapshots(store):
    return [((r.step, r.kind, r.sample), (r.total, str(r.terms))) for r in store.snapshots()]


@pytest.fixture
def killed(tmp_path):
    """A process that trains the run "killed"; it does not outlive its test."""
    process = start("--run", "killed", *SMALL, *STEPS, checkpoints=tmp_path)
    yield process
    process.kill()
    process.communicate()


def test_killed_with_live_changes_on_the_way(tmp_path, killed):
    folder = RunFolder(tmp_path / "killed")
    wait_for(lambda: read_status(folder).process is not None)

    def tell(what, **arguments):
        with RunStore.open(folder) as store:
            answer = store.wait_for_answer(store.send(what, arguments), 120)
        assert answer.state == "done", answer
        return answer.step

    # Before TensorFlow is even there: commands wait for the first step.
    tell("pause")
    tell("step", count=7)
    wait_for_step(tmp_path, "killed", 7)
    assert tell("set-lambda", name="coord", value=7.0) == 8
    tell("step", count=6)
    wait_for_step(tmp_path, "killed", 13)
    assert tell("set-learning-rate", value=0.001) == 14
    assert tell("set-lambda", name="xy", value=2.0) == 14
    tell("step", count=4)
    wait_for_step(tmp_path, "killed", 17)
    tell("resume")
    killed.kill()
    killed.wait()
    assert read_status(folder).state is RunState.LOST
    before = curve(tmp_path, "killed")
    train("--resume", "killed", checkpoints=tmp_path)
    after = curve(tmp_path, "killed")
    for name, values in before.items():
        np.testing.assert_array_equal(after[name][: len(values)], values, err_msg=name)

    # The same changes made by nobody: a run that has them on record before its first step.
    reference = create_run(tmp_path, "reference")
    shutil.copy(folder.config, reference.config)
    with RunStore.open(folder) as store, RunStore.create(reference) as other:
        for event in store.events():
            if event.kind.startswith("set-"):
                other.record_event(event.step, event.kind, event.detail)
    train("--resume", "reference", checkpoints=tmp_path)
    assert_same_curves(after, curve(tmp_path, "reference"))
    assert list(after["lambda/xy"][[6, 7, 12, 13, 29]]) == [before["lambda/xy"][0], 7, 7, 2, 2]
    assert list(after["lambda/wh"][[7, 29]]) == [7, 7]
    assert after["learning_rate"][13] == pytest.approx(0.001)


def test_a_run_that_turned_nan_goes_on_with_other_lambdas(tmp_path, whole):
    as_whole = str(float(curve(whole, "whole")["lambda/wh"][0]))
    bad = ("--run", "nan", *SMALL, *STEPS, "--lambda", "wh=1e38")
    done = command("train", *bad, "--json", checkpoints=tmp_path)
    folder = find_run(tmp_path, "nan")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "error: The loss stopped being a finite number at step 1: the gradient of term wh first"
    )
    assert "train/" in line
    assert "The weights of step 0 are kept" in line
    status = read_status(folder)
    assert (status.state, f"error: {status.message}") == (RunState.FAILED, line)
    with RunStore.open(folder) as store:
        assert [record.step for record in store.checkpoints()] == [0]
        assert [event.kind for event in store.events()] == ["started", "failed"]

    train("--resume", "nan", "--lambda", f"wh={as_whole}", checkpoints=tmp_path)
    assert_same_curves(curve(tmp_path, "nan"), curve(whole, "whole"))


def test_without_a_readable_checkpoint_nothing_is_lost(tmp_path, whole):
    shutil.copytree(whole / "whole", tmp_path / "torn")
    folder = find_run(tmp_path, "torn")
    with RunStore.open(folder, writable=True) as store:
        store.set_status(state=RunState.STOPPED)
    for path in folder.weights.iterdir():
        path.write_bytes(b"")
    done = command("train", "--resume", "torn", checkpoints=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: No checkpoint of the run can be read.")
    assert len(done.stderr.splitlines()) == 1
    assert read_status(folder).state is RunState.FAILED
    assert_same_curves(curve(tmp_path, "torn"), curve(whole, "whole"))
