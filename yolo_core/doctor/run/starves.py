"""A term that outweighs all others while another one does not fall."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord
from yolo_core.runs.pulls import PULL

_STEPS = 150
_DOMINATES, _STARVES, _FALLEN = 0.95, 0.01, 0.9


def _look(run: RunRecord) -> Iterator[Seen]:
    run.at_least(_STEPS)
    measured, by = _shares(run)
    if len(measured) < 2:
        raise NotTried("The loss on record has one term.")
    late = slice(-max(len(next(iter(measured.values()))) // 2, 1), None)
    share = {term: float(np.nanmedian(values[late])) for term, values in measured.items()}
    strong = max(share, key=lambda term: np.nan_to_num(share[term]))
    if not share[strong] > _DOMINATES:
        return
    for term, value in share.items():
        weight = run.weight(term)
        if term == strong or value > _STARVES or not np.nanmax(weight) > 0:
            continue
        curve = run.mean[f"term/{term}"]
        curve = curve[np.isfinite(curve)]
        tenth = max(len(curve) // 10, 1)
        before, after = float(curve[:tenth].mean()), float(curve[-tenth:].mean())
        if before > 0 and after > _FALLEN * before:
            yield Seen(
                {
                    "term": term,
                    "strong": strong,
                    "share": f"{value:.2%}",
                    "most": f"{share[strong]:.1%}",
                    "by": by,
                    "before": f"{before:.4g}",
                    "after": f"{after:.4g}",
                    "steps": f"{run.steps:,}",
                },
                subject=term,
                link=run.link(),
            )


def _shares(run: RunRecord) -> tuple[dict[str, np.ndarray], str]:
    """{term: (n,) its share}, of the gradient where it is measured, else of the loss."""
    columns = [f"{PULL}{term}" for term in run.terms]
    if columns and set(columns) <= set(run.mean):
        table = np.stack([run.mean[column] for column in columns])
        table = table[:, np.isfinite(table).all(axis=0)]
        by = "the gradient at the last shared layer"
    else:
        table = np.stack([run.weight(t) * run.mean[f"term/{t}"] for t in run.terms])
        by = "the loss"
    with np.errstate(all="ignore"):
        table = table / table.sum(axis=0)
    if not table.shape[1]:
        raise NotTried("What each term pulls has not been measured yet.")
    return dict(zip(run.terms, table, strict=True)), by


CHECK = Check(
    id="starves",
    title="A term that starves another one",
    of="run",
    means="What the weak term is about is not learned, however long it is trained.",
    what="{strong} makes up {most} of {by}, and {term} {share}; {term} was {before} in the first "
    "and is {after} in the last tenth of {steps} steps.",
    causes={
        "": "Sums and means are mixed, the terms are in units far apart, or empty slots and "
        "objects are averaged together, so that the few objects drown."
    },
    tries="Set the lambda of {term} higher (the Train page says which value balances it), or "
    "divide each term by its own count.",
    look=_look,
    bugs=(17,),
    follows=("step-size",),
)
