"""Moving values between the N objects and the P slots of an image."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from yolo_core.slots import SlotLayout

MOST_CANDIDATES = 16
"""The evidence kept of a matching: with more candidates than this, the best ones."""


def gather_slots(values: Any, slots: Any) -> Any:
    """The values of given slots.

    Args:
        values: (B, P, F).
        slots: (B, M) int32, each 0 to P - 1.

    Returns:
        (B, M, F).
    """
    # Whole rows of one flat table: `take_along_axis` would go channel by channel, each with an
    # index of its own, and its gradient back the same way.
    batch, count, features = ops.shape(values)
    return _rows(ops.reshape(values, (batch * count, features)), slots, count)


def value_at(values: Any, slots: Any) -> Any:
    """(B, M): of (B, P) values those at (B, M) slots."""
    return gather_slots(ops.expand_dims(values, -1), slots)[..., 0]


def gather_slots_and_channel(values: Any, slots: Any, index: int) -> tuple[Any, Any]:
    """All channels of given slots, and one channel of all slots.

    Both are read from one flat table, so that their gradients meet there: XLA then writes that of
    the channel and adds the rows in place, instead of laying out each in an array of its own.

    Args:
        values: (B, P, F).
        slots: (B, M) int32, each 0 to P - 1.
        index: 0 to F - 1.

    Returns:
        (B, M, F) and (B, P).
    """
    batch, count, features = ops.shape(values)
    table = ops.reshape(values, (batch * count, features))
    return _rows(table, slots, count), ops.reshape(table[:, index], (batch, count))


def _rows(table: Any, slots: Any, slot_count: int) -> Any:
    """(B, M, F): rows of a (B * P, F) table at (B, M) slots."""
    batch, count = ops.shape(slots)
    first = ops.expand_dims(ops.arange(batch, dtype="int32") * slot_count, -1)
    # On JAX what is taken from nothing has lost its shape.
    return ops.reshape(ops.take(table, slots + first, axis=0), (batch, count, table.shape[-1]))


def gather_candidates(values: Any, candidates: Any) -> Any:
    """The values of several candidate slots an object.

    Args:
        values: (B, P, F).
        candidates: (B, N, K) int32, each 0 to P - 1.

    Returns:
        (B, N, K, F).
    """
    batch, objects, count = ops.shape(candidates)
    flat = gather_slots(values, ops.reshape(candidates, (batch, objects * count)))
    return ops.reshape(flat, (batch, objects, count, values.shape[-1]))


def largest(values: Any, *, empty: float, axis: int = -1) -> Any:
    """The maximum along one axis.

    Args:
        values: Of a number type.
        empty: At or below every value: the maximum where there is none, as without label rows.
        axis: The axis that goes.
    """
    if 0 in values.shape:
        # On PyTorch Keras's `max` of nothing is a single number, whatever the axis. What is known
        # to be empty has sums that are all zero, of the right shape.
        return ops.full_like(ops.sum(values, axis=axis), empty)
    return ops.max(values, axis=axis, initial=empty)


def first_best(score: Any) -> Any:
    """The index of the best candidate, the first one on a tie.

    Args:
        score: (..., A) float32, the higher the better.

    Returns:
        (...) int32.
    """
    # Keras's argmax puts -0.0 below 0.0, and -0.0 is the IoU of a box with one that it does not
    # meet and whose raw sizes have opposite signs.
    return ops.cast(ops.argmax(ops.where(ops.equal(score, 0.0), 0.0, score), axis=-1), "int32")


def best_and_first(values: Any, *, empty: float, axis: int) -> tuple[Any, Any]:
    """The maximum along one axis, and the first index that has it.

    Two plain maxima: compiled loops go through those several numbers at a time, and through an
    `argmax` one by one.

    Args:
        values: float32, none of them NaN.
        empty: As in `largest`.
        axis: The axis that goes.

    Returns:
        The maximum, and the index, int32; the index is 0 where there is no value.
    """
    best = largest(values, empty=empty, axis=axis)
    count = ops.shape(values)[axis]
    along = [1] * len(values.shape)
    along[axis] = -1
    back = ops.reshape(ops.arange(count, 0, -1, dtype="int32"), along)
    reached = ops.equal(values, ops.expand_dims(best, axis))
    return best, count - largest(ops.where(reached, back, 0), empty=0, axis=axis)


def best_candidates(slots: Any, score: Any) -> tuple[Any, Any]:
    """The candidates that a ledger keeps: all of them, or the `MOST_CANDIDATES` best.

    Args:
        slots: (..., A) int32, slots that were compared, in slot order.
        score: (..., A) float32, the higher the better.

    Returns:
        Slots and score, (..., K), still in slot order, so that the first one wins a tie.
    """
    if slots.shape[-1] <= MOST_CANDIDATES:
        return slots, score
    # Which of equal ones `top_k` keeps is up to the backend, but the winner must be among them.
    winner = ops.equal(ops.arange(slots.shape[-1]), ops.expand_dims(first_best(score), -1))
    wanted = ops.where(winner, float("inf"), score)
    best = ops.sort(ops.top_k(wanted, MOST_CANDIDATES)[1], axis=-1)
    return ops.take_along_axis(slots, best, axis=-1), ops.take_along_axis(score, best, axis=-1)


def cell_corners(height: int, width: int, anchors: int) -> np.ndarray:
    """(P, 2) float32: column and row of each slot's cell, for a head of `anchors` slots a cell."""
    layout = SlotLayout.from_grids([(height, width, anchors)])
    return np.stack([layout.column, layout.row], axis=-1).astype(np.float32)


