"""Whether given anchors are about as large as the objects."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.anchors import shape_iou
from yolo_core.doctor.data_bench import DataBench, anchor_words, mean_fit
from yolo_core.doctor.finding import Check, Seen
from yolo_core.losses.heads import STRIDES

_MOST = 4.0
_SIDES = (416, 608, 320)


def _look(bench: DataBench) -> Iterator[Seen]:
    anchors, sizes = bench.given_anchors, bench.sizes
    best = anchors[shape_iou(sizes, anchors).argmax(axis=1)]
    ratio = float(np.median(best.prod(axis=1) / sizes.prod(axis=1)))
    if 1 / _MOST <= ratio <= _MOST:
        return
    width = bench.pixels[0]
    factors: dict[str, float] = {}
    for stride in STRIDES:
        factors[f"x {stride}, the stride"] = stride
        factors[f"/ {stride}, the stride"] = 1 / stride
    for side in (int(width), *_SIDES):
        factors[f"/ {side}, the picture's side"] = 1 / side
        factors[f"x {width:g} / {side}, another picture size"] = width / side
    fits = {words: mean_fit(sizes, anchors * factor) for words, factor in factors.items()}
    words = max(fits, key=lambda each: fits[each])
    yield Seen(
        {
            "anchors": anchor_words(anchors, bench.pixels),
            "ratio": f"{ratio:.3g}",
            "fit": f"{mean_fit(sizes, anchors):.2f}",
            "factor": words,
            "better": f"{fits[words]:.2f}",
        },
        link={"page": "Data"},
    )


CHECK = Check(
    id="anchor-scale",
    title="Anchors of another size than the objects",
    of="data",
    means="Every object is far from every anchor, so sizes are learned slowly or never.",
    what="The anchors ({anchors}) have {ratio} times the area of the objects that they fit best, "
    "in the middle of them; their mean IoU by shape is {fit}.",
    causes={
        "": "They are in another unit: cells for pixels, or of another picture size. With {factor} "
        "their mean IoU would be {better}."
    },
    tries="Fit them to these data: python -m yolo_core anchors DATA, or --anchors fitted.",
    look=_look,
    bugs=(10,),
)
