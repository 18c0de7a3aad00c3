"""What came of a fork: numbers that can be added up by hand."""

from __future__ import annotations

import json
import math
import shutil

import pytest

from tests.cli.conftest import ask  # noqa: F401, a fixture
from tests.dashboard.sample_run import make_run
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.answers import answer_of, answers_of, late
from yolo_core.training.config import config_digest
from yolo_core.training.forks import make_fork, plan_fork


@pytest.fixture
def runs(tmp_path):
    """A run "one" of 60 steps with xy = step / 10, and a fork of it from step 30 with xy = 1."""
    folder = make_run(tmp_path, "one", pinned_steps=(0,), batch_steps=(), state=RunState.STOPPED)
    config = json.loads(folder.config.read_text())
    config["training"]["steps"] = 60
    config["loss"]["options"] = {"ignore_threshold": 0.5}
    folder.config.write_text(json.dumps(config))
    with RunStore.open(folder, writable=True) as store:
        store.set_status(config=config_digest(folder.config), steps=60)
        (folder.weights / "step-00000030.npz").write_bytes(b"weights")
        store.record_checkpoint(30, "step-00000030.npz")
        for step in range(41, 61):
            store.record_step(step, {"term/xy": step / 10})
        store.record_evaluation(60, {"map50": 0.5, "total": 9.0})
    plan = plan_fork(
        tmp_path,
        "one",
        step=30,
        steps=30,
        lambdas={"no_object": 1000.0},
        options={"ignore_threshold": 0.7},
    )
    with RunStore.open(make_fork(plan, tmp_path, "big"), writable=True) as store:
        for step in range(31, 61):
            store.record_step(step, {"term/xy": 1.0, "term/wh": 3.0})
        store.set_status(step=60)
        store.record_evaluation(60, {"map50": 0.75})
    return tmp_path


def test_the_last_tenth_against_the_same_steps_of_the_run(runs):
    found = answer_of(RunFolder(runs / "big"))
    assert (found.fork, found.run, found.begin, found.step, found.steps) == (
        *("big", "one", 30, 60, 60),
    )
    # A tenth of 30 steps: 58, 59 and 60.
    assert found.terms["xy"] == pytest.approx((5.9, 1.0))
    of_run, of_fork = found.terms["wh"]
    assert (math.isnan(of_run), of_fork) == (True, 3.0)
    assert found.metrics == {"map50": (0.5, 0.75)}
    assert found.differs == ("no_object to 1,000", "ignore_threshold=0.7")
    plain = found.plain()
    assert plain["terms"]["wh"] == {"run": None, "fork": 3.0}
    assert plain["state"] == "stopped"


def test_before_its_first_step_there_is_nothing_to_tell(runs):
    folder = make_fork(plan_fork(runs, "one", step=30, steps=10), runs, "same")
    found = answer_of(folder)
    assert (found.terms, found.metrics, found.differs) == ({}, {}, ())
    assert late(folder, begin=30, planned=10).step == 30


def test_the_run_may_be_elsewhere_or_gone(runs):
    with RunStore.open(RunFolder(runs / "one"), writable=True) as store:
        store.truncate_after(59)
    assert math.isnan(answer_of(RunFolder(runs / "big")).metrics["map50"][0])
    shutil.rmtree(runs / "one")
    found = answer_of(RunFolder(runs / "big"))
    assert math.isnan(found.terms["xy"][0])
    assert found.terms["xy"][1] == 1.0
    assert "ignore_threshold=0.7" in found.differs
    assert [each.fork for each in answers_of(runs, "one")] == ["big"]


def test_a_run_that_is_no_fork(runs):
    with pytest.raises(ValueError, match="Run 'one' is no fork"):
        answer_of(RunFolder(runs / "one"))


def test_the_command_prints_them(runs, ask):  # noqa: F811
    del runs
    assert ask("forks", "one")[1].splitlines()[:2] == [
        "big  stopped  step 60 of 60  no_object to 1,000, ignore_threshold=0.7",
        "  xy               run 5.9        fork 1",
    ]
    (found,) = json.loads(ask("forks", "one", "--json")[1])
    assert found["metrics"] == {"map50": {"run": 0.5, "fork": 0.75}}
    assert ask("forks", "big")[1] == "big has no forks.\n"
