"""Which raw numbers move which terms: of each channel only its own, and each channel some."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.loss_bench import LossBench

_TINY = 1e-7


def _look(bench: LossBench) -> Iterator[Seen]:
    gradients = bench.random.gradients
    moved = {term: np.abs(each).max(axis=(0, 1)) for term, each in gradients.items()}
    classes = {name for name in bench.channels if name.startswith("class ")}
    beside = classes | ({"background"} & set(bench.channels))
    allowed = {
        "xy": {"x", "y"},
        "wh": {"w", "h"},
        "classification": beside,
        # Of the boxes there is a check of its own: it is a question of stop_gradient.
        "objectness": {"objectness", "x", "y", "w", "h"},
        "no_object": {"objectness"} if "objectness" in bench.channels else beside,
    }
    for term, own in allowed.items():
        if term not in moved:
            continue
        scale = moved[term].max(initial=0.0)
        foreign = [
            name
            for name, value in zip(bench.channels, moved[term], strict=True)
            if name not in own and value > _TINY + 1e-5 * scale
        ]
        if foreign:
            shown = ", ".join(foreign[:4]) + (", ..." if len(foreign) > 4 else "")
            yield Seen(
                {"what": f"{term} changes with {shown}, and should with {', '.join(sorted(own))}"},
                subject=term,
                cause="foreign",
            )
    most = np.max(list(moved.values()), axis=0)
    dead = [n for n, v in zip(bench.channels, most, strict=True) if not v > 0 and not np.isnan(v)]
    if dead:
        yield Seen(
            {"what": f"no term changes with {', '.join(dead[:4])}{', ...' * (len(dead) > 4)}"},
            subject="dead",
            cause="dead",
        )


CHECK = Check(
    id="channels",
    title="Numbers that move the wrong term, or none",
    of="loss",
    means="A number of the network is trained for something else than it is read as, or never.",
    what="On all pictures, {what}.",
    causes={
        "foreign": "A wrong index or slice, such as [:, 2] for [:, :2], or the order of channels "
        "of another program.",
        "dead": "The number is left out by a wrong slice, or only compared (floor, argmax, >), "
        "which has no gradient.",
    },
    tries="Change one channel of one slot by 0.1 and print which terms change.",
    look=_look,
    bugs=(9, 19),
    of_total=True,
)
