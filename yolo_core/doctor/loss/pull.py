"""Whether moving a box towards its object lowers the loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.loss_bench import LossBench, object_words
from yolo_core.doctor.pictures import COLLISION, NAMES

_HALF_WAY = 0.5


def _look(bench: LossBench) -> Iterator[Seen]:
    start = bench.oracle_slots.copy()
    matched = bench.rest.assignment.matched_object
    boxes = bench.oracle.predictions["boxes"].astype(np.float64)
    away = boxes.copy()
    for picture, slot in np.argwhere(matched >= 0).tolist():
        cell = bench.layout.stride[slot]
        x, y, width, height = boxes[picture, slot]
        column, row = bench.layout.column[slot], bench.layout.row[slot]
        inside = np.clip(
            [x, y], [column * cell[0], row * cell[1]], [(column + 1) * cell[0], (row + 1) * cell[1]]
        )
        middle = [(column + 0.5) * cell[0], (row + 0.5) * cell[1]]
        # As far on the other side of the middle of its cell, and of other proportions.
        away[picture, slot, :2] = 2 * np.array(middle) - inside
        away[picture, slot, 2:] = width * 0.7, min(height * 1.3, 1.0)
    nearer = _HALF_WAY * away + (1 - _HALF_WAY) * boxes
    none = np.full(matched.shape, -1)
    own = [bench.channels.index(name) for name in ("x", "y", "w", "h")]
    far_slots, near_slots = start.copy(), start.copy()
    for slots, said in ((far_slots, away), (near_slots, nearer)):
        slots[..., own] = bench.said(said, np.zeros(matched.shape), none)[..., own]
    if not bench.terms_known:
        yield from _by_picture(bench, far_slots, near_slots)
        return
    far, near = bench.take_apart(far_slots), bench.take_apart(near_slots)
    wrong = []
    for picture, index in bench.objects():
        slots = np.flatnonzero(matched[picture] == index)
        same = near.assignment.matched_object[picture, slots] == index
        same &= far.assignment.matched_object[picture, slots] == index
        if picture == COLLISION or not slots.size or not same.all():
            continue
        before, after = (_cost(whole, picture, slots) for whole in (far, near))
        if after >= before:
            wrong.append((picture, index, before, after))
    if len(wrong) > 1:
        picture, index, before, after = wrong[0]
        yield Seen(
            {
                "objects": len(wrong),
                "object": object_words(picture, index),
                "before": f"{before:.4g}",
                "after": f"{after:.4g}",
            }
        )


def _by_picture(bench: LossBench, far: np.ndarray, near: np.ndarray) -> Iterator[Seen]:
    """The same of all objects of a picture at once, by the total alone."""
    wrong, objects = [], 0
    for picture, name in enumerate(NAMES):
        one, count = slice(picture, picture + 1), int(bench.y_true[picture, :, 0].sum())
        if picture == COLLISION or not count:
            continue
        before, after = (
            float(bench.take_apart(slots[one], bench.y_true[one]).total) for slots in (far, near)
        )
        if after >= before:
            wrong.append((name, before, after))
            objects += count
    if len(wrong) > 1:
        name, before, after = wrong[0]
        words = {"before": f"{before:.4g}", "after": f"{after:.4g}"}
        yield Seen({"objects": objects, "object": f'the picture "{name}"', **words})


def _cost(whole, picture: int, slots: np.ndarray) -> float:
    return sum(
        float(whole.lambdas[term]) * float(values[picture, slots].sum(dtype=np.float64))
        for term, values in whole.maps.items()
    )


CHECK = Check(
    id="pull",
    title="A box that is pushed away from its object",
    of="loss",
    means="Training makes boxes worse.",
    what="Moving the boxes of {objects} objects half way to their labels does not lower the loss: "
    "from {before} to {after} for {object}.",
    causes={
        "": "A sign, an exchanged pair of coordinates, or a target in another unit; or another "
        "term outweighs the box."
    },
    tries="Print prediction and target of this one slot side by side, channel by channel.",
    look=_look,
    bugs=(1, 3, 7),
    of_total=True,
    follows=("cells", "decoding", "targets", "overlap", "channels"),
)
