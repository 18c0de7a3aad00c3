"""What can be exported, under which names, and how it gets there: whole, and over nothing else."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from yolo_core.files import cannot_write

FULL = "No space left on device"


@dataclasses.dataclass(frozen=True)
class Kind:
    """Something that a run can be exported to.

    Attributes:
        about: What it is, for a list of choices.
        endings: Of the files that it is, behind one stem; "" for a folder.
        inside: The file that a folder of it has, by which it is known.
        needs: Packages beyond those of a training.
    """

    about: str
    endings: tuple[str, ...]
    inside: str = ""
    needs: tuple[str, ...] = ()


KINDS = {
    "csv": Kind("steps, evaluations and events as tables", ("",), "steps.csv"),
    "keras": Kind("the network as a Keras file", (".keras",)),
    "saved_model": Kind("the network as a SavedModel of TensorFlow", ("",), "saved_model.pb"),
    "onnx": Kind("the network for ONNX Runtime", (".onnx",), needs=("tf2onnx", "onnx")),
    "coco-json": Kind("detections as a COCO result file", (".json", "-objects.json")),
    "darknet": Kind(".cfg, .weights and .names", (".cfg", ".weights", ".names")),
}
NETWORKS = ("keras", "saved_model", "onnx")
"""The kinds that can have their decoding in them."""


def targets(kind: str, out: Path, *, force: bool) -> tuple[Path, ...]:
    """The files, or the folder, that an export writes.

    Args:
        kind: One of `KINDS`.
        out: Where it is to go; of several files any one of them, or their stem.
        force: Whether they may replace others.

    Raises:
        ValueError: Something is missing for that kind, or is in the way.
    """
    lacking = [name for name in KINDS[kind].needs if find_spec(name) is None]
    if lacking:
        raise ValueError(
            f"Export to {kind} needs {' and '.join(lacking)}, which this environment has not; "
            "pip install 'detector-debugger[export]' brings it."
        )
    endings = KINDS[kind].endings
    # The longest first: "-objects.json" ends in ".json", too.
    known = next((each for each in sorted(endings, key=len)[::-1] if str(out).endswith(each)), "")
    stem = str(out)[: len(str(out)) - len(known)]
    paths = tuple(Path(stem + each) for each in endings)
    if not paths[0].absolute().parent.is_dir():
        raise ValueError(f"There is no folder {paths[0].absolute().parent} to export into.")
    for path in paths:
        _check(kind, path, force)
    return paths


def _check(kind: str, path: Path, force: bool) -> None:
    inside = KINDS[kind].inside
    empty = path.is_dir() and not any(path.iterdir())
    if not os.path.lexists(path) or (inside and empty):
        return
    if not force:
        raise ValueError(f"{path} is there already: --force replaces it, --out names another.")
    if path.is_dir() and not (inside and (path / inside).is_file()):
        raise ValueError(f"{path} is a folder of something else, and stays: --out names another.")


@contextlib.contextmanager
def made_beside(path: Path, name: str = "") -> Iterator[Path]:
    """A place to make a file or folder in, which is then moved to its name.

    Args:
        path: Its name; what lies there goes.
        name: What it is called while it is made; a writer may insist on an ending.

    Raises:
        ValueError: The disk is full, or the place is not writable.
    """
    room = None
    try:
        room = Path(tempfile.mkdtemp(prefix=".export-", dir=path.absolute().parent))
        made = room / (name or path.name)
        yield made
        if made.is_dir() and path.is_dir():
            os.replace(path, room / "earlier")
        os.replace(made, path)
    except OSError as error:
        raise ValueError(cannot_write(path, error)) from None
    except Exception as error:  # TensorFlow and HDF5 have kinds of their own for that
        if FULL in str(error):
            full = OSError(errno.ENOSPC, FULL)
            raise ValueError(cannot_write(path, full)) from None
        raise
    finally:
        if room is not None:
            shutil.rmtree(room, ignore_errors=True)
