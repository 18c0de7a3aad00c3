"""What perfect predictions still cost: every term must come near to zero."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.loss_bench import LossBench
from yolo_core.doctor.pictures import COLLISION

SHARE = 0.02
"""Of what a term costs with random predictions."""


def floors(bench: LossBench) -> dict[str, tuple[float, float]]:
    """{term: (what perfect predictions cost, what random ones do)}, without the collision."""
    keep = np.arange(len(bench.y_true)) != COLLISION
    perfect, random = (
        bench.take_apart(slots[keep], bench.y_true[keep]).terms
        for slots in (bench.oracle_slots, bench.random_slots)
    )
    return {term: (float(perfect[term]), float(random[term])) for term in perfect}


def _look(bench: LossBench) -> Iterator[Seen]:
    for term, (perfect, random) in floors(bench).items():
        if perfect < SHARE * random or abs(perfect) < 1e-4:
            continue
        kind = "objects" if term in ("xy", "wh") else ""
        yield Seen(
            {"term": term, "perfect": f"{perfect:.4g}", "random": f"{random:.4g}"},
            subject=term,
            cause=kind,
        )


CHECK = Check(
    id="oracle",
    title="Perfect predictions that cost something",
    of="loss",
    means="The lowest loss is not where the predictions are right.",
    what="Perfect predictions cost {perfect} of {term}, random ones {random}.",
    causes={
        "": "It compares with another target than the label, activates its numbers twice or not at "
        "all, or trains slots that it should leave alone.",
        "objects": "It compares with another box than the label, or in another unit than the "
        "predictions are decoded in.",
    },
    tries="Take one object, write down by hand what its slot must say, and what the term makes of "
    "that.",
    look=_look,
    bugs=(7, 9, 15, 19),
    of_total=True,
    follows=(
        "cells",
        "decoding",
        "targets",
        "overlap",
        "ledger",
        "ignoring",
        "mining",
        "booked",
        "channels",
        "stop-gradient",
        "activation",
    ),
)
