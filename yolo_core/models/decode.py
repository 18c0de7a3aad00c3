"""From decoded predictions to detections: scores and non-maximum suppression, in numpy."""

from __future__ import annotations

import numpy as np

CANDIDATES = 1000
"""Slots of an image that enter the suppression, the highest scores first."""


def scores(
    objectness: np.ndarray, class_probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The score and class of every slot: objectness times the highest class probability.

    Args:
        objectness: (B, P), 0 to 1.
        class_probabilities: (B, P, C), 0 to 1.

    Returns:
        Scores (B, P) float32 and classes (B, P) int32. Where a number is not finite it counts
        as 0.

    Raises:
        ValueError: The shapes are others, as when the two are exchanged.
    """
    if np.shape(class_probabilities)[:-1] != np.shape(objectness):
        raise ValueError(
            "scores takes objectness (B, P) and class_probabilities (B, P, C); "
            f"received {np.shape(objectness)} and {np.shape(class_probabilities)}."
        )
    objectness = _finite(objectness)
    class_probabilities = _finite(class_probabilities)
    return (
        objectness * class_probabilities.max(-1),
        class_probabilities.argmax(-1).astype(np.int32),
    )


def overlaps(boxes: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """IoU of predicted boxes with labels. A loss's own account of it may be of other objects.

    Args:
        boxes: (P, 4) x_center, y_center, width, height, in any one unit.
        objects: (M, 4), likewise.

    Returns:
        (P, M) float64; 0 where a number is not finite.
    """
    boxes, objects = boxes[:, None].astype(np.float64), objects[None].astype(np.float64)
    with np.errstate(all="ignore"):
        low, high = (
            bound(boxes[..., :2] + way * boxes[..., 2:], objects[..., :2] + way * objects[..., 2:])
            for bound, way in ((np.maximum, -0.5), (np.minimum, 0.5))
        )
        shared = np.maximum(high - low, 0).prod(-1)
        union = boxes[..., 2:].prod(-1) + objects[..., 2:].prod(-1) - shared
        return np.nan_to_num(np.where(union > 0, shared / union, 0.0), nan=0.0)


def nms_keep(
    boxes: np.ndarray,
    objectness: np.ndarray,
    class_probabilities: np.ndarray,
    *,
    iou_threshold: float = 0.5,
    score_threshold: float = 0.01,
    max_detections: int = 100,
    candidates: int = CANDIDATES,
) -> np.ndarray:
    """Greedy non-maximum suppression among slots of one class.

    The slot with the highest score is kept and removes the slots of its class that overlap it by
    more than `iou_threshold`; then the next one; the lower slot number goes first on a tie. Since
    only higher scores remove lower ones, cutting the result at a higher score gives what a higher
    `score_threshold` would have given.

    Args:
        boxes: (B, P, 4) x_center, y_center, width, height as image fractions.
        objectness: (B, P), 0 to 1.
        class_probabilities: (B, P, C), 0 to 1.
        iou_threshold: Overlap above which the lower one of two slots goes.
        score_threshold: Slots below it are not kept.
        max_detections: Most slots kept an image.
        candidates: Of each image so many are looked at, those of the highest scores.

    Returns:
        (B, P) bool, the slots that are detections. A slot with a score of 0, or with a number
        that is not finite, is none.
    """
    score, label = scores(objectness, class_probabilities)
    boxes = np.asarray(boxes, np.float64)
    score = np.where(np.isfinite(boxes).all(-1), score, 0.0)
    images, slots = score.shape
    # Every image's slots, best first; no further than the image with the most of them needs.
    possible = (score > 0) & (score >= score_threshold)
    depth = min(int(possible.sum(-1).max(initial=0)), candidates)
    order = np.argsort(-np.where(possible, score, 0.0), axis=-1, kind="stable")[:, :depth]
    image = np.arange(images)[:, None]
    alive, label = possible[image, order], label[image, order]
    boxes = np.where(alive[..., None], boxes[image, order], 0.0)
    center, half = boxes[..., :2], np.maximum(boxes[..., 2:], 0) / 2
    low, high = center - half, center + half
    sizes = high - low
    area = sizes[..., 0] * sizes[..., 1]

    kept = np.zeros_like(alive)
    counts = np.zeros(images, int)
    for k in range(depth):
        rows = np.flatnonzero(alive[:, k] & (counts < max_detections))
        if not rows.size:
            if (counts >= max_detections).all():
                break
            continue
        kept[rows, k] = True
        counts[rows] += 1
        rest = (rows, slice(k + 1, None))
        sides = np.minimum(high[rows, None, k], high[rest]) - np.maximum(
            low[rows, None, k], low[rest]
        )
        sides = np.maximum(sides, 0)
        shared = sides[..., 0] * sides[..., 1]
        union = area[rows, None, k] + area[rest] - shared
        # Multiplied out: two boxes without area have no union to divide by, and do not overlap.
        overlaps = (shared > iou_threshold * union) & (label[rest] == label[rows, None, k])
        alive[rest] &= ~overlaps
    keep = np.zeros((images, slots), bool)
    np.put_along_axis(keep, order, kept, axis=-1)
    return keep


def _finite(values: np.ndarray) -> np.ndarray:
    return np.nan_to_num(np.asarray(values, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
