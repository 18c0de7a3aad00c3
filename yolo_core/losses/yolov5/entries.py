"""Which slots YOLOv5 gives to which objects: entries of an object, an anchor and a cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from keras import ops

from yolo_core.boxes import Tensor
from yolo_core.losses.anchor_set import AnchorSet
from yolo_core.losses.labels import Labels

# Its own cell, then the ones left, above, right and below, as what is taken off its centre.
OFFSETS = np.asarray([[0, 0], [0.5, 0], [0, 0.5], [-0.5, 0], [0, -0.5]], np.float32)
CELLS = len(OFFSETS)


@dataclasses.dataclass(frozen=True)
class AnchorPlaces:
    """The T anchors of all heads, in the order of the heads.

    Attributes:
        cells: (T, 2) float32, columns and rows of the anchor's head.
        size: (T, 2) float32, width and height in cells.
        head: (T,) int32.
        start: (T,) int32, the slot of the anchor in the first cell of its head.
        count: (T,) int32, anchors a cell.
    """

    cells: np.ndarray
    size: np.ndarray
    head: np.ndarray
    start: np.ndarray
    count: np.ndarray

    @classmethod
    def of(cls, anchors: AnchorSet, grids: Sequence[tuple[int, int, int]]) -> AnchorPlaces:
        """Those of a set of anchors on grids of (rows, columns, anchors a cell)."""
        parts, start = [], 0
        for head, (sizes, grid) in enumerate(zip(anchors.of_heads, grids, strict=True)):
            rows, columns, count = grid
            cells = np.tile(np.asarray([[columns, rows]], np.float64), (count, 1))
            place = np.arange(start, start + count)
            parts.append((cells, sizes * cells, np.full(count, head), place, place * 0 + count))
            start += rows * columns * count
        cells, size, *numbers = (np.concatenate(each) for each in zip(*parts, strict=True))
        return cls(
            cells.astype(np.float32),
            # float32 only here: a ratio of exactly 4 is decided by the last digit (G-4, G-5).
            size.astype(np.float32),
            *(each.astype(np.int32) for each in numbers),
        )


@dataclasses.dataclass(frozen=True)
class Entries:
    """What each of N objects trains: T anchors in each of 5 cells.

    Attributes:
        slot: (B, N, T, 5) int32, a valid index also where there is no entry.
        there: (B, N, T, 5) bool, whether the object trains that slot with this entry.
        repeated: (B, N, T, 5) bool, whether it is the object's own cell once more.
        fit: (B, N, T) float32, the smaller ratio of a side of object and anchor, at most 1.
        target: (B, N, T, 5, 4) float32, the object's box from the corner of the cell, in cells.
    """

    slot: Tensor
    there: Tensor
    repeated: Tensor
    fit: Tensor
    target: Tensor


def find_entries(
    labels: Labels,
    places: AnchorPlaces,
    *,
    anchor_ratio: float | Tensor,
    for_all: bool,
    once: bool,
) -> Entries:
    """Offers every object to all anchors of all heads.

    An anchor takes an object if no side of one is `anchor_ratio` times that of the other or more;
    then in the object's own cell and in those next to it that its centre is nearer to. Everything
    is float32, so that centres on the border of a cell fall where they were published to.

    Args:
        labels: The labels of the batch.
        places: The anchors.
        anchor_ratio: Above 1.
        for_all: Whether an object that no anchor takes has the one that fits best.
        once: Whether a cell that an object would train twice is trained once.
    """
    cells = ops.convert_to_tensor(places.cells)  # (T, 2)
    centre = ops.expand_dims(labels.boxes[..., :2], 2) * cells  # (B, N, T, 2)
    size = ops.expand_dims(labels.boxes[..., 2:], 2) * cells
    ratio = size / ops.convert_to_tensor(places.size)
    ratio = ops.where(ratio > 0.0, ratio, 1.0)  # of rows that are not usable
    ratio = ops.maximum(*ops.unstack(ops.maximum(ratio, 1.0 / ratio), axis=-1))  # (B, N, T)
    taken = ratio < anchor_ratio
    if for_all:
        best = ops.equal(ops.expand_dims(ops.argmin(ratio, axis=-1), -1), ops.arange(len(cells)))
        none = ops.logical_not(ops.any(taken, axis=-1, keepdims=True))
        taken = ops.logical_or(taken, ops.logical_and(none, ops.cast(best, "bool")))
    taken = ops.logical_and(taken, ops.expand_dims(labels.usable, -1))

    from_end = cells - centre
    low = ops.logical_and(ops.mod(centre, 1.0) < 0.5, centre > 1.0)
    high = ops.logical_and(ops.mod(from_end, 1.0) < 0.5, from_end > 1.0)
    near = ops.concatenate([ops.ones_like(low[..., :1]), low, high], axis=-1)  # (B, N, T, 5)
    cell = ops.expand_dims(centre, -2) - ops.convert_to_tensor(OFFSETS)  # (B, N, T, 5, 2)
    cell = ops.clip(ops.trunc(cell), 0.0, ops.expand_dims(cells, 1) - 1.0)
    column, row = ops.unstack(ops.cast(cell, "int32"), axis=-1)
    columns = ops.expand_dims(ops.cast(cells[:, 0], "int32"), -1)
    start, count = (ops.expand_dims(each, -1) for each in (places.start, places.count))
    slot = start + (row * columns + column) * count
    repeated = ops.logical_and(ops.equal(slot, slot[..., :1]), ops.arange(CELLS) > 0)
    there = ops.logical_and(near, ops.expand_dims(taken, -1))
    if once:
        there = ops.logical_and(there, ops.logical_not(repeated))
    target = ops.concatenate(
        [
            ops.expand_dims(centre, -2) - cell,
            ops.broadcast_to(ops.expand_dims(size, -2), ops.shape(cell)),
        ],
        axis=-1,
    )
    return Entries(slot, there, repeated, 1.0 / ratio, target)
