"""Whether every given anchor fits some object best, and none is there twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.anchors import shape_iou
from yolo_core.doctor.data_bench import DataBench, anchor_words
from yolo_core.doctor.finding import Check, Seen


def _look(bench: DataBench) -> Iterator[Seen]:
    anchors, sizes = bench.given_anchors, bench.sizes
    best = np.bincount(shape_iou(sizes, anchors).argmax(axis=1), minlength=len(anchors))
    unique = len(np.unique(anchors.round(6), axis=0))
    unused = np.flatnonzero(best == 0)
    if unique < len(anchors):
        yield Seen(
            {
                "what": f"{len(anchors) - unique} of {len(anchors)} anchors are there twice "
                f"({anchor_words(anchors, bench.pixels)})"
            },
            subject="twice",
            cause="twice",
            link={"page": "Data"},
        )
    elif unused.size:
        yield Seen(
            {
                "what": f"{unused.size} of {len(anchors)} anchors fit none of {len(sizes):,} "
                f"objects best: {anchor_words(anchors[unused], bench.pixels)}"
            },
            subject="never",
            link={"page": "Data"},
        )


CHECK = Check(
    id="anchor-use",
    title="Anchors that no object uses",
    of="data",
    means="The slots of these anchors are never trained for an object, and others do their work.",
    what="By shape, {what}.",
    causes={
        "": "The anchors are of other data, or of another picture size.",
        "twice": "A mask or an index lists one anchor twice, and another one never.",
    },
    tries="Fit them to these data: --anchors fitted; check the masks of the heads.",
    look=_look,
    bugs=(10, 11),
)
