"""Where what is kept of one's own data lies: beside the run folders, never in the data's folder."""

from __future__ import annotations

import os
from pathlib import Path

NAME = ".data"
_folders: list[Path] = []


def kept_folder() -> Path:
    """The folder for indices and decoded pictures; it need not exist.

    It is in the folder that `keep_beside` was given, else in $DETECTOR_CHECKPOINTS, else in
    `checkpoints` in the current folder.
    """
    default = Path(os.environ.get("DETECTOR_CHECKPOINTS") or "checkpoints")
    return (_folders[-1] if _folders else default).expanduser().absolute() / NAME


def keep_beside(checkpoints: Path) -> None:
    """Names the folder of the runs for this process."""
    _folders[:] = [checkpoints]
