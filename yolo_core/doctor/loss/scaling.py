"""How each term grows with the batch: as a sum, as a mean, or as neither."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.loss_bench import LossBench
from yolo_core.doctor.pictures import ALONE

_TIMES = 4
_NEAR = 0.1


def powers(bench: LossBench) -> dict[str, float]:
    """{term: p}: a batch of n times the same picture costs n to the power of p times as much."""
    one = slice(ALONE, ALONE + 1)
    slots, y_true = bench.random_slots[one], bench.y_true[one]
    single = bench.take_apart(slots, y_true).terms
    several = bench.take_apart(np.repeat(slots, _TIMES, 0), np.repeat(y_true, _TIMES, 0)).terms
    return {
        term: float(np.log(several[term] / value) / np.log(_TIMES))
        for term, value in single.items()
        if value > 0 and several[term] > 0
    }


def _look(bench: LossBench) -> Iterator[Seen]:
    found = powers(bench)
    if not found:
        raise NotTried("No term is above zero for one picture with two objects.")
    words = ", ".join(f"{term} {_TIMES**power:.3g} times" for term, power in found.items())
    odd = [t for t, power in found.items() if min(abs(power), abs(power - 1)) > _NEAR]
    kinds = {round(power) for power in found.values()}
    if odd or len(kinds) > 1:
        twice = bool(odd) and all(abs(found[term] + 1) < _NEAR for term in odd)
        yield Seen(
            {"times": _TIMES, "words": words},
            subject=odd[0] if odd else "mixed",
            cause="twice" if twice else "" if odd else "mixed",
        )


CHECK = Check(
    id="scaling",
    title="Terms that grow with the batch in different ways",
    of="loss",
    means="Another batch size is another loss: terms outweigh each other, or steps shrink.",
    what="A batch of {times} times the same picture costs, of each term: {words}. A sum would be "
    "{times} times, a mean 1.",
    causes={
        "": "What it is divided by is neither a count of the batch nor a constant.",
        "mixed": "Some terms are summed over the batch and others are means.",
        "twice": "It is divided by a count of the batch once more, as where the loss is a mean and "
        "Keras takes the mean again.",
    },
    tries="Divide all terms by the same kind of count: pictures, or matched objects, of the batch.",
    look=_look,
    bugs=(17,),
    of_total=True,
)
