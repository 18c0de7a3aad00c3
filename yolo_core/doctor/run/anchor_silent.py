"""Anchors and heads that no object is given to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord

_OBJECTS_A_PLACE = 25


def _look(run: RunRecord) -> Iterator[Seen]:
    batches = run.batches
    if not batches:
        raise NotTried("No training batch was snapshotted.")
    layout = batches[0].layout
    if batches[0].breakdown.assignment.candidate_measure != "shape IoU":
        raise NotTried("Its objects do not go to the anchor that has their shape.")
    pairs, place = np.unique(
        np.stack([layout.head, layout.anchor], axis=1), axis=0, return_inverse=True
    )
    counts = np.zeros(len(pairs), np.int64)
    for each in batches:
        matched = each.breakdown.assignment.object_mask
        counts += np.bincount(place.reshape(-1)[np.nonzero(matched)[1]], minlength=len(pairs))
    if counts.sum() < _OBJECTS_A_PLACE * len(pairs):
        raise NotTried(f"Only {counts.sum()} slots with an object are in the snapshots.")
    heads = np.unique(pairs[:, 0])
    by_head = {int(head): int(counts[pairs[:, 0] == head].sum()) for head in heads}
    for head, count in by_head.items():
        if not count:
            yield Seen(
                {"what": f"head {head}", "count": f"{counts.sum():,}"},
                subject=f"head {head}",
                cause="head",
                step=batches[0].step,
                link=run.link(batches[-1], head=head),
            )
    silent = [pair for pair, count in zip(pairs.tolist(), counts, strict=True) if not count]
    silent = [(head, anchor) for head, anchor in silent if by_head[head]]
    if silent:
        head, anchor = silent[0]
        words = ", ".join(f"anchor {a}" + f" of head {h}" * (len(heads) > 1) for h, a in silent)
        yield Seen(
            {"what": words, "count": f"{counts.sum():,}"},
            subject="anchors",
            step=batches[0].step,
            link=run.link(batches[-1], head=head, anchor=anchor),
        )


CHECK = Check(
    id="anchor-silent",
    title="An anchor or a head that never wins",
    of="run",
    means="Its slots are only ever trained to say that there is nothing.",
    what="In the snapshots of training batches {count} slots were given to objects, and none of "
    "{what}.",
    causes={
        "": "The anchor fits no object best: it is of other data or in another unit, or there "
        "twice.",
        "head": "Its anchors fit no object best: the anchors of the heads are in the wrong order, "
        "or no object has the size of its cells.",
    },
    tries="Fit anchors to these data (--anchors fitted), and look at the anchors on the Data page.",
    look=_look,
    bugs=(10, 11),
)
