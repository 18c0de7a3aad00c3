"""A learning rate that is far off: the loss rises, or hardly falls."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord

_STEPS = 150
_RISES, _FALLS = 2.0, 0.95
_LOW = 2e-5


def _look(run: RunRecord) -> Iterator[Seen]:
    run.at_least(_STEPS)
    changed = [e for e in run.events if e.kind in ("set-lambda", "schedule", "undo")]
    if changed or "total" not in run.mean:
        raise NotTried("Lambdas were changed on the way: the totals cannot be compared.")
    weights = [run.weight(term) for term in run.terms]
    if any(np.nanmax(each) != np.nanmin(each) for each in weights if np.isfinite(each).any()):
        raise NotTried("Lambdas change with the steps: the totals cannot be compared.")
    total = run.mean["total"]
    total = total[np.isfinite(total)]
    tenth = max(len(total) // 10, 1)
    before, after = float(np.median(total[:tenth])), float(np.median(total[-tenth:]))
    rate = run.mean.get("learning_rate", np.array([np.nan]))
    highest = float(np.nanmax(rate)) if np.isfinite(rate).any() else np.nan
    if not before > 0:
        return
    evidence = {
        "before": f"{before:.4g}",
        "after": f"{after:.4g}",
        "steps": f"{run.steps:,}",
        "rate": f"{highest:.2g}",
    }
    if after > _RISES * before:
        yield Seen(evidence, cause="high", step=int(run.first[0]), link=run.link())
    elif after > _FALLS * before:
        noise = float(np.abs(np.diff(total)).mean() / before)
        low = (np.isfinite(highest) and highest < _LOW) or noise < 0.02
        yield Seen(evidence, cause="low" if low else "", step=int(run.first[0]), link=run.link())


CHECK = Check(
    id="learning-rate",
    title="A loss that does not fall",
    of="run",
    means="Nothing is learned at this learning rate.",
    what="The total was {before} in the first and is {after} in the last tenth of {steps} steps, "
    "at a learning rate of {rate} at most.",
    causes={
        "": "The learning rate is too high for it to settle, or the loss leads nowhere: run the "
        "doctor on it.",
        "high": "The learning rate is far too high: the loss rises.",
        "low": "The learning rate is far too low: hardly anything moves.",
    },
    tries="Change it tenfold: on a live run with the dial, or with fork. For Adam 1e-4 to 2e-2 is "
    "usual here.",
    look=_look,
    follows=("step-size",),
)
