"""Where the dashboard looks."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The repository root."""


def checkpoints_folder() -> Path:
    """The folder that holds the runs: $DETECTOR_CHECKPOINTS, or `checkpoints` in the root.

    It need not exist.
    """
    chosen = os.environ.get("DETECTOR_CHECKPOINTS")
    return Path(chosen).expanduser().resolve() if chosen else ROOT / "checkpoints"
