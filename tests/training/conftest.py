"""The one undisturbed run that tests compare others with."""

import pytest

from tests.training.runs_by_command import whole_run


@pytest.fixture(scope="session")
def whole():
    """The checkpoints folder of the run "whole"."""
    return whole_run()[0]