def add_to_slots(values: Any, slots: Any, slot_count: int) -> Any:
    """Books one value an object on its slot; values on the same slot add up.

    Args:
        values: (B, M), zero for objects that have no slot.
        slots: (B, M) int32, each 0 to `slot_count` - 1.
        slot_count: P.

    Returns:
        (B, P) of the dtype of `values`.
    """
    batch, count = ops.shape(values)
    first = ops.expand_dims(ops.arange(batch, dtype="int32") * slot_count, -1)
    flat = ops.scatter(
        ops.reshape(slots + first, (-1, 1)),
        ops.reshape(values, (batch * count,)),
        (batch * slot_count,),
    )
    return ops.reshape(flat, (batch, slot_count))


def highest_of_slot(values: Any, slots: Any, slot_count: int) -> Any:
    """The highest of the values that are booked on each slot, whatever their order.

    Args:
        values: (B, M) int32 or float32, zero or more.
        slots: (B, M) int32, each 0 to `slot_count` - 1.
        slot_count: P.

    Returns:
        (B, P) of the dtype of `values`, 0 where there is none.
    """
    batch, count = ops.shape(values)
    first = ops.expand_dims(ops.arange(batch, dtype="int32") * slot_count, -1)
    highest = ops.segment_max(
        ops.reshape(values, (batch * count,)),
        ops.reshape(slots + first, (batch * count,)),
        # One more: PyTorch's Keras takes a number of none for no number.
        num_segments=batch * slot_count + 1,
    )
    # What the backends give for no values at all is not the same, and NumPy's makes it float.
    highest = ops.cast(ops.maximum(highest[:-1], 0), keras.backend.standardize_dtype(values.dtype))
    return ops.reshape(highest, (batch, slot_count))


def object_of_slot(slots: Any, owns: Any, slot_count: int) -> Any:
    """The row of the object that a slot is responsible for.

    Args:
        slots: (B, N) int32, each 0 to `slot_count` - 1.
        owns: (B, N) bool; at most one object that owns a slot.
        slot_count: P.

    Returns:
        (B, P) int32, -1 where no object owns the slot.
    """
    row = ops.arange(1, ops.shape(slots)[1] + 1, dtype="int32")
    return add_to_slots(ops.where(owns, row, 0), slots, slot_count) - 1


def spread_to_slots(values: Any, matched_object: Any, fill: Any) -> Any:
    """Lays what belongs to objects out over the slots that are responsible for them.

    Args:
        values: (B, N) or (B, N, F).
        matched_object: (B, P) int32 from `object_of_slot`.
        fill: Value of slots without an object.

    Returns:
        (B, P) or (B, P, F).
    """
    # The fill sits in front as row -1, so that this holds for images of no rows at all, too.
    pad = [[0, 0], [1, 0]] + [[0, 0]] * (len(values.shape) - 2)
    rows = ops.pad(values, pad, constant_values=fill)
    if len(values.shape) == 2:
        return ops.take_along_axis(rows, matched_object + 1, axis=1)
    return gather_slots(rows, matched_object + 1)
