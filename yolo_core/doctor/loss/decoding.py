"""Whether raw zeros decode to the slot's own cell and anchor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.loss_bench import LossBench
from yolo_core.models.decode import overlaps

_SAME = 0.98


def _look(bench: LossBench) -> Iterator[Seen]:
    if not bench.layout.has_priors:
        raise NotTried("Its slots have no anchors that raw zeros could be compared with.")
    prior = bench.layout.prior.astype(np.float64)
    boxes = bench.rest.predictions["boxes"][0].astype(np.float64)
    iou = _each(boxes, prior)
    wrong = np.flatnonzero(iou < _SAME)
    if not wrong.size:
        return
    height, width = bench.image_shape[:2]
    shapes, flipped = boxes[:, 2:], prior[:, :1:-1]
    in_pixels = flipped * [height / width, width / height]
    ratio = np.median(shapes / prior[:, 2:], axis=0)
    moved = np.abs(boxes[:, :2] - prior[:, :2]).max(axis=1) > 0.1 * bench.layout.stride.min(axis=1)
    if any(np.allclose(shapes, each, rtol=0.02) for each in (flipped, in_pixels)):
        cause = "exchanged"
    elif moved.any():
        cause = "place"
    else:
        cause = "size"
    worst = int(wrong[iou[wrong].argmin()])
    yield Seen(
        {
            "slots": len(wrong),
            "of": bench.layout.count,
            "slot": bench.slot_words(worst),
            "box": _words(boxes[worst]),
            "prior": _words(prior[worst]),
            "times": f"{ratio[0]:.3g} x {ratio[1]:.3g}",
        },
        cause=cause,
    )


def _each(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.array([overlaps(a[None], b[None])[0, 0] for a, b in zip(boxes, others, strict=True)])


def _words(box: np.ndarray) -> str:
    x, y, width, height = box.tolist()
    return f"({x:.3f}, {y:.3f}) of {width:.3f} x {height:.3f}"


CHECK = Check(
    id="decoding",
    title="Raw zeros do not decode to the anchor in its cell",
    of="loss",
    means="What the network says is read as a box elsewhere, or of another size, than it is "
    "trained for.",
    what="{slots} of {of} slots decode raw zeros to another box than their anchor in the middle of "
    "their cell: {slot} to {box} in place of {prior}, as fractions of the picture.",
    causes={
        "": "",
        "exchanged": "Width and height of the anchors are exchanged.",
        "place": "The offsets of the cells are wrong where rows and columns differ, such as one "
        "grid of offsets that was transposed for the other.",
        "size": "The anchors are in another unit: the decoded sizes are {times} times the anchors "
        "(pixels, cells of the grid, and fractions of the picture are easily mixed up).",
    },
    tries="Decode zeros for a grid of 3 rows and 5 columns and print the centres: they must be "
    "((column + 0.5) / columns, (row + 0.5) / rows).",
    look=_look,
    bugs=(2, 3, 10),
)
