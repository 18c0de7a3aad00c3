"""Whether anchors grow with the stride of their head, and none is there twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.loss_bench import LossBench


def _look(bench: LossBench) -> Iterator[Seen]:
    layout = bench.layout
    if not layout.has_priors or len(layout.grids) < 2:
        raise NotTried("It has no anchors on several heads.")
    area, cell, shapes = [], [], []
    for head in range(len(layout.grids)):
        first = layout.cell_slots(head, 0, 0)
        own = layout.prior[first, 2:].astype(np.float64)
        area.append(float(np.exp(np.log(own.prod(axis=1)).mean())))
        cell.append(float(layout.stride[first[0]].astype(np.float64).prod()))
        shapes += [(head, *size) for size in own.round(5).tolist()]
    order = np.argsort(cell)
    if (np.diff(np.array(area)[order]) < 0).any():
        fine, coarse = int(order[0]), int(order[-1])
        yield Seen(
            {
                "what": f"head {coarse}, whose cells are the largest, has anchors with a side of "
                f"{np.sqrt(area[coarse]):.3f} of the picture in the middle, and head {fine}, whose "
                f"cells are the smallest, of {np.sqrt(area[fine]):.3f}"
            },
            subject="order",
        )
    sizes = [each[1:] for each in shapes]
    if len(set(sizes)) < len(sizes):
        twice = next(each for each in sizes if sizes.count(each) > 1)
        heads = sorted({each[0] for each in shapes if each[1:] == twice})
        yield Seen(
            {
                "what": f"the anchor of {twice[0]:.3f} x {twice[1]:.3f} of the picture is there "
                f"{sizes.count(twice)} times, on head {' and '.join(map(str, heads))}"
            },
            subject="twice",
            cause="twice",
        )


CHECK = Check(
    id="anchor-order",
    title="Anchors on the wrong heads",
    of="loss",
    means="Large objects are given to fine grids, and small ones to coarse cells; both fail.",
    what="Of its anchors, {what}.",
    causes={
        "": "The masks of the heads, or the order of the outputs, are reversed.",
        "twice": "A mask lists one anchor twice, and another one never.",
    },
    tries="Give the largest anchors to the head with the largest stride.",
    look=_look,
    bugs=(11,),
)
