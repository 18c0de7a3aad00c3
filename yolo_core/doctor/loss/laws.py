"""Whether a breakdown is what every page takes it for: masks, maps, terms and the total add up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.loss_bench import LossBench

_TOLERANCE = 1e-3


def _look(bench: LossBench) -> Iterator[Seen]:
    whole = bench.random
    masks = whole.assignment
    parts = [masks.object_mask, masks.no_object_mask, masks.ignore_mask]
    count = np.sum(parts, axis=0)
    if (count != 1).any():
        several, none = int((count > 1).sum()), int((count == 0).sum())
        picture, slot = np.argwhere(count != 1)[0].tolist()
        both = [name for name, part in zip(_PARTS, parts, strict=True) if part[picture, slot]]
        yield Seen(
            {
                "what": f"{several} slots are in several of the object, no-object and ignore "
                f"masks, and {none} in none: {bench.slot_words(slot)} is in "
                f"{' and '.join(both) or 'none'}"
            },
            subject="masks",
            cause="masks",
        )
    for term, values in whole.maps.items():
        summed, said = float(values.sum(dtype=np.float64)), float(whole.terms[term])
        if np.isfinite([summed, said]).all() and not _same(summed, said):
            yield Seen(
                {"what": f"the map of {term} sums to {summed:.6g}, and the term is {said:.6g}"},
                subject=f"map {term}",
            )
    total = sum(float(whole.lambdas[term]) * float(whole.terms[term]) for term in whole.terms)
    said = float(whole.total)
    if np.isfinite([total, said]).all() and not _same(total, said):
        ratio = f", which is {said / total:.4g} times as much" if total else ""
        yield Seen(
            {
                "what": f"lambda x term sums to {total:.6g}, and the total that is optimised is "
                f"{said:.6g}{ratio}"
            },
            subject="total",
            cause="total",
        )


def _same(one: float, other: float) -> bool:
    return bool(np.isclose(one, other, rtol=_TOLERANCE, atol=1e-6))


_PARTS = ("object", "no-object", "ignore")
CHECK = Check(
    id="laws",
    title="Parts that do not add up",
    of="loss",
    means="What is shown is not what trains.",
    what="With random predictions, {what}.",
    causes={
        "": "A sum over the wrong axis, or shapes such as (b, h, w, 1) and (b, h, w) that were "
        "broadcast against each other.",
        "masks": "The steps that write the masks come in the wrong order, such as the ignore rule "
        "after the objects, which it then erases.",
        "total": "The total is multiplied or divided once more after it was summed, such as by "
        "the batch size.",
    },
    tries="Print the shapes of both sides where this is computed, and compare one slot by hand.",
    look=_look,
    bugs=(13, 18, 25),
)
