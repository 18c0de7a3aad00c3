"""Classes that are never said, while others are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord, matched_numbers

_STEPS = 300
_OBJECTS, _OTHERS = 4, 0.7


def _look(run: RunRecord) -> Iterator[Seen]:
    run.at_least(_STEPS)
    looks = run.last_looks(3)
    numbers = matched_numbers(looks)
    names = looks[-1].class_names
    right = numbers["label"] == numbers["class"]
    if len(names) < 2 or not len(right):
        raise NotTried("There is one class, or no object with a slot.")
    for label, name in enumerate(names):
        mine = numbers["label"] == label
        # The same objects three times.
        count = int(mine.sum()) // len(looks)
        others = right[~mine]
        if count < _OBJECTS or right[mine].any() or not others.size or others.mean() < _OTHERS:
            continue
        said = np.bincount(numbers["class"][mine].astype(int), minlength=len(names))
        other = names[int(said.argmax())]
        yield Seen(
            {
                "name": name,
                "count": count,
                "other": other,
                "share": f"{others.mean():.0%}",
                "step": f"{looks[-1].step:,}",
            },
            subject=name,
            step=looks[0].step,
            link=run.link(looks[-1]),
        )


CHECK = Check(
    id="class-silent",
    title="A class that is never said",
    of="run",
    means="Every object of this class counts as missed, and as a false detection of another one.",
    what="None of {count} objects of class {name} in the pinned samples is said to be one, mostly "
    "{other} is said, while {share} of the others are right (step {step}).",
    causes={
        "": "Its labels are those of another class, it is rare, its index is off by one, or two "
        "classes are merged on the way."
    },
    tries="Look at objects of this class on the Data page, and at the class target of their slots "
    "on Inspect.",
    look=_look,
    bugs=(4,),
    follows=("step-size",),
)
