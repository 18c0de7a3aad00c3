"""Whether the network says something else in inference than in training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord, matched_numbers

_STEPS = 100
_WELL, _GAP, _LEAST = 0.5, 0.35, 8


def _look(run: RunRecord) -> Iterator[Seen]:
    run.at_least(_STEPS)
    pinned = {each.step: each for each in run.pinned if each.step > 0}
    pairs = [(each, pinned[each.step]) for each in run.batches if each.step in pinned][-3:]
    if len(pairs) < 2:
        raise NotTried("No two steps have both a batch and a pinned snapshot.")
    gaps = []
    for batch, look in pairs:
        training, inference = (matched_numbers([each])["iou"] for each in (batch, look))
        if min(len(training), len(inference)) < _LEAST:
            raise NotTried("The snapshots hold too few objects.")
        gaps.append((float(np.median(training)), float(np.median(inference))))
    if all(training > _WELL and training - inference > _GAP for training, inference in gaps):
        training, inference = gaps[-1]
        yield Seen(
            {
                "training": f"{training:.2f}",
                "inference": f"{inference:.2f}",
                "step": f"{pairs[-1][1].step:,}",
            },
            step=pairs[0][1].step,
            link=run.link(pairs[-1][1]),
        )


CHECK = Check(
    id="batch-norm",
    title="Inference far from training",
    of="run",
    means="What is trained well is used badly: evaluation and use run in inference mode.",
    what="At step {step} the boxes of a training batch have a median IoU of {training} with their "
    "objects in training mode, and those of the pinned samples {inference} in inference mode.",
    causes={
        "": "The moving averages of batch normalisation have not followed (momentum 0.99 takes "
        "hundreds of steps; small or uniform batches differ from single pictures), pictures are "
        "scaled otherwise in use, or the training pictures are learned by heart."
    },
    tries="Lower the momentum to 0.9, train longer, take larger batches, and compare how pictures "
    "are scaled in both.",
    look=_look,
    follows=("step-size",),
)
