"""The one undisturbed run that tests compare others with; a loop that only listens."""

import pytest

from tests.training.control_loop import Loop
from tests.training.runs_by_command import whole_run
from yolo_core.runs.layout import create_run
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore


@pytest.fixture(scope="session")
def whole():
    """The checkpoints folder of the run "whole"."""
    return whole_run()[0]


@pytest.fixture
def store(tmp_path):
    with RunStore.create(create_run(tmp_path, "run")) as store:
        store.set_status(state=RunState.RUNNING)
        yield store


@pytest.fixture
def loop(store):
    return Loop(store)
