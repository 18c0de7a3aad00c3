"""Ground truth as every loss reads it: which rows can be matched, and why the rest cannot."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras import ops

from yolo_core.assignment import ObjectStatus
from yolo_core.losses.slot_axis import largest

LARGEST_LABEL = 1e6
"""No box is a million pictures wide; past this, squares and areas would leave float32."""


@dataclasses.dataclass(frozen=True)
class Labels:
    """The label rows of a batch, made safe to compute with.

    Attributes:
        usable: (B, N) bool. Rows with an object that a cell can own.
        status: (B, N) int32. `ObjectStatus.MATCHED` for usable rows (a loss refines it), else the
            reason why the row is not usable.
        boxes: (B, N, 4) float32 image fractions; all zero in rows that are not usable.
        classes: (B, N) int32. Class index, 0 in rows that are not usable.
        one_hot: (B, N, C) float32; all zero in rows that are not usable.
    """

    usable: Any
    status: Any
    boxes: Any
    classes: Any
    one_hot: Any


def read_labels(y_true: Any, *, drop_centre_on_one: bool = False) -> Labels:
    """Sorts label rows into usable ones and the reasons against the others.

    Args:
        y_true: (B, N, 5 + C) float32, the layout of `docs/losses.md#labels`. Rows that hold NaN,
            infinity or a number past `LARGEST_LABEL`, or name no class, are INVALID.
        drop_centre_on_one: A centre on exactly 1.0 belongs to no cell, as in the generator of the
            Keras notebook; otherwise to the last one (`docs/losses.md`, A-7).
    """
    flag, boxes, one_hot = y_true[..., 0], y_true[..., 1:5], y_true[..., 5:]
    # False for NaN as well. A row without any class would be trained as class 0 in silence.
    sane = ops.all(ops.abs(y_true) <= LARGEST_LABEL, axis=-1)
    readable = ops.logical_and(sane, ops.any(one_hot > 0.0, axis=-1))
    padding = ops.equal(flag, 0.0)
    centre = boxes[..., :2]
    too_far = centre >= 1.0 if drop_centre_on_one else centre > 1.0
    outside = ops.any(ops.logical_or(too_far, centre < 0.0), axis=-1)
    flat = ops.any(boxes[..., 2:] <= 0.0, axis=-1)

    def code(status: ObjectStatus) -> Any:
        return ops.full_like(ops.cast(flag, "int32"), int(status))

    # The first reason that applies wins: nothing can be said of a box that is not a number.
    status = code(ObjectStatus.MATCHED)
    status = ops.where(outside, code(ObjectStatus.OUTSIDE), status)
    status = ops.where(flat, code(ObjectStatus.ZERO_AREA), status)
    status = ops.where(readable, status, code(ObjectStatus.INVALID))
    status = ops.where(padding, code(ObjectStatus.PADDING), status)
    usable = ops.equal(status, int(ObjectStatus.MATCHED))
    keep = ops.expand_dims(usable, -1)
    one_hot = ops.where(keep, one_hot, 0.0)
    return Labels(
        usable=usable,
        status=status,
        boxes=ops.where(keep, boxes, 0.0),
        classes=ops.cast(ops.argmax(one_hot, axis=-1), "int32"),
        one_hot=one_hot,
    )


def owning_cell(centre: Any, cells: int) -> Any:
    """The grid row or column that a centre falls in, the last one for a centre on 1.0.

    Args:
        centre: (...) float32 image fraction. The product is taken in float32: in float64 borders
            such as 15/26 fall one cell low (`docs/losses.md`, C-11).
        cells: Number of rows or columns.

    Returns:
        (...) int32, 0 to cells - 1.
    """
    return ops.cast(ops.clip(ops.floor(centre * cells), 0, cells - 1), "int32")


def same_slot(object_slot: Any, usable: Any) -> Any:
    """(B, N, N) bool: whether objects i and j are both usable and want the same slot."""
    same = ops.equal(ops.expand_dims(object_slot, 2), ops.expand_dims(object_slot, 1))
    both = ops.logical_and(ops.expand_dims(usable, 2), ops.expand_dims(usable, 1))
    return ops.logical_and(same, both)


def first_and_last(same: Any) -> tuple[Any, Any]:
    """Of the objects that want one slot, the first and the last row.

    Args:
        same: (B, N, N) bool from `same_slot`.

    Returns:
        Two (B, N) int32: the lowest and the highest row that shares the object's slot; N and -1
        for rows that are not usable.
    """
    count = ops.shape(same)[-1]
    row = ops.arange(count, dtype="int32")
    return (
        -largest(-ops.where(same, row, count), empty=-count),
        largest(ops.where(same, row, -1), empty=-1),
    )
