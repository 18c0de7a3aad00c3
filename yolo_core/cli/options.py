"""Options that several commands share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def add_checkpoints(parser: argparse.ArgumentParser) -> None:
    """Adds `--checkpoints DIR`."""
    parser.add_argument(
        "--checkpoints",
        type=Path,
        metavar="DIR",
        default=Path(os.environ.get("DETECTOR_CHECKPOINTS", "checkpoints")),
        help="folder of all runs (default: DETECTOR_CHECKPOINTS, else checkpoints)",
    )


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds `--json`."""
    parser.add_argument("--json", action="store_true", help=what)
