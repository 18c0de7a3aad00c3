"""Starting and stopping the surveying process."""

import os
import sys

import psutil
import pytest

from tests.waiting import wait_for
from yolo_core.jobs.status import JobState, read_job, stop_job
from yolo_core.runs.layout import RunFolder
from yolo_core.survey.launcher import start_survey

FAKE = (sys.executable, "-m", "tests.survey.fake_survey")


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "one")
    run.path.mkdir()
    run.config.write_text("{}")
    return run


def start(run, split, **options):
    return start_survey(run, split=split, count=40, step=7, command=FAKE, **options)


def test_returns_with_a_survey_that_has_a_status_and_stops_it(run):
    folder = start(run, "val")
    status = read_job(folder.status)
    assert (folder.name, status.state, status.total) == ("val-7", JobState.RUNNING, 40)
    assert os.getsid(status.process.pid) == status.process.pid != os.getsid(0)
    stop_job(folder.status)
    wait_for(lambda: not read_job(folder.status).is_live)
    assert read_job(folder.status).state is JobState.STOPPED
    assert folder.log.is_file()
    assert not list(run.path.parent.glob(".starting-*"))


def test_what_it_says_before_it_ends_is_told(run):
    with pytest.raises(ValueError, match=r"^there is nothing to look at$"):
        start(run, "test")
    assert not list(run.path.parent.glob(".starting-*"))


def test_a_silent_one_is_left_alone(run):
    assert start(run, "train", timeout=0.1) is None
    (silent,) = (
        child for child in psutil.Process().children() if str(run.path.parent) in child.cmdline()
    )
    silent.kill()
