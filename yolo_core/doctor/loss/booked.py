"""Whether each term is summed over its own slots: objects', empty ones, and no ignored ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.loss_bench import LossBench

_TINY = 1e-9


def _look(bench: LossBench) -> Iterator[Seen]:
    for whole in (bench.random, bench.rest):
        a, found = whole.assignment, False
        for term, values in whole.maps.items():
            cases = {"ignored": a.ignore_mask}
            if term in ("xy", "wh"):
                cases["empty"] = ~a.object_mask
            if term == "no_object":
                cases["object"] = a.object_mask
            for part, mask in cases.items():
                wrong = mask & (np.abs(values) > _TINY)
                if wrong.any():
                    picture, slot = np.argwhere(wrong)[0].tolist()
                    yield Seen(
                        {
                            "term": term,
                            "slots": int(wrong.sum()),
                            "part": _WORDS[part],
                            "slot": bench.slot_words(slot),
                            "value": f"{float(values[picture, slot]):.4g}",
                        },
                        subject=f"{term} {part}",
                        cause=part,
                    )
                    found = True
        if found:
            return


_WORDS = {
    "ignored": "slots that are ignored",
    "empty": "slots without an object",
    "object": "slots that have an object",
}
CHECK = Check(
    id="booked",
    title="Terms that are paid on slots they are not about",
    of="loss",
    means="The masks say one thing, and the sum another.",
    what="{term} is paid on {slots} {part}: {value} on {slot}.",
    causes={
        "": "The mask is not applied, or has another shape and was broadcast.",
        "object": "Matched slots stay among the negatives: they are trained to say object and no "
        "object at once.",
        "ignored": "The ignore mask is made and not used in this term.",
    },
    tries="Multiply the map by its mask before it is summed, and check that both have the shape "
    "(batch, slots).",
    look=_look,
    bugs=(13, 23, 25),
    follows=("laws",),
)
