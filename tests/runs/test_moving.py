"""A run gets another name, or goes; never while something is at work on it."""

from __future__ import annotations

import dataclasses
import sqlite3
import time
from pathlib import Path

import pytest

from tests.dashboard.sample_run import make_run
from yolo_core.jobs.process import ProcessIdentity
from yolo_core.jobs.status import JobState, JobStatus, write_job
from yolo_core.runs import moving
from yolo_core.runs.disk import disk_use
from yolo_core.runs.layout import RunFolder, create_run, list_runs
from yolo_core.runs.moving import check_idle, remove_run, rename_run
from yolo_core.runs.note import RunNote, read_note, write_note
from yolo_core.runs.overview import run_overview
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.survey.folder import SurveyFolder, list_surveys
from yolo_core.training.config import read_run_config


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = make_run(tmp_path, "one", pinned_steps=(0, 10), batch_steps=())
    write_note(folder, text="mine", starred=True)
    survey = SurveyFolder(folder, "val", 40)
    survey.path.mkdir(parents=True)
    write_job(survey.status, JobStatus(JobState.FINISHED, done=3, total=3))
    return folder


def answers(folder: RunFolder) -> dict:
    """Everything that readers say of a run, without where it lies."""
    with RunStore.open(folder) as store:
        records = store.snapshots()
        said = {
            "steps": {name: values.tobytes() for name, values in store.steps().items()},
            "evaluations": store.evaluations()["step"].tolist(),
            "events": store.events(),
            "commands": store.commands(),
            "snapshots": [(r.step, r.kind, r.sample, r.total, r.terms) for r in records],
        }
    return said | {
        "pictures": [read_snapshot(r.file).images.tobytes() for r in records],
        "config": read_run_config(folder),
        "status": read_status(folder),
        "note": read_note(folder),
        "disk": disk_use(folder),
        "surveys": [each.name for each in list_surveys(folder)],
        "overview": dataclasses.replace(run_overview(folder), folder=RunFolder(Path("same"))),
    }


def test_under_another_name_every_reader_says_the_same(tmp_path: Path, run: RunFolder) -> None:
    before = answers(run)
    renamed = rename_run(tmp_path, "one", "two")
    assert answers(renamed) == before
    assert before["note"] == RunNote("mine", starred=True)
    assert before["surveys"] == ["val-40"]
    assert [each.name for each in list_runs(tmp_path)] == ["two"]
    assert answers(rename_run(tmp_path, "two", "one")) == before


def test_a_renamed_run_can_be_gone_on_with(tmp_path: Path, run: RunFolder) -> None:
    renamed = rename_run(tmp_path, run.name, "two")
    with RunStore.open(renamed, writable=True) as store:
        store.record_step(41, {"total": 1.0})
    assert read_status(renamed).step == 41


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        ("one", "There is a run or a file 'one' already"),
        ("other", "There is a run or a file 'other' already"),
        ("file", "There is a run or a file 'file' already"),
        ("../up", "A run name is 1 to 64 letters"),
        ("", "A run name is 1 to 64 letters"),
    ],
)
def test_a_name_that_is_bad_or_taken_is_refused(
    tmp_path: Path, run: RunFolder, new: str, sentence: str
) -> None:
    (tmp_path / "other").mkdir()  # an empty folder would be replaced by a bare rename
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=sentence):
        rename_run(tmp_path, "one", new)
    assert run.is_run
    assert (tmp_path / "other").is_dir()


@pytest.mark.parametrize("act", [remove_run, lambda *where: rename_run(*where, "new")])
def test_what_there_is_no_run_of_is_refused(tmp_path: Path, act) -> None:
    (tmp_path / "no-run").mkdir()
    with pytest.raises(ValueError, match="There is no run 'no-run'"):
        act(tmp_path, "no-run")
    assert (tmp_path / "no-run").is_dir()


