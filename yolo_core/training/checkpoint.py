"""Checkpoints: everything a training needs to go on exactly, written whole or not at all."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from yolo_core.files import replace_file
from yolo_core.foreign_files import check_texts
from yolo_core.runs.array_files import open_file
from yolo_core.runs.checkpoints import best_checkpoint
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.store import RunStore
from yolo_core.training.trained import Trained

logger = logging.getLogger("yolo_core.training")

KEPT_CHECKPOINTS = 3
_FORMAT = "detector-debugger checkpoint"
_VERSION = 1
_SEED = "seed_generator_state"


def checkpoint_path(folder: RunFolder, step: int) -> Path:
    """Where the checkpoint after `step` updates lies."""
    return folder.weights / f"step-{step:08d}.npz"


def write_checkpoint(path: Path, detector: Trained, state: dict[str, Any]) -> None:
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
    path: Path, detector: Trained, *, with_optimizer: bool = True
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
    with open_file(path, form=_FORMAT, version=_VERSION, what="checkpoint") as (meta, file):
        names, state = meta["variables"], meta["state"]
        check_texts("variables", names)
        if not isinstance(state, dict):
            raise ValueError(f"state must be an object; received {state!r}")
        if not with_optimizer:
            names = names[: len(detector.variables)]
        arrays = [file[str(index)] for index in range(len(names))]
    variables = _variables(detector) if with_optimizer else list(detector.variables)
    if not with_optimizer:
        # Of another backend seeds have another type, and looking needs none.
        seeds = {each.dtype for each in variables if each.path.endswith(_SEED)}
        kept = [
            at
            for at, name in enumerate(names)
            if not name.endswith(_SEED) or str(arrays[at].dtype) in seeds
        ]
        if len(kept) < len(names):
            names, arrays = [names[at] for at in kept], [arrays[at] for at in kept]
            variables = [each for each in variables if not each.path.endswith(_SEED)]
    expected = [(each.path, str(each.dtype), tuple(each.shape)) for each in variables]
    received = [(name, str(a.dtype), a.shape) for name, a in zip(names, arrays, strict=True)]
    for wanted, found in zip(expected, received, strict=False):
        if not _is_same(wanted[0], found[0]) or wanted[1:] != found[1:]:
            raise ValueError(
                f"{path} is of another network or loss: expected {wanted[1]} {wanted[0]} of shape "
                f"{wanted[2]}, received {found[1]} {found[0]} of shape {found[2]}."
            )
    if len(expected) != len(received):
        raise ValueError(
            f"{path} is of another network or loss: expected {len(expected)} variables, "
            f"received {len(received)}."
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    return state


def keep_checkpoint(store: RunStore, detector: Trained, state: dict[str, Any]) -> None:
    """Writes a checkpoint after `state["step"]` updates; of a run the last few and the best stay.

    Raises:
        ValueError: As `write_checkpoint`.
    """
    path = checkpoint_path(store.folder, state["step"])
    write_checkpoint(path, detector, state)
    store.record_checkpoint(state["step"], path)
    best = best_checkpoint(store)
    for record in store.checkpoints()[:-KEPT_CHECKPOINTS]:
        if record == best:
            continue
        store.forget_checkpoint(record.step)
        record.path.unlink(missing_ok=True)


def restore_newest(
    store: RunStore, detector: Trained, take_up: Callable[[dict[str, Any]], None]
) -> int | None:
    """Sets every variable from the newest checkpoint of a run that can be read.

    Args:
        store: The run.
        detector: A detector of its network and loss.
        take_up: Sets the rest from the `state` of a checkpoint. A file may hold anything: where
            that makes it raise, the checkpoint cannot be read.

    Returns:
        Its step; None where the run has no checkpoint at all.

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
        try:
            if state["step"] != record.step:
                raise ValueError(f"it is of step {state['step']}")
            take_up(state)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            wrong.append(f"{record.path} is damaged ({error}).")
            continue
        for damaged, sentence in zip(reversed(checkpoints), wrong, strict=False):
            logger.warning("%s", sentence)
            damaged.path.unlink(missing_ok=True)
        logger.info("Resuming from the checkpoint of step %d.", record.step)
        return record.step
    if wrong:
        raise ValueError(f"No checkpoint of the run can be read. {' '.join(wrong)}")
    return None


def _is_same(one: str, other: str) -> bool:
    """Whether two paths are of one variable: a network that is read back stands in no other."""
    one, other = _unnumbered(one), _unnumbered(other)
    return f"/{one}".endswith(f"/{other}") or f"/{other}".endswith(f"/{one}")


def _unnumbered(path: str) -> str:
    """Without the numbers that Keras gives to the second and third of a kind in a process."""
    return re.sub(r"_\d+(?=[/_]|$)", "", path)


def _variables(detector: Trained) -> list[Any]:
    return [*detector.variables, *detector.optimizer.variables]
