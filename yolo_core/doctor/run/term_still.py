"""Terms that never move, or that are never above zero."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.run_record import RunRecord

_STEPS = 100
_MOVES = 1e-3


def _look(run: RunRecord) -> Iterator[Seen]:
    run.at_least(_STEPS)
    for term in run.terms:
        low, high = run.low[f"term/{term}"], run.high[f"term/{term}"]
        low, high = low[np.isfinite(low)], high[np.isfinite(high)]
        if not len(low) or not (np.nan_to_num(run.weight(term), nan=1.0) > 0).any():
            continue
        least, most = float(low.min()), float(high.max())
        if most - least > _MOVES * max(abs(most), abs(least)):
            continue
        if most == 0.0 and _has_nothing_to_say(run, term):
            continue
        yield Seen(
            {"term": term, "value": f"{most:.4g}", "steps": f"{run.steps:,}"},
            subject=term,
            cause="zero" if most == 0.0 else "",
            step=int(run.first[0]),
            link=run.link(),
        )


def _has_nothing_to_say(run: RunRecord, term: str) -> bool:
    """Whether there is one class alone, of which a softmax is always sure."""
    one = any(len(each.class_names) == 1 for each in (*run.pinned[-1:], *run.batches[-1:]))
    return term == "classification" and one


CHECK = Check(
    id="term-still",
    title="A term that never moves",
    of="run",
    means="Whatever this term is about is not learned.",
    what="{term} has been {value} for all {steps} steps.",
    causes={
        "": "It does not depend on the predictions: a comparison, floor or argmax has no gradient; "
        "or what it is about is frozen.",
        "zero": "No object is ever matched, a mask is empty, or its predictions are compared with "
        "themselves.",
    },
    tries="Look at its map on Inspect: which slots pay it, and at the gradient of one of them.",
    look=_look,
    follows=("step-size",),
)
