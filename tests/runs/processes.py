"""Python code in a process of its own, as a training process or a second reader would run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PREAMBLE = """
import sys, time
from pathlib import Path
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import *
from yolo_core.runs.store import RunStore
folder = RunFolder(Path(sys.argv[1]))
def say(*words):
    print(*words, flush=True)
"""


def start(code: str, folder: Path) -> subprocess.Popen[str]:
    """Runs code that finds `folder`, `RunStore`, `say` and `time` there; its output is piped."""
    return subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + code, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> str:
    """Waits for the end, which must be a good one; returns what the process said."""
    out, error = process.communicate(timeout=60)
    if process.returncode:
        raise RuntimeError(f"The process ended with {process.returncode}: {error}")
    return out


def kill(process: subprocess.Popen[str]) -> None:
    """kill -9, and waits until the process is gone."""
    process.kill()
    process.communicate(timeout=60)
