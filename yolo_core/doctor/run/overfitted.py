"""Training samples that are far better than validation samples, and get ever better."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord

_STEPS = 200
_RATIO, _RISEN, _LEAST = 3.0, 1.3, 2


def _look(run: RunRecord) -> Iterator[Seen]:
    run.at_least(_STEPS)
    by_step: dict[int, dict[str, list[float]]] = {}
    for record in run.records:
        if record.kind == "pinned" and record.step > 0 and np.isfinite(record.total):
            split = record.sample.partition("/")[0]
            by_step.setdefault(record.step, {}).setdefault(split, []).append(record.total)
    both = {
        step: (float(np.mean(each["train"])), float(np.mean(each["val"])))
        for step, each in sorted(by_step.items())
        if min(len(each.get("train", ())), len(each.get("val", ()))) >= _LEAST
    }
    if len(both) < 5:
        raise NotTried("Too few snapshots hold training and validation samples.")
    steps = list(both)
    train, val = np.array(list(both.values())).T
    best = int(val.argmin())
    ended = max(len(val) // 5, 1)
    now_train, now_val = float(np.median(train[-ended:])), float(np.median(val[-ended:]))
    if now_val > _RATIO * now_train and now_val > _RISEN * val[best] and best < len(val) - ended:
        yield Seen(
            {
                "train": f"{now_train:.3g}",
                "val": f"{now_val:.3g}",
                "ratio": f"{now_val / max(now_train, 1e-12):.1f}",
                "best": f"{val[best]:.3g}",
                "step": f"{steps[best]:,}",
            },
            step=steps[best],
            link=run.link(),
        )


CHECK = Check(
    id="overfitted",
    title="Training far better than validation",
    of="run",
    means="The network learns its training pictures by heart.",
    what="A pinned validation sample costs {val}, {ratio} times as much as a training sample "
    "({train}), and it was {best} at step {step}.",
    causes={"": "Too few pictures, too little augmentation, or too long a training."},
    tries="Take the checkpoint around step {step} (--patience does), augment more, or find more "
    "pictures.",
    look=_look,
)
