"""Whether every class has objects to be learned from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.data_bench import DataBench
from yolo_core.doctor.finding import Check, Seen
from yolo_core.losses.recipe import usable_objects


def _look(bench: DataBench) -> Iterator[Seen]:
    objects = usable_objects(bench.source)
    names = bench.source.class_names
    counts = np.bincount(objects.classes, minlength=len(names))[: len(names)]
    missing = [name for name, count in zip(names, counts.tolist(), strict=True) if not count]
    if missing and len(objects.classes) >= 10 * len(names):
        shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        yield Seen(
            {
                "missing": len(missing),
                "classes": len(names),
                "shown": shown,
                "objects": f"{len(objects.classes):,}",
            },
            link={"page": "Data"},
        )


CHECK = Check(
    id="class-unseen",
    title="Classes without a training object",
    of="data",
    means="These classes cannot be learned, and count as missed in every evaluation.",
    what="{missing} of {classes} classes have none of {objects} training objects: {shown}.",
    causes={"": "A class list of other data, an index off by one, or a split by class."},
    tries="Leave them out (--classes), or split the data anew.",
    look=_look,
)
