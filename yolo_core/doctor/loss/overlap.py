"""Whether the loss's own IoU is the IoU."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.loss_bench import LossBench, object_words
from yolo_core.models.decode import overlaps

_SAME = 0.005


def _look(bench: LossBench) -> Iterator[Seen]:
    wrong = []
    whole = bench.random
    said = whole.targets["overlap"]
    trained = whole.assignment.match_count.sum(axis=2) > 0
    if not any(said[picture][:, index].any() for picture, index in bench.objects()):
        raise NotTried("It says nothing of the overlaps that it computed.")
    boxes = whole.predictions["boxes"].astype(np.float64)
    for picture, index in bench.objects():
        if trained[picture, index]:
            label = bench.y_true[picture, index, 1:5].astype(np.float64)
            right = overlaps(boxes[picture], label[None])[:, 0]
            own = said[picture, :, index].astype(np.float64)
            slots = np.flatnonzero(~(np.abs(own - right) <= _SAME))
            wrong += [(picture, index, slot, own[slot], right[slot]) for slot in slots.tolist()]
    if not wrong:
        return
    picture, index, slot, own, right = max(wrong, key=lambda each: abs(each[3] - each[4]))
    cause = next((name for name in _WAYS if _explains(name, bench, boxes, wrong)), "")
    yield Seen(
        {
            "pairs": len(wrong),
            "object": object_words(picture, index),
            "slot": bench.slot_words(slot),
            "own": round(float(own), 4),
            "iou": round(float(right), 4),
        },
        cause=cause,
    )


def _explains(name: str, bench: LossBench, boxes: np.ndarray, wrong: list[tuple]) -> bool:
    way = _WAYS[name]
    for picture, index, slot, own, _ in wrong[:40]:
        label = bench.y_true[picture, index, 1:5].astype(np.float64)
        found = overlaps(*(each[None] for each in way(boxes[picture, slot], label)))[0, 0]
        if not abs(found - own) <= _SAME:
            return False
    return True


def _as_corners(box: np.ndarray) -> np.ndarray:
    """Numbers that are a centre and a size, taken for two corners."""
    return np.concatenate([(box[:2] + box[2:]) / 2, box[2:] - box[:2]])


def _from_corner(box: np.ndarray) -> np.ndarray:
    """A centre that is taken for the first corner."""
    return np.concatenate([box[:2] + box[2:] / 2, box[2:]])


_WAYS = {
    "corners": lambda box, label: (_as_corners(box), _as_corners(label)),
    "mixed": lambda box, label: (_as_corners(box), label),
    "mixed label": lambda box, label: (box, _as_corners(label)),
    "half": lambda box, label: (_from_corner(box), _from_corner(label)),
    "half of one": lambda box, label: (_from_corner(box), label),
    "flipped": lambda box, label: (box[[0, 1, 3, 2]], label),
}
_MIXED = (
    "One of the two boxes is x_center, y_center, width, height and the other is read as two "
    "corners, or both are read as corners and are none."
)
CHECK = Check(
    id="overlap",
    title="An IoU that is none",
    of="loss",
    means="Objects are matched, ignored and scored by a number that is not the overlap.",
    what="Of {pairs} pairs of a predicted box and an object, the loss has another IoU than the two "
    "boxes have: {own} for {slot} and {object}, where it is {iou}.",
    causes={
        "": "A wrong index (such as [:, 2] for [:, :2]), another unit on one of the sides, or a "
        "union that is not a + b - intersection.",
        "corners": _MIXED,
        "mixed": _MIXED,
        "mixed label": _MIXED,
        "half": "Half of the width and height is not taken off the centre: it is used as a corner.",
        "half of one": "On one of the two sides the centre is used as a corner.",
        "flipped": "Width and height of the predicted box are exchanged.",
    },
    tries="Ask your function for the IoU of a box with itself, which must be 1, and of two boxes "
    "that you can draw.",
    look=_look,
    bugs=(8, 9),
    follows=("targets",),
)
