"""Whether the objectness has gone to zero everywhere."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord, matched_numbers

_STEPS = 200
_NOTHING = 0.02


def _look(run: RunRecord) -> Iterator[Seen]:
    run.at_least(_STEPS)
    looks = run.last_looks(2)
    numbers = [matched_numbers([each])["objectness"] for each in looks]
    if not all(len(each) for each in numbers):
        raise NotTried("The pinned samples have no object with a slot.")
    most = [float(np.nan_to_num(each).max()) for each in numbers]
    if max(most) < _NOTHING:
        yield Seen(
            {"most": f"{most[-1]:.2g}", "objects": len(numbers[-1]), "step": f"{looks[-1].step:,}"},
            step=looks[0].step,
            link=run.link(looks[-1]),
        )


CHECK = Check(
    id="objectness-zero",
    title="Objectness is zero everywhere",
    of="run",
    means="The network has learned to say that there is nothing, which is cheap: most slots are "
    "empty.",
    what="No slot of {objects} objects says an objectness of more than {most} at step {step}.",
    causes={
        "": "The empty slots outweigh the few with an object: their term is a sum over all slots, "
        "or its lambda is high; or the target of the objectness is the IoU of boxes that do not "
        "fit."
    },
    tries="Lower the lambda of no_object or raise that of objectness, and look at what pulls on "
    "the Train page.",
    look=_look,
    bugs=(12, 15, 17),
    follows=("step-size",),
)
