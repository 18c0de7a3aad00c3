"""Whether the total on record is what its terms and lambdas come to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord

_TOLERANCE = 1e-2


def _look(run: RunRecord) -> Iterator[Seen]:
    names = [f"{part}/{term}" for term in run.terms for part in ("term", "lambda")]
    if "total" not in run.columns or not names or not set(names) <= set(run.columns):
        raise NotTried("Total, terms and lambdas are not all on record.")
    # The last rows themselves: means of products are no products of means.
    from yolo_core.runs.store import RunStore

    with RunStore.open(run.folder) as store:
        rows = store.steps(first=run.steps - 20)
    summed = sum(rows[f"lambda/{term}"] * rows[f"term/{term}"] for term in run.terms)
    good = np.isfinite(rows["total"]) & np.isfinite(summed)
    total, summed = rows["total"][good], np.asarray(summed)[good]
    off = np.abs(total - summed) > _TOLERANCE * np.maximum(np.abs(summed), 1e-6)
    if good.any() and off.all():
        ratio = float(np.median(total / np.where(summed == 0, np.nan, summed)))
        yield Seen(
            {
                "total": f"{total[-1]:.6g}",
                "summed": f"{summed[-1]:.6g}",
                "ratio": f"{ratio:.4g}",
                "step": f"{int(rows['step'][good][-1]):,}",
            },
            step=int(run.first[0]),
            link=run.link(),
        )


CHECK = Check(
    id="total",
    title="The loss shown is not the loss optimised",
    of="run",
    means="What the curves of the terms say is not what the weights follow.",
    what="At step {step} the total is {total}, and lambda x term sums to {summed}: {ratio} times "
    "as much.",
    causes={
        "": "The total is multiplied by the batch size (or divided by it) after the parts were put "
        "down, or holds a regularisation that is no term."
    },
    tries="Return the sum of the parts that are shown, and scale the learning rate instead.",
    look=_look,
    bugs=(17, 18),
)