@pytest.mark.parametrize("act", [remove_run, lambda *where: rename_run(*where, "new")])
def test_never_a_run_that_trains(tmp_path: Path, act) -> None:
    folder = create_run(tmp_path, "one")
    with RunStore.create(folder) as store:
        store.set_status(state=RunState.PAUSED)
        with pytest.raises(ValueError, match="Run 'one' is paused: stop it first"):
            act(tmp_path, "one")
        store.record_evaluation(1, {"map50": 0.5})
        store.set_status(state=RunState.STOPPED)
    act(tmp_path, "one")
    assert not folder.is_run


@pytest.mark.parametrize("act", [remove_run, lambda *where: rename_run(*where, "new")])
@pytest.mark.parametrize("place", ["surveys/val-40", "evaluation"])
def test_never_one_that_a_job_is_at_work_on(
    tmp_path: Path, run: RunFolder, act, place: str
) -> None:
    (run.path / place).mkdir(exist_ok=True)
    file = run.path / place / "status.json"
    me = ProcessIdentity.current()
    write_job(file, JobStatus(JobState.RUNNING, process=me))
    with pytest.raises(ValueError, match=f"A job is at work on {place} of run 'one'"):
        act(tmp_path, "one")
    write_job(file, JobStatus(JobState.STOPPED, process=me))
    act(tmp_path, "one")


def test_never_one_that_another_computer_writes(tmp_path: Path, run: RunFolder) -> None:
    def heartbeat(seconds: float) -> None:
        with sqlite3.connect(run.database) as connection:
            connection.execute(
                "UPDATE status SET state = 'running', pid = 1, boot = 'another', heartbeat = ?",
                (time.time() - seconds,),
            )

    heartbeat(5)
    with pytest.raises(ValueError, match="by a process that is not on this computer"):
        check_idle(run)
    heartbeat(90)
    remove_run(tmp_path, "one")


@pytest.mark.parametrize("act", [remove_run, lambda *where: rename_run(*where, "new")])
def test_one_that_is_resumed_between_the_look_and_the_move_is_put_back(
    tmp_path: Path, run: RunFolder, monkeypatch: pytest.MonkeyPatch, act
) -> None:
    look, looks = check_idle, []

    def resumed_after(folder: RunFolder) -> None:
        looks.append(folder.name)
        if len(looks) == 2:
            raise ValueError("it runs")
        look(folder)

    monkeypatch.setattr(moving, "check_idle", resumed_after)
    with pytest.raises(ValueError, match="Run 'one' was started just now"):
        act(tmp_path, "one")
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    assert read_status(run).state is RunState.FINISHED


def test_a_deleted_run_is_gone_with_all_that_is_in_it(tmp_path: Path, run: RunFolder) -> None:
    create_run(tmp_path, "stays")
    remove_run(tmp_path, run.name)
    assert [path.name for path in tmp_path.iterdir()] == ["stays"]


@pytest.mark.usefixtures("run")
def test_of_a_link_only_the_link_goes(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "linked").symlink_to(tmp_path / "one", target_is_directory=True)
    rename_run(elsewhere, "linked", "renamed")
    remove_run(elsewhere, "renamed")
    assert list(elsewhere.iterdir()) == []
    assert read_status(RunFolder(tmp_path / "one")).state is RunState.FINISHED


def test_a_damaged_run_can_be_deleted(tmp_path: Path) -> None:
    folder = create_run(tmp_path, "torn")
    folder.database.write_bytes(b"torn")
    remove_run(tmp_path, "torn")
    assert list_runs(tmp_path) == []


def test_what_cannot_be_deleted_is_a_sentence_that_says_where_it_lies(
    tmp_path: Path, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(moving.shutil, "rmtree", refuse)
    with pytest.raises(ValueError, match=r"Permission denied.*What is left .* \S+\.gone-one\."):
        remove_run(tmp_path, run.name)
    assert list_runs(tmp_path) == []


def test_what_a_killed_deletion_left_is_swept_up(tmp_path: Path) -> None:
    left = tmp_path / ".gone-one.1.999999999"
    left.mkdir()
    create_run(tmp_path, "next")
    assert not left.exists()
