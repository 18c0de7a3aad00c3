"""Checkpoints: everything a training needs to go on exactly, written whole or not at all."""

from __future__ import annotations

import io
import json
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np

from yolo_core.files import replace_file
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.store import RunStore
from yolo_core.training.detector import Detector

logger = logging.getLogger("yolo_core.training")

KEPT_CHECKPOINTS = 3
_FORMAT = "detector-debugger checkpoint"
_VERSION = 1


def checkpoint_path(folder: RunFolder, step: int) -> Path:
    """Where the checkpoint after `step` updates lies."""
    return folder.weights / f"step-{step:08d}.npz"


def write_checkpoint(path: Path, detector: Detector, state: dict[str, Any]) -> None:
    """Writes every variable of the detector and its optimizer, and the loop's own state.

    That is weights, moving statistics, seed generators (which Keras's own files lose), lambdas,
    `loss.step`, optimizer slots, and in `state` what is not a variable (step, learning rate,
    pinned samples).

    Raises:
        ValueError: The disk is full or the folder is not writable.
    """
    variables = _variables(detector)
    arrays = {str(index): variable.numpy() for index, variable in enumerate(variables)}
    meta = {
        "format": _FORMAT,
        "version": _VERSION,
        "variables": [variable.path for variable in variables],
        "state": state,
    }
    file = io.BytesIO()
    np.savez(file, meta=np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays)
    replace_file(path, file.getbuffer())


def read_checkpoint(
    path: Path, detector: Detector, *, with_optimizer: bool = True
) -> dict[str, Any]:
    """Sets every variable from a checkpoint, all of them or none.

    Args:
        path: The checkpoint.
        detector: A detector of the same network and loss.
        with_optimizer: False leaves the optimizer's variables out, which is enough to look at
            pictures: a GPU trains with other ones (of a scaled loss) than a CPU has.

    Returns:
        The `state` that was written with them.

    Raises:
        ValueError: The file is missing, damaged, or of another network or loss.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            meta = json.loads(file["meta"].tobytes())
            if meta["format"] != _FORMAT or meta["version"] != _VERSION:
                raise ValueError(f"it is {meta['format']} version {meta['version']}")
            names = meta["variables"]
            if not with_optimizer:
                names = names[: len(detector.variables)]
            arrays = [file[str(index)] for index in range(len(names))]
            state = meta["state"]
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist.") from None
    except Exception as error:
        # A damaged zip makes numpy raise a dozen kinds of errors; the file is at fault in all.
        raise ValueError(f"{path} is damaged or no checkpoint ({error}).") from None
    variables = _variables(detector) if with_optimizer else detector.variables
    expected = [(variable.path, tuple(variable.shape)) for variable in variables]
    received = [(name, array.shape) for name, array in zip(names, arrays, strict=True)]
    for wanted, found in zip(expected, received, strict=False):
        if (_unnumbered(wanted[0]), wanted[1]) != (_unnumbered(found[0]), found[1]):
            raise ValueError(
                f"{path} is of another network or loss: expected {wanted[0]} of shape "
                f"{wanted[1]}, received {found[0]} of shape {found[1]}."
            )
    if len(expected) != len(received):
        raise ValueError(
            f"{path} is of another network or loss: expected {len(expected)} variables, "
            f"received {len(received)}."
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    return state


def keep_checkpoint(store: RunStore, detector: Detector, state: dict[str, Any]) -> None:
    """Writes a checkpoint after `state["step"]` updates; of a run the last few stay.

    Raises:
        ValueError: As `write_checkpoint`.
    """
    path = checkpoint_path(store.folder, state["step"])
    write_checkpoint(path, detector, state)
    store.record_checkpoint(state["step"], path)
    for record in store.checkpoints()[:-KEPT_CHECKPOINTS]:
        store.forget_checkpoint(record.step)
        record.path.unlink(missing_ok=True)


def restore_newest(store: RunStore, detector: Detector) -> dict[str, Any] | None:
    """Sets every variable from the newest checkpoint of a run that can be read.

    Returns:
        Its `state`; None where the run has no checkpoint at all.

    Raises:
        ValueError: There are checkpoints, and not one can be read. The run stays as it is.
    """
    checkpoints = store.checkpoints()
    wrong: list[str] = []
    for record in reversed(checkpoints):
        try:
            state = read_checkpoint(record.path, detector)
        except ValueError as error:
            wrong.append(str(error))
            continue
        for damaged, sentence in zip(reversed(checkpoints), wrong, strict=False):
            logger.warning("%s", sentence)
            damaged.path.unlink(missing_ok=True)
        logger.info("Resuming from the checkpoint of step %d.", state["step"])
        return state
    if wrong:
        raise ValueError(f"No checkpoint of the run can be read. {' '.join(wrong)}")
    return None


def _unnumbered(path: str) -> str:
    """Without the numbers that Keras gives to the second and third of a kind in a process."""
    return re.sub(r"_\d+(?=[/_]|$)", "", path)


def _variables(detector: Detector) -> list[Any]:
    return [*detector.variables, *detector.optimizer.variables]
