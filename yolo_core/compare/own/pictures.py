"""The pictures that two losses are compared on where nobody names any."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from yolo_core.assignment import ObjectStatus
from yolo_core.compare.own.forms.overlaps import iou
from yolo_core.data.batches import sample_batch
from yolo_core.data.source import SampleSource, first_names
from yolo_core.losses import DetectionLoss

LOOKED_AT = 48
COUNTS = (7, 8, 9, 10, 11)
EDGE, ROUNDING = 1e-3, 1e-5
BARE = " without its objects"
MORE = " with an object more"
# How near an object that is made up lies to the next prior, as a part of the way there.
PARTS_OF_NEXT = (0.55, 0.65, 0.75)
CLEARLY = 0.02


def telling_pictures(
    source: SampleSource, loss: DetectionLoss
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """A batch on which rules differ: full ones, a collision, a border, and one without objects.

    So many that no side of a grid is as long as the batch: an axis that is mixed up with that of
    the batch shows then.

    Args:
        source: The samples; of the first ones of "val" the most telling are taken.
        loss: The published loss, which says where objects collide.

    Returns:
        (B,) names, (B, height, width, channels) uint8, and (B, N, 5 + C) label rows. Where none
        of them is without objects, the last one is the first one's picture with its labels taken
        away, and its name says so; likewise one that has got an object more.
    """
    names = tuple(first_names(source, "val", LOOKED_AT))
    images, y_true = sample_batch(source, names)
    shape = loss.output_shape(images.shape[1:])
    grids = loss.slots((1, *shape)).grids
    sides = {side for grid in grids for side in grid}
    count = next((each for each in COUNTS if each not in sides), COUNTS[0])
    objects = (y_true[..., 0] != 0).sum(axis=1)
    order = _telling(loss, y_true, objects, shape)
    prior = _matched_priors(loss, y_true[:1], shape)
    clear = [
        each
        for each in order
        if not (_on_an_edge(y_true[each], grids) or _on_a_threshold(loss, y_true[each], prior))
    ]
    chosen = [*clear, *(each for each in order if each not in clear)][
        : min(count, len(names) + 1) - 1
    ]
    empty = np.flatnonzero(objects == 0)
    last = int(empty[0]) if len(empty) else chosen[0]
    labels = np.concatenate([y_true[chosen], np.zeros_like(y_true[:1])])
    told = [*(names[each] for each in chosen), names[last] + BARE * (not len(empty))]
    at = len(chosen) - 1
    contested = _contested(loss, labels[at], prior)
    if contested is not None:
        labels[at] = contested
        told[at] += MORE
    return tuple(told), images[[*chosen, last]], labels


def _contested(
    loss: DetectionLoss, rows: np.ndarray, prior: np.ndarray | None
) -> np.ndarray | None:
    """(N, 5 + C) with an object more, which the best prior of another object overlaps more.

    Who forces that prior must change its box too. None for a loss that does not match priors, and
    where there is no room.
    """
    used, free = np.flatnonzero(rows[:, 0] != 0), np.flatnonzero(rows[:, 0] == 0)
    if prior is None or not (len(used) and len(free)):
        return None
    overlap = iou(prior[None], rows[used, None, 1:5])
    for which in np.argsort(overlap.max(axis=-1)):
        best = int(overlap[which].argmax())
        beside = iou(prior, prior[best])
        beside[best] = 0.0
        for part in PARTS_OF_NEXT:
            box = (1 - part) * prior[best] + part * prior[beside.argmax()]
            own = iou(prior, box)
            # Where rounding decides whether a prior is matched, two right losses may differ.
            clear = all(np.abs(own - each).min() > EDGE for each in loss.thresholds.values())
            inside = (
                clear and (box[:2] - box[2:] / 2 >= 0).all() and (box[:2] + box[2:] / 2 <= 1).all()
            )
            if inside and own.argmax() != best and own[best] > overlap[which, best] + CLEARLY:
                found = rows.copy()
                found[free[0]] = rows[used[which]]
                found[free[0], 1:5] = box
                # Of another class, so that its label can be told from the other's.
                found[free[0], 5:] = np.roll(rows[used[which], 5:], 1)
                return found
    return None


def _on_an_edge(rows: np.ndarray, grids: Sequence[tuple[int, int, int]]) -> bool:
    """Whether rounding decides in which cell an object lies: two right losses may differ there."""
    centres = rows[rows[:, 0] != 0, 1:3]
    return any(
        bool((np.abs(places - np.round(places)) < EDGE).any())
        for height, width, _ in grids
        for places in (centres * [width, height],)
    )


def _matched_priors(
    loss: DetectionLoss, y_true: np.ndarray, shape: Sequence[int]
) -> np.ndarray | None:
    """(P, 4) priors that objects are matched to; None for a loss that does otherwise."""
    raw = np.zeros((1, *shape), np.float32)
    if loss.breakdown(y_true, raw).assignment.candidate_measure != "prior IoU":
        return None
    return loss.slots(raw.shape).prior.astype(np.float64)


def _on_a_threshold(loss: DetectionLoss, rows: np.ndarray, prior: np.ndarray | None) -> bool:
    """Whether rounding decides if a prior is matched: two right losses may differ there."""
    objects = rows[rows[:, 0] != 0, None, 1:5]
    if prior is None or not objects.size:
        return False
    best = iou(prior[None], objects).max(axis=0)
    return any(np.abs(best - each).min() < ROUNDING for each in loss.thresholds.values())


def away_from_edges(y_true: np.ndarray, grids: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """(B, N, 5 + C) label rows without the objects whose cell rounding decides."""
    found = y_true.copy()
    for rows in found:
        for row in rows:
            if row[0] and _on_an_edge(row[None], grids):
                row[:] = 0.0
    return found


def _telling(
    loss: DetectionLoss, y_true: np.ndarray, objects: np.ndarray, shape: Sequence[int]
) -> list[int]:
    """Indices of pictures with objects: the fullest, a collision, a border, a corner, the rest."""
    raw = np.zeros((len(y_true), *shape), np.float32)
    status = np.asarray(loss.breakdown(y_true, raw).assignment.object_status)
    lost = np.isin(status, [int(ObjectStatus.OVERWRITTEN), int(ObjectStatus.SHARED)])
    usable = y_true[..., 0] != 0
    low, high = y_true[..., 1:3] - y_true[..., 3:5] / 2, y_true[..., 1:3] + y_true[..., 3:5] / 2
    room = np.where(usable, np.minimum(low, 1 - high).min(axis=-1), 1.0).min(axis=-1)
    # Boxes whose place in the grid is forgotten lie there.
    origin = np.where(usable, np.square(y_true[..., 1:3]).sum(axis=-1), np.inf).min(axis=-1)
    first: list[Callable[[], int]] = [
        lambda: int(np.argmax(objects)),
        lambda: int(np.argmax(lost.reshape(len(y_true), -1).sum(axis=-1))),
        lambda: int(np.argmin(room)),
        lambda: int(np.argmin(origin)),
    ]
    order = dict.fromkeys([*(each() for each in first), *range(len(y_true))])
    return [each for each in order if objects[each]]
