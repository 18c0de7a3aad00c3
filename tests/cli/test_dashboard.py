"""`detector-debugger`: what it starts, with which settings, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import yolo_core
from yolo_core.__main__ import console

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """What `python -m streamlit` was called with; it is not started."""
    calls: list[list[str]] = []
    monkeypatch.setattr(runpy, "run_module", lambda *_, **__: calls.append(sys.argv[1:]))
    # Both are changed by the command, and put back after the test.
    monkeypatch.setenv("DETECTOR_CHECKPOINTS", "")
    monkeypatch.delenv("DETECTOR_CHECKPOINTS")
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.chdir(tmp_path)
    return calls


def call(*arguments: str) -> int:
    sys.argv = ["/somewhere/bin/detector-debugger", *arguments]
    return console()


def parsed(arguments: list[str]) -> dict[str, Any]:
    """The options as Streamlit reads them: `server_port` and the like."""
    from streamlit.web.cli import main_run

    return main_run.make_context("run", list(arguments)).params


def test_it_opens_the_pages_on_the_runs_of_the_current_folder(
    served: list[list[str]], tmp_path: Path
) -> None:
    assert call() == 0
    ((run, page, *_),) = served
    assert (run, page) == ("run", str(ROOT / "dashboard/app.py"))
    assert os.environ["DETECTOR_CHECKPOINTS"] == str(tmp_path / "checkpoints")


def test_options_say_where_the_runs_are_and_how_it_is_served(
    served: list[list[str]], tmp_path: Path
) -> None:
    assert call("--checkpoints", "mine", "--port", "8600", "--headless") == 0
    assert os.environ["DETECTOR_CHECKPOINTS"] == str(tmp_path / "mine")
    options = parsed(served[0][1:])
    assert options["server_port"] == 8600
    assert options["server_headless"] is True


def test_the_server_gets_every_setting_of_the_checkout(served: list[list[str]]) -> None:
    call()
    options = parsed(served[0][1:])

    def check(table: dict[str, Any], prefix: str) -> int:
        held = 0
        for name, value in table.items():
            if isinstance(value, dict):
                held += check(value, f"{prefix}{name}_")
                continue
            received = options[prefix + name]
            # What Streamlit takes as text it reads as JSON where it means a list or a flag.
            is_text = isinstance(received, str) and not isinstance(value, str)
            assert (json.loads(received) if is_text else received) == value
            held += 1
        return held

    settings = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))
    assert check(settings, "") >= 10
    assert options["server_address"] == "localhost"


def test_what_follows_two_dashes_wins_over_the_settings(served: list[list[str]]) -> None:
    call("--", "--server.address", "192.0.2.1", "--server.fileWatcherType=auto")
    options = parsed(served[0][1:])
    assert options["server_address"] == "192.0.2.1"
    assert options["server_fileWatcherType"] == "auto"


def test_its_other_commands_are_those_of_the_package(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", [])
    assert call("runs", "--checkpoints", str(tmp_path)) == 0
    assert capsys.readouterr().out.startswith(f"No runs in {tmp_path}.")
    with pytest.raises(SystemExit) as ended:
        call("--help")
    assert ended.value.code == 0
    assert "usage: detector-debugger" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        call("--version")
    assert capsys.readouterr().out.strip() == yolo_core.__version__


@pytest.mark.slow
@pytest.mark.parametrize(
    ("missing", "arguments"), [("pydantic", "train"), ("psutil", "--help"), ("streamlit", "")]
)
def test_without_an_extra_it_says_what_to_install(missing: str, arguments: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = {arguments.split()!r}\n"
        "from yolo_core.__main__ import console; sys.exit(console())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr == (
        f"error: This needs {missing}, which is not installed; "
        "pip install 'detector-debugger[dashboard]' brings all that the commands need.\n"
    )
