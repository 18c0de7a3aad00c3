"""A survey: stopped, taken up, made longer, refused. Nothing is trained here."""

import json
import os
import shutil

import pytest

from tests.dashboard.sample_run import LAST_STEP
from tests.survey.made_up import Looker, add_checkpoint, make_surveyable
from yolo_core.jobs.status import (
    JobState,
    read_job,
)
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.store import RunStore
from yolo_core.survey import worker
from yolo_core.survey.folder import list_surveys
from yolo_core.survey.records import records
from yolo_core.survey.table import read_table
from yolo_core.survey.worker import Survey


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_surveyable(tmp_path_factory.mktemp("runs"), "one")


@pytest.fixture
def run(tmp_path, template):
    return RunFolder(shutil.copytree(template.path, tmp_path / "one"))


@pytest.fixture
def looker(monkeypatch):
    looker = Looker()
    monkeypatch.setattr(worker, "_looker", looker)
    return looker


def after(chunks, looker):
    """Asked to stop once so many chunks were looked at."""
    return lambda: len(looker.chunks) >= chunks


@pytest.mark.slow
def test_every_sample_is_looked_at_and_kept_with_the_run(run, looker):
    database = run.database.read_bytes()
    seen = []
    survey = Survey(run, count=40, report=seen.append)
    status = survey.run()
    assert (status.state, status.done, status.total) == (JobState.FINISHED, 40, 40)
    assert [(each.state, each.message) for each in seen[:4]] == [
        (JobState.STARTING, ""),
        (JobState.STARTING, "Importing TensorFlow and making the network."),
        (JobState.STARTING, "Compiling the network."),
        (JobState.RUNNING, ""),
    ]
    assert looker.chunks == [0, 1, 2]
    assert [each.name for each in list_surveys(run)] == [f"val-{LAST_STEP}"]
    table = read_table(survey.folder.table)
    assert table.samples.name.tolist() == [f"val/{k}" for k in range(40)]
    assert not survey.folder.weights.exists()
    assert run.database.read_bytes() == database


@pytest.mark.usefixtures("looker")
def test_its_records_lead_to_samples_with_that_total(run):
    Survey(run, count=20).run()
    found = records(run)
    assert len(found) == 20
    for record in (found[3], found[17]):
        view = read_snapshot(record.file).sample(record.sample)
        assert (record.kind, record.step) == ("survey", LAST_STEP)
        assert record.total == pytest.approx(view.total, rel=1e-6)
        assert record.terms == pytest.approx(view.terms, rel=1e-6)


def test_one_that_was_stopped_goes_on_where_it_was(run, looker):
    stopped = Survey(run, count=40)
    assert stopped.run(after(2, looker)).state is JobState.STOPPED
    assert (read_job(stopped.folder.status).done, read_job(stopped.folder.status).total) == (32, 40)
    assert len(read_table(stopped.folder.table).samples.name) == 32
    looker.chunks.clear()
    assert Survey(run, count=40).run().done == 40
    assert looker.chunks == [2]


def test_one_that_is_there_is_made_longer_and_shows_what_was_asked_for_last(run, looker):
    survey = Survey(run, count=20)
    whole = survey.run()
    assert (whole.message, survey.folder.weights.exists()) == ("", False)
    looker.chunks.clear()
    again = Survey(run, count=10).run()
    assert (again.done, again.total, looker.chunks) == (10, 10, [])
    assert "The first 10, as asked for. More were looked at before" in again.message
    assert [each.sample for each in records(run)] == [f"val/{k}" for k in range(10)]
    assert Survey(run, count=16).run().message
    assert (Survey(run, count=20).run().message, looker.chunks) == ("", [])
    assert len(records(run)) == 20
    longer = Survey(run, count=50).run()
    # The chunk with four of its sixteen samples is made whole.
    assert (longer.done, looker.chunks) == (50, [1, 2, 3])
    assert len(records(run)) == 50


def test_a_damaged_file_is_made_again(run, looker):
    survey = Survey(run, count=40)
    survey.run()
    survey.folder.chunk(1).write_bytes(b"torn")
    looker.chunks.clear()
    assert Survey(run, count=40).run().done == 40
    assert looker.chunks == [1, 2]


@pytest.mark.slow
def test_a_checkpoint_that_was_written_anew_is_another_survey(run, looker):
    Survey(run, count=20).run()
    looker.chunks.clear()
    add_checkpoint(run, data=b"other weights")
    assert Survey(run, count=10).run().total == 10
    assert looker.chunks == [0]


def test_one_that_was_stopped_needs_the_training_s_checkpoint_no_more(run, looker):
    path = add_checkpoint(run, 10, b"early")
    Survey(run, count=40, step=10).run(after(1, looker))
    path.unlink()
    worker_store = RunStore.open(run, writable=True)
    worker_store.forget_checkpoint(10)
    worker_store.close()
    assert Survey(run, count=40, step=10).run().state is JobState.FINISHED
    with pytest.raises(ValueError, match=f"no checkpoint of step 10; it has those of {LAST_STEP}"):
        Survey(run, count=50, step=10)


def test_a_failure_is_a_sentence_in_the_status(run, monkeypatch):
    def broken(*_):
        raise RuntimeError("the network\nis gone")

    monkeypatch.setattr(worker, "_looker", broken)
    status = Survey(run, count=3).run()
    assert status.state is JobState.FAILED
    assert read_job(list_surveys(run)[0].status).message == "RuntimeError: the network"


@pytest.mark.usefixtures("looker")
def test_more_than_may_lie_on_disk_is_refused_with_what_may(run):
    config = json.loads(run.config.read_text())
    config["training"]["snapshot_megabytes"] = 1
    run.config.write_text(json.dumps(config))
    status = Survey(run, count=500).run()
    assert status.state is JobState.FAILED
    assert "500 samples would take" in status.message
    assert "may take 1 MB (snapshot_megabytes in its config.json): ask for" in status.message


@pytest.mark.usefixtures("looker")
def test_older_surveys_of_the_run_make_room(run):
    Survey(run, split="test", count=16).run()
    size = list_surveys(run)[0].bytes()
    config = json.loads(run.config.read_text())
    config["training"]["snapshot_megabytes"] = max(1, round(size * 1.5 / 1e6))
    run.config.write_text(json.dumps(config))
    count = int(config["training"]["snapshot_megabytes"] * 1e6 / size * 16 * 0.8)
    status = Survey(run, count=count).run()
    assert status.state is JobState.FINISHED, status.message
    assert f"the surveys test-{LAST_STEP}" in status.message
    assert [each.split for each in list_surveys(run)] == ["val"]


@pytest.mark.usefixtures("looker")
def test_two_do_not_write_to_one(run):
    first = Survey(run, count=3)
    with pytest.raises(ValueError, match=f"Process {os.getpid()} is at work on the survey"):
        Survey(run, count=3)
    assert first.run().state is JobState.FINISHED


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"split": "all"}, "A survey is of val, test, train; received 'all'"),
        ({"count": 0}, "1 to 10000 samples; received 0"),
        ({"step": 7}, f"no checkpoint of step 7; it has those of {LAST_STEP}"),
    ],
)
def test_what_cannot_be_surveyed_is_refused(run, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        Survey(run, **options)
    assert list_surveys(run) == []


def test_other_things_in_the_folder_are_no_surveys(run):
    for name in ("val-007", "all-3", "val-", "notes"):
        (run.path / "surveys" / name).mkdir(parents=True)
    (run.path / "surveys" / "val-8").write_text("a file")
    assert list_surveys(run) == []
    assert records(run) == []
