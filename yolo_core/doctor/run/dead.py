"""Whether what the network says depends on the picture at all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord

_STEPS = 20
_TINY = 1e-6


def _look(run: RunRecord) -> Iterator[Seen]:
    run.at_least(_STEPS)
    (snapshot,) = run.last_looks(1)
    raw, images = snapshot.y_pred, snapshot.images
    if len(raw) < 2 or all((image == images[0]).all() for image in images):
        raise NotTried("There are not two pinned pictures to compare.")
    spread = raw.astype(np.float64).std(axis=0)  # (P, channels), over pictures
    scale = np.abs(raw).max(axis=(0, 1)) + 1e-12
    heads = snapshot.layout.head
    for head in range(len(snapshot.layout.grids)):
        still = spread[heads == head].max(axis=0) <= _TINY * np.maximum(scale, 1.0)
        if not still.any():
            continue
        names = [name for name, each in zip(snapshot.channels, still, strict=True) if each]
        everything = len(names) == len(snapshot.channels)
        shown = "everything" if everything else ", ".join(names[:5])
        of_head = f" of head {head}" if len(snapshot.layout.grids) > 1 else ""
        yield Seen(
            {
                "names": f"{shown}{of_head}",
                "pictures": len(raw),
                "step": f"{snapshot.step:,}",
            },
            subject=f"head {head}",
            cause="all" if everything else "",
            step=snapshot.step,
            link=run.link(snapshot, head=head),
        )


CHECK = Check(
    id="dead",
    title="Numbers that do not depend on the picture",
    of="run",
    means="The network says the same whatever it sees.",
    what="At step {step} {names} is the same for {pictures} different pictures in inference mode.",
    causes={
        "": "The weights of these channels are zero, or frozen, or never trained.",
        "all": "A layer before has died (ReLU with a negative bias everywhere), or batch "
        "normalisation divides by statistics that were never learned.",
    },
    tries="Lower the learning rate, look at the layer before, and compare a training batch with a "
    "pinned sample on Inspect.",
    look=_look,
    follows=("step-size",),
)
