"""Which slots YOLOv5 gives to which objects: entries of an object, an anchor and a cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from keras import ops

from yolo_core.boxes import Tensor
from yolo_core.losses.anchor_set import AnchorSet
from yolo_core.losses.labels import Labels

# An object's own cell, the nearest one beside it, and the nearest one above or below.
CELLS = 3
# The published code tries the cells in this order: its own, left, above, right, below.
LOW_BLOCKS, HIGH_BLOCKS = np.asarray([1, 2], np.int32), np.asarray([3, 4], np.int32)


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
    """What each of N objects trains: T anchors in each of 3 cells, no slot twice.

    Attributes:
        slot: (B, N, T, 3) int32, a valid index also where there is no entry.
        times: (B, N, T, 3) float32, how many entries of the object it is, 0 for none: a centre on
            the border of its cell trains that cell once more.
        block: (B, N, T, 3) int32, the last of the published cells that it is: 0 the object's own,
            1 left, 2 above, 3 right, 4 below.
        fit: (B, N, T) float32, the smaller ratio of a side of object and anchor, at most 1.
        centre: (B, N, T, 3, 2) float32, the object's centre from the corner of the cell, in cells.
        size: (B, N, T, 1, 2) float32, the object's width and height in cells.
    """

    slot: Tensor
    times: Tensor
    block: Tensor
    fit: Tensor
    centre: Tensor
    size: Tensor

    @property
    def there(self) -> Tensor:
        """(B, N, T, 3) bool, whether the object trains that slot."""
        return self.times > 0.0


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

    # Columns and rows at once, (B, N, T, 2): a cell on the low side, or one on the high side. That
    # either is the object's own again happens on a border alone, and only there are there both.
    from_end = cells - centre
    low = ops.logical_and(ops.mod(centre, 1.0) < 0.5, centre > 1.0)
    high = ops.logical_and(ops.mod(from_end, 1.0) < 0.5, from_end > 1.0)
    own, lower, higher = (
        ops.clip(ops.trunc(centre - offset), 0.0, cells - 1.0) for offset in (0.0, 0.5, -0.5)
    )
    to_low = ops.logical_and(low, lower < own)
    to_high = ops.logical_and(high, higher > own)
    next_to = ops.where(to_low, lower, ops.where(to_high, higher, own))
    low_again = ops.logical_and(low, ops.equal(lower, own))
    high_again = ops.logical_and(high, ops.equal(higher, own))

    def of_cells(of_own: Tensor, of_next: Tensor) -> Tensor:
        """(B, N, T, 3) of what is (B, N, T, 1) and (B, N, T, 2)."""
        return ops.concatenate([of_own, of_next], axis=-1)

    times = of_cells(
        ops.ones_like(centre[..., :1]), ops.cast(ops.logical_or(to_low, to_high), "float32")
    )
    block = ops.where(to_low, LOW_BLOCKS, HIGH_BLOCKS)
    again = ops.where(high_again, HIGH_BLOCKS, ops.where(low_again, LOW_BLOCKS, 0))
    if once:
        again = ops.zeros_like(again)
    else:
        repeats = ops.cast(low_again, "float32") + ops.cast(high_again, "float32")
        repeats = ops.sum(repeats, axis=-1, keepdims=True)
        times = times + of_cells(repeats, ops.zeros_like(centre))
    column, row = own[..., :1], own[..., 1:]
    columns = of_cells(column, ops.concatenate([next_to[..., :1], column], axis=-1))
    rows = of_cells(row, ops.concatenate([row, next_to[..., 1:]], axis=-1))
    start, count, across = (
        ops.expand_dims(each, -1)
        for each in (places.start, places.count, places.cells[:, 0].astype(np.int32))
    )
    slot = start + (ops.cast(rows, "int32") * across + ops.cast(columns, "int32")) * count
    return Entries(
        slot=slot,
        times=times * ops.cast(ops.expand_dims(taken, -1), "float32"),
        block=of_cells(ops.maximum(again[..., :1], again[..., 1:]), block),
        fit=1.0 / ratio,
        centre=ops.stack([centre[..., :1] - columns, centre[..., 1:] - rows], axis=-1),
        size=ops.expand_dims(size, 3),
    )
