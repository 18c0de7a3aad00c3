"""What if from here: a fork changes what it was told to, and nothing else to the bit."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest

from tests.training.runs_by_command import assert_same_curves, command, curve
from yolo_core.jobs.launch import COMMAND
from yolo_core.runs.layout import RunFolder, list_runs
from yolo_core.runs.store import RunStore
from yolo_core.training import sweep
from yolo_core.training.config import read_config
from yolo_core.training.forks import discard_fork, forks_of, keep_fork, make_fork, plan_fork

CLOCKS = ("time", "images_per_second")


@pytest.fixture
def runs(tmp_path, whole):
    """A folder with the run "whole": 30 steps, checkpoints of 10, 20 and 30."""
    shutil.copytree(whole / "whole", tmp_path / "whole")
    return tmp_path


def rows(runs, name):
    with RunStore.open(RunFolder(runs / name)) as store:
        return store.steps()


class InThisProcess:
    """Of a process what a sweep asks for; its command has been carried out in this one."""

    def __init__(self, words, output):
        assert words[:3] == [*COMMAND]
        *arguments, flag, checkpoints = words[3:]
        assert flag == "--checkpoints"
        done = command(*arguments, checkpoints=checkpoints)
        os.write(output, done.stdout.encode() + done.stderr.encode())
        self.code = done.returncode

    def wait(self, timeout):
        assert timeout > 0
        return self.code


@pytest.mark.slow
def test_a_sweep_tries_each_value_from_the_same_step(runs, monkeypatch):
    monkeypatch.setattr(sweep, "spawn", InThisProcess)
    done = command(
        "sweep", "whole", "no_object", "1", "1000", "--step", "10", "--steps", "8", "--json",
        checkpoints=runs,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert [each["value"] for each in found] == [1.0, 1000.0]
    whole = rows(runs, "whole")
    for each in found:
        assert (each["state"], each["step"]) == ("finished", 18)
        (log,) = (runs / "whole").glob(f"sweeps/*/{each['fork']}.log")
        assert "step 18/18" in log.read_text()
        table = rows(runs, each["fork"])
        assert table["step"].tolist() == list(range(1, 19))
        np.testing.assert_array_equal(table["total"][:10], whole["total"][:10])
        assert set(table["lambda/no_object"][10:]) == {each["value"]}
        # The first step's picture is the run's own: only its weight differs.
        assert table["term/no_object"][10] == whole["term/no_object"][10]
        assert each["metrics"]["map50"] >= 0
        # The mean of the last tenth of eight steps is the last step.
        assert each["terms"]["xy"] == table["term/xy"][-1]
    assert found[0]["terms"] != found[1]["terms"]


def test_it_begins_with_the_books_of_the_run(runs):
    fork = plan_fork(
        runs, "whole", step=10, steps=5, lambdas={"xy": 3.0}, learning_rate=1e-4, options={}
    )
    folder = make_fork(fork, runs, "other")
    config = read_config(folder.config)
    assert (config.forked_from.run, config.forked_from.step) == ("whole", 10)
    assert (config.training.steps, config.training.until) == (30, 15)
    with RunStore.open(folder) as store, RunStore.open(RunFolder(runs / "whole")) as whole:
        assert store.status().state == "stopped"
        assert (store.status().step, store.status().steps) == (10, 15)
        assert [each.step for each in store.checkpoints()] == [10]
        assert store.checkpoints()[0].path.is_file()
        told = [(e.step, e.kind, e.detail.get("value")) for e in store.events()]
        assert told == [
            (0, "started", None),
            (10, "forked", None),
            (11, "set-lambda", 3.0),
            (11, "set-learning-rate", 1e-4),
        ]
        assert store.events()[2].detail["before"] == whole.steps()["lambda/xy"][9]
        kept = [each for each in whole.snapshots() if each.step <= 10]
        assert [(e.step, e.sample) for e in store.snapshots()] == [(e.step, e.sample) for e in kept]
        assert all(each.file.is_file() for each in store.snapshots())
    assert [each.name for each in forks_of(runs, "whole")] == ["other"]


def test_what_the_run_was_told_later_the_fork_is_told_too_but_for_what_it_sets(runs):
    with RunStore.open(RunFolder(runs / "whole"), writable=True) as store:
        store.record_event(15, "set-lambda", {"name": "wh", "value": 2.0})
        store.record_event(15, "pause")
        store.record_event(29, "set-lambda", {"name": "wh", "value": 4.0})
    folder = make_fork(plan_fork(runs, "whole", step=10, steps=10), runs)
    assert folder.name == "whole-fork-1"
    with RunStore.open(folder) as store:
        later = [(e.step, e.kind) for e in store.events() if e.step > 10]
    assert later == [(15, "set-lambda")]


def test_keeping_puts_it_in_the_place_of_its_run(runs):
    make_fork(plan_fork(runs, "whole", step=10, steps=5), runs, "other")
    (runs / "whole" / "note.json").write_text('{"text": "mine", "starred": true}')
    kept, before = keep_fork(runs, "other")
    assert (kept.name, before.name) == ("whole", "whole-before-1")
    assert {each.name for each in list_runs(runs)} == {"whole", "whole-before-1"}
    config = read_config(kept.config)
    assert (config.forked_from, config.training.until) == (None, None)
    with RunStore.open(kept) as store:
        assert store.status().steps == 30
        assert store.last_step()["step"] == 10
    assert kept.note.is_file()


@pytest.mark.slow
def test_a_kept_fork_that_changes_nothing_repeats_the_run_to_the_bit(runs):
    for words, steps in (
        ("fork whole --step 10 --steps 5 --json", 15),
        ("keep whole-fork-1", None),
        ("train --resume whole --json", 30),
    ):
        done = command(*words.split(), checkpoints=runs)
        assert done.returncode == 0, done.stderr
        if steps is not None:
            assert json.loads(done.stdout.splitlines()[-1])["steps"] == steps
    assert_same_curves(curve(runs, "whole"), curve(runs, "whole-before-1"))
    before, after = rows(runs, "whole-before-1"), rows(runs, "whole")
    for name in before:
        if name not in CLOCKS:
            np.testing.assert_array_equal(before[name], after[name], err_msg=name)
    with (
        np.load(runs / "whole-before-1/weights/step-00000030.npz") as one,
        np.load(runs / "whole/weights/step-00000030.npz") as other,
    ):
        assert len(one.files) > 10
        for name in set(one.files) - {"meta"}:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_discarding_leaves_the_run_as_it_was(runs):
    make_fork(plan_fork(runs, "whole", step=10), runs, "other")
    before = rows(runs, "whole")["total"]
    discard_fork(runs, "other")
    assert [each.name for each in list_runs(runs)] == ["whole"]
    np.testing.assert_array_equal(rows(runs, "whole")["total"], before)


def test_refusals(runs):
    for wanted, words in (
        ({"step": 11}, "no checkpoint of step 11; it has those of 10, 20, 30"),
        ({"step": 30}, "is the end of run 'whole'"),
        ({"step": 10, "steps": 0}, "at least 1 step"),
        ({"step": 10, "lambdas": {"xy": -1.0}}, "xy"),
        ({"step": 10, "learning_rate": 0.0}, "learning_rate"),
    ):
        with pytest.raises(ValueError, match=words):
            plan_fork(runs, "whole", **wanted)
    with pytest.raises(ValueError, match="no fork"):
        discard_fork(runs, "whole")
    fork = plan_fork(runs, "whole", step=10)
    (runs / "whole/weights/step-00000010.npz").unlink()
    with pytest.raises(ValueError, match=r"step-00000010\.npz is gone"):
        make_fork(fork, runs, "other")
    assert [each.name for each in list_runs(runs)] == ["whole"]
    (runs / "whole/config.json").unlink()
    with pytest.raises(ValueError, match="somebody's own script"):
        plan_fork(runs, "whole", step=10)
