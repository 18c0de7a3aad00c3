"""The status file of a job: what is written is read, and nothing in it is believed of the dead."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from pathlib import Path

import pytest

from yolo_core.jobs.process import ProcessIdentity
from yolo_core.jobs.status import Job, JobState, JobStatus, read_job, stop_job, write_job


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "val-3").mkdir()
    return tmp_path / "val-3" / "status.json"


def at_work(state: JobState = JobState.RUNNING, **fields: object) -> JobStatus:
    me = ProcessIdentity.current()
    return JobStatus(state, process=me, done=16, total=40, rate=80.0, **fields)


def test_what_is_written_is_read(file):
    for status in (at_work(), at_work(JobState.STARTING), JobStatus(JobState.FAILED, "Why.")):
        write_job(file, status)
        assert read_job(file) == status


def test_the_time_left_is_at_the_present_rate():
    assert at_work().seconds_left == 0.3
    assert dataclasses.replace(at_work(), rate=None).seconds_left is None
    assert dataclasses.replace(at_work(), done=41).seconds_left == 0.0
    assert dataclasses.replace(at_work(), state=JobState.STOPPED).seconds_left is None


@pytest.mark.parametrize("gone", [None, ProcessIdentity(os.getpid(), started=1.0)])
def test_one_whose_process_is_gone_reads_as_lost_and_cannot_be_stopped(file, gone):
    write_job(file, dataclasses.replace(at_work(), process=gone))
    status = read_job(file)
    assert (status.state, status.done) == (JobState.LOST, 16)
    assert status.message == "The process ended without saying why; start it again to go on."
    with pytest.raises(ValueError, match="No process is at work on val-3: it is lost"):
        stop_job(file)


def test_one_that_starts_says_what_it_is_busy_with_and_for_how_long(file):
    long_ago = time.time() - 14
    for state, message in (
        (JobState.STARTING, "Compiling, 14 s so far."),
        (JobState.RUNNING, "Compiling."),
    ):
        write_job(file, at_work(state, message="Compiling."))
        os.utime(file, (long_ago, long_ago))
        assert read_job(file).message == message


def test_a_survey_of_an_earlier_version_is_finished(file):
    fields = {"state": "done", "done": 40, "total": 40, "rate": None, "message": ""}
    process = {"pid": 5, "started": 1.7e9}
    file.write_text(json.dumps({**fields, "checkpoint": "ab12", "process": process}))
    assert read_job(file) == JobStatus(
        JobState.FINISHED, "", ProcessIdentity(5, 1.7e9), 40, 40, None, "ab12"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", ", line 1, column 1: not valid JSON (Expecting value)."),
        ("\x00", ", line 1, column 1: not valid JSON (Expecting value)."),
        ("[" * 100_000, " holds lists and objects nested more than 32 deep."),
        ("[]", " must hold one JSON object; received list."),
        ("{}", " is no status file of a job."),
        ('{"state": "dancing"}', " is no status file of a job."),
        (
            '{"state": "finished", "done": Infinity, "total": 1, "rate": null, "message": "", '
            '"checkpoint": "", "process": null}',
            " is no status file of a job.",
        ),
    ],
    ids=["empty", "zero", "deep", "list", "nothing", "state", "infinite"],
)
def test_a_foreign_file_is_a_sentence(file, text, sentence):
    file.write_text(text)
    assert read_job(file) == JobStatus(JobState.UNREADABLE, f"{file}{sentence}")


def test_a_missing_file_and_a_folder_in_its_place(file):
    assert read_job(file).message == f"{file} does not exist."
    file.mkdir()
    assert read_job(file).message == f"{file} cannot be read: Is a directory."


def test_a_job_says_what_it_does_and_how_it_ended(file):
    seen = []
    job = Job(file, JobStatus(JobState.STARTING, total=40), seen.append)
    assert read_job(file) == JobStatus(
        JobState.STARTING, process=ProcessIdentity.current(), total=40
    )

    def work():
        job.say(state=JobState.RUNNING, done=16, rate=80.0)
        assert read_job(file).done == 16
        raise RuntimeError("out of\nluck")

    ended = job.run(work)
    assert ended == read_job(file) == seen[-1]
    assert (ended.state, ended.message) == (JobState.FAILED, "RuntimeError: out of")
    assert (ended.done, ended.rate) == (16, None)
    assert [status.state for status in seen] == ["starting", "running", "failed"]


def test_a_job_without_a_place_for_its_status_ends_all_the_same(file):
    job = Job(file, JobStatus(JobState.STARTING))
    file.unlink()
    file.parent.rmdir()
    ended = job.run(lambda: job.say(done=1))
    assert ended.state is JobState.FAILED
    assert ended.message == f"{file} cannot be written: No such file or directory."
