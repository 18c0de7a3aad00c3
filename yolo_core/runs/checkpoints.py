"""Which checkpoint of a run is meant: of a step, the last one, or the best by validation."""

from __future__ import annotations

import math

from yolo_core.runs.layout import RunFolder
from yolo_core.runs.reader import RunReader
from yolo_core.runs.records import CheckpointRecord
from yolo_core.runs.store import RunStore

BEST, LAST = "best", "last"


def best_checkpoint(reader: RunReader) -> CheckpointRecord | None:
    """Of the checkpoints that there are the one with the highest mAP50 on validation samples.

    Returns:
        The earliest of equal ones; None where none has been evaluated.
    """
    there = {each.step: each for each in reader.checkpoints()}
    found = reader.evaluations()
    scored = [
        (value, -step)
        for step, value in zip(found["step"].tolist(), found.get("map50", []), strict=False)
        if step in there and math.isfinite(value)
    ]
    return there[-max(scored)[1]] if scored else None


def find_checkpoint(run: RunFolder, wanted: int | str) -> CheckpointRecord:
    """The checkpoint of a step, "last", or "best" (the last one where none was evaluated).

    Raises:
        ValueError: There is none; the message says which there are.
    """
    with RunStore.open(run) as store:
        checkpoints = store.checkpoints()
        best = best_checkpoint(store) if wanted == BEST else None
    if not checkpoints:
        raise ValueError(f"Run {run.name!r} has no checkpoint yet, so there is nothing to look by.")
    if wanted in (BEST, LAST):
        return best or checkpoints[-1]
    for each in checkpoints:
        if each.step == wanted:
            return each
    steps = ", ".join(str(each.step) for each in checkpoints)
    raise ValueError(
        f"Run {run.name!r} has no checkpoint of step {wanted}; it has those of {steps}."
    )
