"""Whether what a slot is trained towards decodes to the label of its object."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor import pictures
from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.loss_bench import LossBench, object_words
from yolo_core.explain.by_label import missed_targets
from yolo_core.explain.target_boxes import target_boxes

_READ = {
    "x and y": [1, 0, 2, 3],
    "width and height": [0, 1, 3, 2],
    "x and y, and width and height,": [1, 0, 3, 2],
}


def _look(bench: LossBench) -> Iterator[Seen]:
    missed = []
    for picture in range(len(pictures.PICTURES)):
        view = bench.view(picture, bench.random_slots, bench.random)
        if target_boxes(view) is None:
            raise NotTried("The units that its box terms compare in are none of those known.")
        missed += [(picture, at, *each) for at, each in missed_targets(view).items()]
    if not missed:
        return
    picture, index, target, iou = min(missed, key=lambda each: each[3])
    labels = np.stack([bench.y_true[p, n, 1:5] for p, n, *_ in missed]).astype(np.float64)
    targets = np.stack([each[2] for each in missed])
    read = next(
        (words for words, order in _READ.items() if np.allclose(targets, labels[:, order], 0.03)),
        "",
    )
    sizes = targets[:, 2:] / labels[:, 2:]
    factor = np.median(sizes, axis=0)
    scaled = np.allclose(sizes, factor, rtol=0.03) and np.abs(np.log(factor)).max() > 0.05
    yield Seen(
        {
            "objects": len(missed),
            "of": len(bench.objects()),
            "object": object_words(picture, index),
            "target": _words(target),
            "label": _words(bench.y_true[picture, index, 1:5]),
            "iou": round(iou, 3),
            "read": read,
            "times": f"{factor[0]:.3g} x {factor[1]:.3g}",
        },
        cause="exchanged" if read else "unit" if scaled else "",
    )


def _words(box: np.ndarray) -> str:
    x, y, width, height = (float(each) for each in box)
    return f"({x:.3f}, {y:.3f}) of {width:.3f} x {height:.3f}"


CHECK = Check(
    id="targets",
    title="Targets that are not the labels",
    of="loss",
    means="Perfectly trained, the network would still draw boxes beside the objects.",
    what="{objects} of {of} objects are trained towards another box than their label: {object} "
    "towards {target} in place of {label}, as fractions of the picture; IoU {iou}.",
    causes={
        "": "Encoding and decoding are not each other's inverse: an offset, a logarithm, an anchor "
        "or a variance is in one and not in the other; or the slot belongs to another object.",
        "exchanged": "It is as if {read} of the labels were exchanged.",
        "unit": "Widths and heights are in another unit: the targets are {times} times the labels "
        "(pixels, cells and fractions of the picture are easily mixed up).",
    },
    tries="Encode this label and decode it again: decode(encode(box)) must be the box.",
    look=_look,
    bugs=(3, 5, 7, 24),
    follows=("cells", "decoding"),
)
