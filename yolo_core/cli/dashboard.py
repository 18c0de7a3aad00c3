"""`detector-debugger`: opens the dashboard on this machine, in a browser."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import runpy
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from yolo_core.cli.options import add_checkpoints


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser("dashboard", help="open the dashboard", description=__doc__)
    parser.add_argument("--port", type=int, help="port on localhost (default: 8501 or the next)")
    parser.add_argument("--headless", action="store_true", help="open no browser")
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="folder with pictures of your own, which the pages offer; repeatable",
    )
    parser.add_argument(
        "streamlit",
        nargs="*",
        metavar="-- --OPTION VALUE",
        help="options of Streamlit's server, after two dashes",
    )
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Serves the pages until Ctrl-C, as `streamlit run dashboard/app.py` does in a checkout."""
    if importlib.util.find_spec("streamlit") is None:
        raise ModuleNotFoundError(name="streamlit")
    home = _home()
    command = ["run", str(home / "dashboard/app.py"), *_settings(home / ".streamlit/config.toml")]
    if arguments.port is not None:
        command.append(f"--server.port={arguments.port}")
    if arguments.headless:
        command.append("--server.headless=true")
    checkpoints = arguments.checkpoints.expanduser().resolve()
    os.environ["DETECTOR_CHECKPOINTS"] = str(checkpoints)
    for folder in arguments.data:
        if not folder.expanduser().is_dir():
            raise ValueError(f"--data takes a folder; received {folder}, which is none.")
    if arguments.data:
        folders = [str(folder.expanduser().resolve()) for folder in arguments.data]
        os.environ["DETECTOR_DEBUGGER_DATA"] = os.pathsep.join(folders)
    print(f"Runs are kept in {checkpoints}", flush=True)
    sys.argv = ["streamlit", *command, *arguments.streamlit]
    # What "python -m streamlit" does, but the current folder is not put on the path: whatever
    # Python files lie beside somebody's runs are none of the dashboard's.
    runpy.run_module("streamlit", run_name="__main__")
    return 0


def _home() -> Path:
    """The folder of `dashboard/` and `.streamlit/`: a wheel's own, or the repository root."""
    beside = Path(__file__).resolve().parents[2]
    for folder in (beside / "detector_debugger", beside):
        if (folder / "dashboard/app.py").is_file():
            return folder
    raise ValueError(f"The dashboard's pages were not installed beside yolo_core, in {beside}.")


def _settings(config: Path) -> Iterator[str]:
    """Options of `streamlit run` that say what a config.toml says; Streamlit would not look there.

    One that is given again further on counts instead.
    """

    def options(table: Mapping[str, Any], prefix: str) -> Iterator[str]:
        for name, value in table.items():
            if isinstance(value, dict):
                yield from options(value, f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}={value if isinstance(value, str) else json.dumps(value)}"

    return options(tomllib.loads(config.read_text(encoding="utf-8")), "--")
