"""What a run was trained with: Python, packages, processors, command line."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import sys
from collections.abc import Sequence

from yolo_core.files import replace_file
from yolo_core.runs.layout import RunFolder

_VERSION = 1
_PACKAGES = (
    "tensorflow",
    "keras",
    "numpy",
    "pandas",
    "scikit-learn",
    "pydantic",
    "psutil",
    "pillow",
    "faster-coco-eval",
    "streamlit",
    "plotly",
    "jax",
    "torch",
)


def write_environment(folder: RunFolder, *, devices: Sequence[str] = ()) -> None:
    """Writes `environment.json`, without paths, user names or host names.

    Args:
        folder: The run's folder, which exists.
        devices: Names of the devices that train, such as "GPU: NVIDIA H100".

    Raises:
        ValueError: The disk is full, or the place is not writable.
    """
    fields = {
        "version": _VERSION,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "packages": _package_versions(),
        "cpu_count": os.cpu_count(),
        "devices": list(devices),
        "command": _command(sys.argv),
    }
    replace_file(folder.environment, json.dumps(fields, indent=2) + "\n")


def _package_versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _command(arguments: Sequence[str]) -> list[str]:
    program, *rest = arguments or [""]
    folder, name = os.path.split(program)
    if name == "__main__.py":
        start = ["python", "-m", os.path.basename(folder)]
    else:
        start = ["python", name] if name.endswith(".py") else [name]
    return [*start, *(_without_folder(argument) for argument in rest)]


def _without_folder(argument: str) -> str:
    """Leaves of a path that leads out of the working folder its last part only."""
    option, equals, value = argument.rpartition("=")
    if os.path.isabs(value) or re.match(r"~|\.\.[/\\]|[A-Za-z]:[/\\]", value):
        value = ".../" + re.split(r"[/\\]", value.rstrip("/\\"))[-1]
    return f"{option}{equals}{value}"
