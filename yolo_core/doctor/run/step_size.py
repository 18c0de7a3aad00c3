"""How far the weights move in a step, by their own size: a learning rate that is far off.

The gradient alone says little: optimizers scale it. What is compared is what they make of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord
from yolo_core.runs.pulls import UPDATE

_LEAST = 6
"""Measured steps."""
# A training of these networks that goes well moves the kernel by 1 to 4 % in a step while its rate
# is at its highest (digits, Adam, all losses).
_HIGH, _LOW = 0.3, 1e-5


def _look(run: RunRecord) -> Iterator[Seen]:
    measured = run.mean.get(UPDATE, np.zeros(0))
    at = np.flatnonzero(np.isfinite(measured))
    if len(at) < _LEAST:
        raise NotTried(f"It was measured at {len(at)} steps how far the weights move.")
    found = measured[at]
    rate = run.mean.get("learning_rate", np.full(len(measured), np.nan))[at]
    # Steps that are too large are so for long; of small ones none is large.
    highest, usual = float(found.max()), float(np.median(found[: max(len(found) // 2, _LEAST)]))
    cause = "high" if usual > _HIGH else "low" if highest < _LOW else ""
    if cause:
        value = usual if cause == "high" else highest
        known = np.isfinite(rate)
        yield Seen(
            {
                "value": f"{value:.2g}",
                "most": "the median" if cause == "high" else "the largest",
                "count": len(found),
                "rate": f"{float(rate[known].max()):.2g}" if known.any() else "unknown",
                "usual": "0.01 to 0.04",
            },
            cause=cause,
            step=int(run.first[at[0]]),
            link=run.link(),
        )


CHECK = Check(
    id="step-size",
    title="A learning rate that is far off",
    of="run",
    means="The weights are thrown about, or hardly move from where they began.",
    what="A step moved the last kernel that all heads share by {value} of its own length, {most} "
    "of {count} measured steps, at a learning rate of {rate} at most; {usual} is usual for Adam.",
    causes={
        "high": "The learning rate is far too high for these weights.",
        "low": "The learning rate is far too low for these weights, or these layers get next to no "
        "gradient.",
    },
    tries="Change the learning rate tenfold, with the dial or with fork, until a step moves the "
    "weights by about a hundredth of their length.",
    look=_look,
)
