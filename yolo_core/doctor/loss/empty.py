"""What a picture without objects costs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.loss_bench import LossBench
from yolo_core.doctor.pictures import EMPTY

_OF_OBJECTS = ("xy", "wh", "objectness")


def _look(bench: LossBench) -> Iterator[Seen]:
    one = slice(EMPTY, EMPTY + 1)
    whole = bench.take_apart(bench.random_slots[one], bench.y_true[one])
    for term, value in whole.terms.items():
        finite = np.isfinite(value) and np.isfinite(whole.gradients[term]).all()
        if not finite:
            part = "is" if not np.isfinite(value) else "has a gradient of"
            yield Seen({"term": term, "what": f"{part} no number"}, subject=term)
        elif term in _OF_OBJECTS and abs(float(value)) > 1e-6:
            yield Seen(
                {"term": term, "what": f"is {float(value):.3g} with no object to be about"},
                subject=term,
                cause="padding",
            )


CHECK = Check(
    id="empty",
    title="Pictures without objects",
    of="loss",
    means="The first batch without an object ends the training, or trains nonsense.",
    what="Of a picture without objects, {term} {what}.",
    causes={
        "": "Something is divided by the number of objects, which is 0.",
        "padding": "Padding rows of the labels are trained for as if they were objects.",
    },
    tries="Divide by max(count, 1), and mask label rows whose object flag is 0.",
    look=_look,
    bugs=(17, 23),
    of_total=True,
)
