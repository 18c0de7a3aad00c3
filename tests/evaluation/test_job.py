"""An evaluation as a job: whole or not there at all. Nothing is trained here."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.dashboard.sample_run import LAST_STEP
from tests.evaluation.rows import random_scene
from tests.survey.made_up import add_checkpoint, make_surveyable
from yolo_core.evaluation.evaluator import Looked
from yolo_core.evaluation.job import worker
from yolo_core.evaluation.job.folder import EvaluationFolder, list_evaluations
from yolo_core.evaluation.job.worker import Evaluation
from yolo_core.evaluation.table import read_table
from yolo_core.jobs.status import JobState, JobStatus, read_job
from yolo_core.runs.checkpoints import best_checkpoint, find_checkpoint
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.store import RunStore


class Eyes:
    """Looks at two samples a time, without a network."""

    def __init__(self) -> None:
        self.batches = 0

    def look(self, _: object):
        for seed in range(5):
            self.batches += 1
            seen, there = random_scene(seed, samples=2)
            slots = [np.zeros(len(each.scores), int) for each in seen]
            yield Looked(seen, there, slots, {"total": float(seed), "term/xy": 1.0})


class Blind:
    """Stands in for a detector; its loss has a name."""

    class detection_loss:  # noqa: N801
        name = "a loss"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return make_surveyable(tmp_path_factory.mktemp("runs"), "one")


@pytest.fixture
def run(tmp_path: Path, template: RunFolder) -> RunFolder:
    return RunFolder(Path(shutil.copytree(template.path, tmp_path / "one")))


@pytest.fixture
def eyes(monkeypatch: pytest.MonkeyPatch) -> Eyes:
    eyes = Eyes()
    monkeypatch.setattr(Evaluation, "_load", lambda _: (eyes, Blind(), ((6, 6, 3),)))

    def keep(self: Evaluation, _: object, at: list[int], interrupted: object) -> bool:
        del interrupted
        (self.folder.path / f"{self._prefix}000000.npz").write_bytes(bytes(at))
        return True

    monkeypatch.setattr(Evaluation, "_keep_pictures", keep)
    return eyes


def files(folder: EvaluationFolder) -> list[str]:
    return sorted(path.suffix for path in folder.path.iterdir())


@pytest.mark.usefixtures("eyes")
def test_all_samples_end_up_in_one_table(run: RunFolder) -> None:
    said: list[JobStatus] = []
    evaluation = Evaluation(run, split="test", step="last", count=10, report=said.append)
    status = evaluation.run()
    assert (status.state, status.done, status.total) == (JobState.FINISHED, 10, 10)
    assert [each.state for each in said][:2] == [JobState.STARTING] * 2
    assert [each.name for each in list_evaluations(run)] == [f"test-{LAST_STEP}"]
    table = read_table(evaluation.folder.table)
    assert table.samples == tuple(f"test/{index}" for index in range(10))
    assert (table.step, table.split, table.of) == (LAST_STEP, "test", None)
    assert table.losses == {"total": 2.0, "term/xy": 1.0}
    # Ranked by kind in turn, every sample once.
    (picture,) = evaluation.folder.path.glob("test-*.npz")
    assert len(set(picture.read_bytes())) == len(picture.read_bytes()) <= 10


def test_one_that_is_stopped_leaves_nothing(run: RunFolder, eyes: Eyes) -> None:
    evaluation = Evaluation(run, step="last", count=10)
    assert evaluation.run(lambda: eyes.batches >= 3).state is JobState.STOPPED
    assert not evaluation.folder.path.exists()
    assert list_evaluations(run) == []


def test_one_that_is_stopped_leaves_the_one_before_it(run: RunFolder, eyes: Eyes) -> None:
    first = Evaluation(run, step="last", count=10)
    first.run()
    before = first.folder.table.read_bytes()
    kept = sorted(path.name for path in first.folder.path.glob("*.npz"))
    eyes.batches = 0
    again = Evaluation(run, step="last", count=10)
    assert again.run(lambda: eyes.batches >= 3).state is JobState.STOPPED
    assert again.folder.table.read_bytes() == before
    assert sorted(path.name for path in again.folder.path.glob("*.npz")) == kept
    # And a whole one takes its place, pictures and all.
    Evaluation(run, step="last", count=10).run()
    assert len(list(first.folder.path.glob("*.npz"))) == len(kept)
    assert sorted(path.name for path in first.folder.path.glob("*.npz")) != kept


@pytest.mark.usefixtures("eyes")
def test_one_that_fails_says_why_and_leaves_no_pictures(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise ValueError("The disk is full.")

    monkeypatch.setattr(worker, "write_table", full)
    evaluation = Evaluation(run, step="last", count=10)
    status = evaluation.run()
    assert (status.state, status.message) == (JobState.FAILED, "The disk is full.")
    assert files(evaluation.folder) == [".json"]
    assert read_job(evaluation.folder.status).state is JobState.FAILED


def test_what_cannot_be_evaluated(run: RunFolder) -> None:
    with pytest.raises(ValueError, match="is of val, test, train; received 'all'"):
        Evaluation(run, split="all")
    with pytest.raises(ValueError, match=r"of 1 to 100,000 samples; received 0"):
        Evaluation(run, count=0)
    with pytest.raises(ValueError, match=f"no checkpoint of step 7; it has those of {LAST_STEP}"):
        Evaluation(run, step=7)


def test_the_best_checkpoint_is_that_of_the_highest_map50(run: RunFolder) -> None:
    with RunStore.open(run) as store:
        assert best_checkpoint(store) is None or best_checkpoint(store).step == LAST_STEP
    add_checkpoint(run, 5)
    add_checkpoint(run, 9)
    with RunStore.open(run, writable=True) as store:
        for step, map50 in ((3, 0.9), (5, 0.7), (9, 0.7), (LAST_STEP, 0.1)):
            store.record_evaluation(step, {"map50": map50})
    # Of step 3 there is no checkpoint; of equal ones the first counts.
    assert find_checkpoint(run, "best").step == 5
    assert find_checkpoint(run, "last").step == LAST_STEP
    assert find_checkpoint(run, 9).step == 9
