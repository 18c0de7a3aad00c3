"""`make run` as a newcomer types it: what it says when the machine is not ready for it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make` reads, in a folder of its own, without an environment."""
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    outside.pop("MFLAGS", None)
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=outside, capture_output=True, text=True, check=False
    )


def sentence(result: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error that is not make's own closing remark."""
    assert result.returncode != 0
    (line,) = (line for line in result.stderr.splitlines() if not line.startswith("make"))
    return line


def program(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(0o755)
    return path


def test_another_python_gets_one_sentence(checkout: Path) -> None:
    old = program(checkout / "old-python", "exit 1")
    said = sentence(make(checkout, "run", f"PYTHON={old}"))
    assert said.startswith("Python 3.11, 3.12 or 3.13 is needed")
    assert str(old) in said
    assert not (checkout / ".venv").exists()


def test_a_python_that_cannot_make_environments_gets_one_sentence(checkout: Path) -> None:
    bare = program(checkout / "bare-python", 'case "$2" in *ensurepip*) exit 1;; esac')
    said = sentence(make(checkout, "run", f"PYTHON={bare}"))
    assert said.startswith(f"{bare} cannot make virtual environments")


def test_a_half_made_environment_is_made_anew(checkout: Path) -> None:
    program(checkout / ".venv/bin/python", "echo yes")
    (checkout / ".venv/left-over").touch()
    # Makes an "environment" whose pip has nothing to do.
    whole = program(
        checkout / "whole-python",
        'test "$2" = venv || exit 0',
        "mkdir -p .venv/bin",
        "printf '#!/bin/sh\\necho yes\\n' > .venv/bin/python; chmod +x .venv/bin/python",
    )
    first = make(checkout, ".venv/.ready", f"PYTHON={whole}")
    assert first.returncode == 0, first.stderr
    assert not (checkout / ".venv/left-over").exists()
    assert (checkout / ".venv/.ready").exists()
    assert "up to date" in make(checkout, ".venv/.ready", f"PYTHON={whole}").stdout


def test_a_port_in_use_gets_one_sentence(checkout: Path) -> None:
    program(checkout / ".venv/bin/python", f'exec "{sys.executable}" "$@"')
    (checkout / ".venv/.ready").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = sentence(make(checkout, "run", f"PORT={port}"))
    assert said.startswith(f"Port {port} is in use")
    assert sentence(make(checkout, "run", "PORT=http")).startswith("Port http is in use or is not")
