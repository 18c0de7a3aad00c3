"""The recorder under every backend of Keras: without TensorFlow, and without changing a number."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from yolo_core.jobs.status import JobState
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.survey.worker import Survey

pytestmark = [pytest.mark.slow, pytest.mark.backend]

SCRIPT = Path(__file__).with_name("recorded_elsewhere.py")
ROOT = Path(__file__).parents[2]
# Keras's own fit imports it wherever it can.
WITHOUT_TENSORFLOW = """
import runpy, sys
sys.modules["tensorflow"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module", params=["torch", "jax"])
def recorded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, bool], Path]:
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    environment = {**os.environ, "KERAS_BACKEND": request.param, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, SCRIPT, folder],
        env=environment,
        check=True,
        timeout=500,
        stdout=subprocess.PIPE,
        text=True,
    )
    return request.param, json.loads(result.stdout.splitlines()[-1]), folder


def test_nothing_of_tensorflow_is_needed_and_no_number_changes(recorded):
    _, said, _ = recorded
    assert said == {"same_losses": True, "same_weights": True}


def test_its_steps_and_pictures_are_on_record(recorded):
    _, _, folder = recorded
    run = RunFolder(folder / "plain")
    status = read_status(run)
    assert (status.state, status.step) == (RunState.FINISHED, 9)
    with RunStore.open(run) as store:
        assert store.steps()["step"].tolist() == list(range(1, 10))
        pinned = store.snapshots("pinned")
    assert sorted({each.step for each in pinned}) == [0, 1, 2, 4, 8, 9]
    snapshot = read_snapshot(pinned[-1].file)
    assert list(snapshot.breakdown.terms) == list(snapshot.breakdown.gradients)
    assert np.abs(snapshot.breakdown.gradients["no_object"]).sum() > 0


def test_commands_are_obeyed_or_answered_with_the_reason(recorded):
    backend, _, folder = recorded
    with RunStore.open(RunFolder(folder / "told")) as store:
        answers = {each.name: each.error or each.step for each in store.commands()}
        rows = store.steps()
        (checkpoint,) = store.checkpoints()
        assert store.evaluations()["step"].tolist() == [3]
    assert rows["learning_rate"][-1] == pytest.approx(0.25)
    assert checkpoint.step == 3
    if backend == "jax":
        assert "lambdas of a compiled model are frozen into its step" in answers["set-lambda"]
        assert rows["lambda/xy"][-1] == 1.0
    else:
        assert answers["set-lambda"] == 4
        assert rows["lambda/xy"].tolist() == [1.0] * 3 + [7.0] * 6


def test_its_weights_are_looked_at_here(recorded):
    """By TensorFlow: the network is built from what the run keeps, with that checkpoint."""
    _, _, folder = recorded
    run = RunFolder(folder / "told")
    survey = Survey(run)
    assert survey.run().state is JobState.FINISHED
    with RunStore.open(run) as store:
        totals = {each.step: each.total for each in store.snapshots("pinned", "val/0")}
    seen = read_snapshot(survey.folder.chunk(0)).sample("val/0")
    assert seen.step == 3
    assert 2 in totals
    assert np.isfinite(seen.total)


def test_tensors_of_a_loop_are_read(recorded):
    _, _, folder = recorded
    with RunStore.open(RunFolder(folder / "loop")) as store:
        rows, records = store.steps(), store.snapshots()
    for step in (1, 2):
        (total,) = {each.total for each in records if each.step == step}
        assert total == pytest.approx(rows["total"][step - 1], rel=1e-4)
