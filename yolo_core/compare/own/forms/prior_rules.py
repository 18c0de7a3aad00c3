"""Rules that match priors: from which overlap on, whether one is forced, and by which overlap."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.compare.own.forms.evidence import Evidence
from yolo_core.compare.own.forms.overlaps import iou
from yolo_core.compare.own.forms.own_rule import OwnRule, about, round_between


def prior_rules(evidence: Evidence) -> Iterator[OwnRule]:
    """Every prior above a threshold, and the best one of each object anyway."""
    rows = evidence.rows
    usable = rows[..., 0] != 0
    prior = evidence.layout.prior.astype(float)
    overlap = iou(prior[None, None], rows[:, :, None, 1:5]) * usable[..., None]  # (B, N, P)
    if not overlap.shape[1]:
        return
    best_object, best = overlap.argmax(axis=1), overlap.max(axis=1)
    forced = _with_forced(np.full(best.shape, -1), overlap, usable)
    published = evidence.object_of >= 0
    by_threshold = published & (forced < 0)
    lowest = best[by_threshold].min() if by_threshold.any() else 1.0
    yield OwnRule(
        "no forced prior: an object that no prior overlaps enough is matched to no prior at all",
        np.where(published & (best >= min(lowest, 0.5)), best_object, -1),
    )
    yield OwnRule(
        "only the best prior of each object is matched, and no other that overlaps it", forced
    )
    yield from _by_other_priors(
        evidence, round_between(_lowest_left(best, published, forced), lowest)
    )
    trained = (evidence.gradient[..., evidence.box_channels] != 0).any(axis=-1)
    for own, words in ((forced, ""), (np.full_like(forced, -1), ", without a forced prior")):
        rest = own < 0
        taken, left = best[rest & trained], best[rest & ~trained]
        low, high = left.max(initial=0.0), taken.min(initial=1.0)
        if low < high:
            told = f"priors are matched from an IoU of {about(low, high)} on{words}"
            yield OwnRule(told, np.where(own >= 0, own, np.where(best >= high, best_object, -1)))


def _lowest_left(best: np.ndarray, published: np.ndarray, forced: np.ndarray) -> float:
    """The best overlap of a prior that is matched to no object."""
    return float(best[~published & (forced < 0)].max(initial=0.0))


def _by_other_priors(evidence: Evidence, threshold: float) -> Iterator[OwnRule]:
    """Priors matched from a threshold on, and forced, by an overlap with a mistake."""
    # In single precision, as losses have it: two priors may be as good.
    rows, prior = evidence.rows.astype(np.float32), evidence.layout.prior.astype(np.float32)
    usable = rows[..., 0] != 0
    labels = rows[..., 1:5]
    corner = np.concatenate([labels[..., :2] - labels[..., 2:] / 2, labels[..., 2:]], axis=-1)
    for words, boxes in (
        ("width and height of the objects exchanged", labels[..., [0, 1, 3, 2]]),
        ("x and y of the objects exchanged", labels[..., [1, 0, 2, 3]]),
        ("x and y, and width and height, of the objects exchanged", labels[..., [1, 0, 3, 2]]),
        ("the upper left corners of the objects taken for their centres", corner),
    ):
        overlap = iou(prior[None, None], boxes[:, :, None]) * usable[..., None]  # (B, N, P)
        own = np.where(overlap.max(axis=1) >= threshold, overlap.argmax(axis=1), -1)
        yield OwnRule(
            f"{words} where they are held against the priors", _with_forced(own, overlap, usable)
        )


def _with_forced(own: np.ndarray, overlap: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """(B, P) `own` with the best prior of each object given to it, the last row winning."""
    found = own.copy()
    for image, index in np.argwhere(usable):
        found[image, overlap[image, index].argmax()] = index
    return found
