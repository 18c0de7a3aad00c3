"""Whether predicted boxes grow without bound."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord, matched_numbers

_PICTURES = 3.0
_FACTOR = 1.3


def _look(run: RunRecord) -> Iterator[Seen]:
    found = [each for each in (*run.pinned, *run.batches) if each.step > 0]
    found.sort(key=lambda each: each.step)
    sizes = []
    for snapshot in found:
        numbers = matched_numbers([snapshot])
        sides = np.concatenate([numbers["width"], numbers["height"]])
        if len(sides):
            sizes.append((snapshot, float(np.nan_to_num(sides, nan=np.inf).max())))
    if len(sizes) < 3:
        raise NotTried("There are fewer than three snapshots with objects.")
    last = [size for _, size in sizes[-3:]]
    grows = all(b > _FACTOR * a for a, b in itertools.pairwise(last))
    if last[-1] > _PICTURES and (grows or not np.isfinite(last[-1])):
        snapshot = sizes[-1][0]
        since = next(each.step for each, size in sizes if size > 1.0)
        yield Seen(
            {
                "sizes": " , then ".join(f"{size:.3g}" for size in last).replace(" ,", ","),
                "step": f"{snapshot.step:,}",
            },
            step=since,
            link=run.link(snapshot),
        )


CHECK = Check(
    id="boxes-growing",
    title="Boxes that grow without bound",
    of="run",
    means="Their exp overflows sooner or later, and the loss becomes NaN.",
    what="The largest box of a slot with an object was {sizes} pictures wide or high in the last "
    "snapshots, up to step {step}.",
    causes={
        "": "The size has no target of its own: another term moves it (an IoU without a "
        "stop_gradient), its sign is wrong, or its learning rate is too high."
    },
    tries="Compare target and prediction of w and h of such a slot on Inspect; lower the learning "
    "rate; clip the raw size before exp.",
    look=_look,
    bugs=(20,),
    follows=("step-size",),
)
