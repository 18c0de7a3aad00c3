"""Whether the loss stopped being a number, and which term did first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.run_record import RunRecord


def _look(run: RunRecord) -> Iterator[Seen]:
    total = run.non_finite.get("total")
    if total is None or not total.any():
        return
    at = int(np.flatnonzero(total)[0])
    bad = [term for term in run.terms if run.non_finite[f"term/{term}"][at]]
    said = next((e.detail.get("message", "") for e in run.events if e.kind == "failed"), "")
    yield Seen(
        {
            "step": f"{int(run.first[at]):,}",
            "terms": ", ".join(bad) or "no single term",
            "steps": int(total.sum()),
            "said": f" {said}" if said else "",
        },
        step=int(run.first[at]),
        link=run.link(),
    )


CHECK = Check(
    id="not-finite",
    title="The loss stopped being a number",
    of="run",
    means="From there on nothing is learned.",
    what="At step {step} the loss is no number, and of its terms {terms}; {steps} such steps are "
    "on record.{said}",
    causes={
        "": "A size that grew without bound, a logarithm or root of 0, a division by a count of 0, "
        "or a learning rate that is too high."
    },
    tries="Look at the largest boxes in the snapshots before that step, and run the doctor on the "
    "loss: it tries extreme numbers.",
    look=_look,
    bugs=(20,),
    follows=("step-size",),
)
