"""The one undisturbed run, and the command line in this process."""

import functools

import pytest

from tests.training.runs_by_command import command, whole_run
from yolo_core import __main__


@pytest.fixture(scope="session")
def whole():
    """The checkpoints folder of the run "whole", and what --json printed of it."""
    return whole_run()


@pytest.fixture
def cli(tmp_path):
    """cli("runs", "--json"): the finished process, with an empty checkpoints folder."""
    return functools.partial(command, checkpoints=tmp_path / "runs")


@pytest.fixture
def ask(tmp_path, capsys):
    """Runs a command on `tmp_path`; gives the exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = __main__.main([*arguments, "--checkpoints", str(tmp_path)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
