"""`python -m yolo_core inspect --cfg FILE --weights FILE --data DATA`: look at it without training.

A run is made that stands at step 0: the network with its weights, snapshots of the pinned samples,
an evaluation and a checkpoint, so that every page can show it. Then the dashboard opens on it.
"""

from __future__ import annotations

import argparse
import socket
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from typing import Any
from urllib.parse import urlencode

from yolo_core.cli import dashboard, train
from yolo_core.cli.options import add_checkpoints, add_classes, add_names
from yolo_core.data.registry import open_source
from yolo_core.jobs.interrupt import Interrupt
from yolo_core.runs.layout import find_run, new_run_name
from yolo_core.runs.status import RunState, read_status
from yolo_core.training.darknet_setup import first_weights

DEFAULT_PORT = 8501
_PATIENCE_SECONDS = 60


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "inspect",
        help="open the dashboard on a network of Darknet, without training",
        description=__doc__,
    )
    parser.add_argument(
        "--cfg", required=True, metavar="FILE|NAME", help="a .cfg, or the name of a known network"
    )
    parser.add_argument("--weights", required=True, metavar="FILE", help="its .weights")
    parser.add_argument("--data", required=True, help="such as voc:DIR")
    parser.add_argument("--pictures", metavar="DIR", help="folder of the pictures of a COCO file")
    parser.add_argument(
        "--image-size", help="such as 416 or 320x256 (default: that of the .cfg, else 416)"
    )
    parser.add_argument("--run", metavar="NAME", help="name of the run (default: a free one)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port on localhost")
    parser.add_argument("--headless", action="store_true", help="open no browser")
    parser.add_argument("--no-dashboard", action="store_true", help="only make the run")
    add_classes(parser)
    add_names(parser)
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Makes the run and serves the pages; returns 1 where the network could not be looked at."""
    checkpoints = arguments.checkpoints
    if not arguments.no_dashboard:
        _check_port(arguments.port)
    name = arguments.run or new_run_name(checkpoints, "inspect")
    code = _make(arguments, name)
    status = read_status(find_run(checkpoints, name))
    if code or status.state is not RunState.STOPPED:
        return code or 1
    address = f"http://localhost:{arguments.port}/inspect?{urlencode({'run': name})}"
    print(f"Run {name} stands at step 0: {address}", flush=True)
    if arguments.no_dashboard:
        return 0
    if not arguments.headless:
        threading.Thread(target=_open, args=(address, arguments.port), daemon=True).start()
    return dashboard.run(
        argparse.Namespace(
            port=arguments.port,
            headless=True,
            data=[],
            streamlit=[],
            checkpoints=checkpoints,
        )
    )


def _make(arguments: argparse.Namespace, name: str) -> int:
    """Trains nothing: the command to stop is there before the first step."""
    words = ["train", "--run", name, "--network", _network(arguments.cfg)]
    words += ["--weights", arguments.weights, "--data", arguments.data, "--batch-size", "1"]
    for option in ("pictures", "image_size", "names"):
        if getattr(arguments, option):
            words += [f"--{option.replace('_', '-')}", getattr(arguments, option)]
    words += ["--classes", *arguments.classes] if arguments.classes else []
    parser = argparse.ArgumentParser()
    train.add_parser(parser.add_subparsers())
    given = parser.parse_args([*words, "--checkpoints", str(arguments.checkpoints)])
    with Interrupt() as interrupt:
        config = train.asked_for(given)
        weights = first_weights(config, open_source(config.data))
        if not weights.keeps_head:
            raise ValueError(
                f"There are no heads of {arguments.cfg} to look at, as {weights.why}: expected a "
                "whole .weights file, and --names FILE with the names of its classes, one a line, "
                "where the data does not have them all."
            )
        store = train.created(given, config)
        for command in ("evaluate", "stop"):
            store.send(command, {"by": "command line"})
        return train.train_run(config, store, interrupt, as_json=False)


def _check_port(port: int) -> None:
    """A taken port is said before a run is made, not after it."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("localhost", port))
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise ValueError(
                f"--port takes a free port on localhost; received {port}: {why}."
            ) from None


def _network(cfg: str) -> str:
    from yolo_core.models.darknet.known import NAMES

    return cfg if cfg in NAMES else f"cfg:{cfg}"


def _open(address: str, port: int) -> None:
    """Opens the page once the server answers."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=2):
                webbrowser.open(address)
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
