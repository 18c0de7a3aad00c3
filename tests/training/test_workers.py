"""Two real processes, workers under TF_CONFIG, train one run; one dies, and the run resumes."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time

import numpy as np
import pytest

from tests.training.runs_by_command import SMALL, command, curve, start, wait_for_step
from yolo_core.runs.layout import find_run
from yolo_core.runs.snapshots import read_snapshot, snapshot_path
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore

pytestmark = pytest.mark.slow

RUN = (*SMALL, "--checkpoint-every", "4", "--evaluate-every", "1000", "--snapshot-every", "1000")
BOUND = 120
"""Seconds until the others have stopped: TensorFlow notices a silence after ten."""


def addresses() -> list[str]:
    sockets = [socket.socket() for _ in range(2)]
    for each in sockets:
        each.bind(("localhost", 0))
    found = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return found


def start_two(monkeypatch, *arguments, checkpoints) -> list[subprocess.Popen]:
    """The same command twice, told apart by TF_CONFIG alone."""
    cluster = {"worker": addresses()}
    workers = []
    for index in range(2):
        told = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(told))
        workers.append(start(*arguments, checkpoints=checkpoints))
    monkeypatch.delenv("TF_CONFIG")
    return workers


def ended(workers, timeout=500) -> list[tuple[int, str, str]]:
    """(exit code, output, errors) of each; none is left behind."""
    try:
        texts = [each.communicate(timeout=timeout) for each in workers]
        return [(each.returncode, *said) for each, said in zip(workers, texts, strict=True)]
    finally:
        for each in workers:
            each.kill()


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The same run on one device."""
    checkpoints = tmp_path_factory.mktemp("alone")
    done = command("train", "--run", "one", *RUN, "--steps", "4", checkpoints=checkpoints)
    assert done.returncode == 0, done.stderr
    return checkpoints


def test_two_workers_train_as_one_device_does_and_the_chief_alone_writes(
    alone, tmp_path, monkeypatch
):
    workers = start_two(monkeypatch, "--run", "two", *RUN, "--steps", "4", checkpoints=tmp_path)
    (chief, said, _), (other, told, _) = ended(workers)
    assert (chief, other) == (0, 0)
    assert "step 4/4" in said
    assert re.search(r"Worker 2 of 2 \(localhost:\d+\)", told)
    assert "step 4" not in told

    one, two = curve(alone, "one"), curve(tmp_path, "two")
    assert list(one) == list(two)
    for name in one:  # of the first step: after it, Adam makes more of a rounding
        np.testing.assert_allclose(two[name][0], one[name][0], rtol=1e-6, err_msg=name)
        np.testing.assert_allclose(two[name], one[name], rtol=1e-3, atol=1e-5, err_msg=name)
    first, second = (
        read_snapshot(snapshot_path(find_run(where, name), "batch", 1))
        for where, name in ((alone, "one"), (tmp_path, "two"))
    )
    assert first.samples == second.samples == tuple(f"train/{i}" for i in range(4))
    np.testing.assert_array_equal(first.images, second.images)
    for group in ("terms", "maps", "gradients"):
        ours, theirs = (getattr(each.breakdown, group) for each in (first, second))
        for name, value in ours.items():
            np.testing.assert_allclose(theirs[name], value, rtol=1e-6, atol=1e-6, err_msg=name)
    with RunStore.open(find_run(tmp_path, "two")) as store:
        said = [event.detail["message"] for event in store.events() if event.kind == "note"]
    assert any("shared by 2 devices of 2 workers" in each for each in said)


@pytest.mark.parametrize("dies", [1, 0])
def test_a_worker_that_dies_stops_the_other_with_a_sentence_and_the_run_resumes(
    dies, tmp_path, monkeypatch
):
    long = ("--steps", "4000", "--pulls-every", "0")
    workers = start_two(monkeypatch, "--run", "two", *RUN, *long, checkpoints=tmp_path)
    wait_for_step(tmp_path, "two", 6, timeout=500)
    workers[dies].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    code, _, errors = ended(workers)[1 - dies]
    assert time.monotonic() - killed < BOUND
    assert code == 1
    (sentence,) = (line for line in errors.splitlines() if line.startswith("error: "))
    assert f"Worker {2 - dies} of 2" in sentence
    assert "another worker of this training ended" in sentence
    assert "Traceback" not in errors
    folder = find_run(tmp_path, "two")
    if dies == 1:
        assert read_status(folder).state == RunState.FAILED
        assert "--resume RUN" in read_status(folder).message
        return

    # What a chief leaves is as its death found it. On this machine alone, from the last checkpoint.
    with RunStore.open(folder) as store:
        last, reached = store.checkpoints()[-1].step, (store.last_step() or {})["step"]
    assert last % 4 == 0
    alone = start("--resume", "two", checkpoints=tmp_path)
    try:
        # Past what the workers came to: those rows are on record until it has begun.
        wait_for_step(tmp_path, "two", reached + 1, timeout=300)
    finally:
        alone.send_signal(signal.SIGTERM)
        output, errors = alone.communicate(timeout=300)
    assert alone.returncode == 0, errors
    assert f"Resuming from the checkpoint of step {last}." in output
