"""Options that several commands share."""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path

NICENESS = 10


def add_checkpoints(parser: argparse.ArgumentParser) -> None:
    """Adds `--checkpoints DIR`."""
    parser.add_argument(
        "--checkpoints",
        type=Path,
        metavar="DIR",
        default=Path(os.environ.get("DETECTOR_CHECKPOINTS", "checkpoints")),
        help="folder of all runs (default: DETECTOR_CHECKPOINTS, else checkpoints)",
    )


def add_classes(parser: argparse.ArgumentParser) -> None:
    """Adds `--classes NAME...`."""
    parser.add_argument(
        "--classes",
        nargs="+",
        metavar="NAME",
        help="classes of one's own pictures to keep (default: all)",
    )


def add_names(parser: argparse.ArgumentParser) -> None:
    """Adds `--names FILE`."""
    parser.add_argument(
        "--names",
        metavar="FILE",
        help="names of the network's classes, one a line, where one's own pictures have only some "
        "of them, or in another order",
    )


def add_json(parser: argparse._ActionsContainer, what: str) -> None:
    """Adds `--json`."""
    parser.add_argument("--json", action="store_true", help=what)


def add_low_priority(parser: argparse.ArgumentParser) -> None:
    """Adds `--low-priority`; `step_back` does what it says."""
    parser.add_argument(
        "--low-priority",
        action="store_true",
        help="take the processor only while nobody else needs it; on a busy machine that can be "
        "hardly ever",
    )


def step_back() -> None:
    """Lets this process, with all threads to come, take turns after the others."""
    if os.name != "posix":
        return
    os.nice(NICENESS)
    # Linux shares the processor out by session first, and there the number above counts for
    # nothing; see "autogroup" in sched(7). A terminal's other programs are not ours to slow down.
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(NICENESS), encoding="ascii")
