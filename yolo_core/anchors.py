"""Anchor sets: k-means over box sizes under the distance that matters, and doubts about sizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from yolo_core.slots import SlotLayout

# Of an anchor: more than this part of the picture on one side, or less than this part of a cell.
WIDE, NARROW = 1.5, 0.25
RESTARTS = 8
"""Starts of the k-means, of which the best counts: a single one can end in a poor corner."""

MAX_ROUNDS = 100
MOST_BOXES = 3_000
"""Boxes that the k-means sees: of more, evenly many are left out. Its mean IoU counts all."""


def shape_iou(sizes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """IoU of boxes that share a centre, so that only their shapes count.

    Args:
        sizes: (n, 2) widths and heights, positive, in any unit.
        anchors: (k, 2) widths and heights in the same unit.

    Returns:
        (n, k) float64.
    """
    sizes, anchors = np.asarray(sizes, np.float64), np.asarray(anchors, np.float64)
    shared = np.minimum(sizes[:, None], anchors[None]).prod(-1)
    return shared / (sizes.prod(-1)[:, None] + anchors.prod(-1)[None] - shared)


def heads_by_area(sizes: np.ndarray, strides: Sequence[int]) -> list[np.ndarray]:
    """Deals anchors out to heads: the largest to the coarsest, as many to each as can be.

    Args:
        sizes: (k, 2) widths and heights.
        strides: Pixels from one cell to the next of each head.

    Returns:
        The rows of `sizes` of each head, the largest first, in the order of `strides`.
    """
    # Of two of one area the later is the larger: sizes in rising order stay so over the heads.
    order = np.argsort(np.asarray(sizes).prod(axis=1), kind="stable")[::-1]
    parts = iter(np.array_split(order, len(strides)))
    dealt = {head: next(parts) for head in np.argsort(-np.asarray(strides), kind="stable").tolist()}
    return [dealt[head] for head in range(len(strides))]


def doubtful_anchors(layout: SlotLayout, image_shape: Sequence[int]) -> list[str]:
    """Which anchors can hardly be meant, in a sentence for each reason.

    Args:
        layout: The slots with their prior boxes.
        image_shape: (height, width, ...) of the pictures in pixels.
    """
    pixels = np.array([image_shape[1], image_shape[0]])
    large, small = {}, {}
    for slot in np.unique(np.stack([layout.head, layout.anchor]), axis=1, return_index=True)[1]:
        size, cell = layout.prior[slot, 2:], layout.stride[slot]
        head = f"head {layout.head[slot]}, " if len(layout.grids) > 1 else ""
        words = f"{head}anchor {layout.anchor[slot]}: {_size(size * pixels)}"
        if (size > 1).all() or (size > WIDE).any():
            large[words] = _size(pixels)
        elif (size < NARROW * cell).all():
            small[words] = _size(cell * pixels)
    of = "Were the sizes given in another unit?"
    found = []
    if large:
        found.append(
            f"Anchors larger than the picture of {next(iter(large.values()))} ({'; '.join(large)}) "
            f"fit no object. {of}"
        )
    if small:
        cells = " and ".join(dict.fromkeys(small.values()))
        found.append(
            f"Anchors of less than a quarter of their cells of {cells} ({'; '.join(small)}) fit "
            f"hardly any object. {of}"
        )
    return found


def _size(size: np.ndarray) -> str:
    return " x ".join(f"{value:.3g}" for value in size) + " px"


def kmeans_anchors(sizes: np.ndarray, count: int, seed: int = 0) -> tuple[np.ndarray, float]:
    """Finds the anchors that overlap the boxes best (YOLO9000, section 2, "Dimension Clusters").

    The distance of a box and an anchor is 1 - shape IoU. With a Euclidean one large boxes would
    count for more than small ones.

    Args:
        sizes: (n, 2) widths and heights of the boxes, as image fractions.
        count: Anchors to find.
        seed: Seed of the starting points; the same arguments give the same anchors.

    Returns:
        The anchors, (count, 2) float32 widths and heights, the smallest area first; and the mean
        over the boxes of the IoU with their best anchor.

    Raises:
        ValueError: `sizes` has another shape or holds anything but positive finite numbers, or
            there are fewer different sizes than anchors.
    """
    sizes = np.asarray(sizes, np.float64)
    if sizes.ndim != 2 or sizes.shape[1] != 2:
        raise ValueError(
            f"Box sizes must be an (n, 2) array of width, height; received shape {sizes.shape}."
        )
    wrong = ~(np.isfinite(sizes) & (sizes > 0)).all(-1)
    if wrong.any():
        first = int(wrong.argmax())
        raise ValueError(
            f"Box sizes must be positive finite numbers; received {sizes[first].tolist()} "
            f"in row {first}."
        )
    if count < 1:
        raise ValueError(f"The number of anchors must be at least 1; received {count}.")
    every, sizes = sizes, sizes[:: -(-len(sizes) // MOST_BOXES) or 1]
    different = len(np.unique(sizes, axis=0))
    if different < count:
        raise ValueError(
            f"{count} anchors need at least {count} different box sizes; received {different}."
        )
    draws = np.random.Philox(key=[seed, 0]).random_raw(RESTARTS * count).reshape(RESTARTS, count)
    tried = [_settle(sizes, _spread_start(sizes, start)) for start in draws]
    mean_iou = [float(shape_iou(sizes, anchors).max(-1).mean()) for anchors in tried]
    best = tried[int(np.argmax(mean_iou))]
    best = best[np.lexsort((best[:, 0], best.prod(-1)))]
    return best.astype(np.float32), float(shape_iou(every, best).max(-1).mean())


def _spread_start(sizes: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """One starting anchor a draw, each likelier the farther from those before (k-means++)."""
    distance = np.ones(len(sizes))
    chosen: list[np.ndarray] = []
    for draw in draws:
        cumulative = np.cumsum(distance**2)
        point = float(draw) / 2**64 * cumulative[-1]
        # The draw can round up to 1.0, and rows already chosen have no width: never step past.
        row = min(int(np.searchsorted(cumulative, point, side="right")), len(sizes) - 1)
        chosen.append(sizes[row])
        distance = np.minimum(distance, 1 - shape_iou(sizes, sizes[row : row + 1])[:, 0])
    return np.stack(chosen)


def _settle(sizes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Lloyd's rounds: each box to its best anchor, each anchor to the mean of its boxes."""
    owner = np.full(len(sizes), -1)
    for _ in range(MAX_ROUNDS):
        new_owner = shape_iou(sizes, anchors).argmax(-1)
        if (new_owner == owner).all():
            break
        owner = new_owner
        anchors = np.stack(
            [
                sizes[owner == k].mean(0) if (owner == k).any() else anchor
                for k, anchor in enumerate(anchors)
            ]
        )
    return anchors
