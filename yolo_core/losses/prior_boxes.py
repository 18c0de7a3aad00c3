"""What losses whose slots are prior boxes share: their layout, their set-up, and their ledger."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from keras import ops

from yolo_core.assignment import Assignment
from yolo_core.boxes import SMALLEST_UNION, Tensor, pairwise_iou
from yolo_core.data.source import default_anchors
from yolo_core.losses.heads import COARSEST, SLOTS_A_CELL, grid_cells
from yolo_core.losses.labels import Labels
from yolo_core.losses.matching import ledger
from yolo_core.losses.multi_head import MultiHeadLoss
from yolo_core.losses.slot_axis import best_and_first, gather_slots, largest
from yolo_core.slots import SlotLayout

if TYPE_CHECKING:
    from yolo_core.data.source import SampleSource

# Label rows that are compared with all priors at once.
ROWS_AT_ONCE = 8
# Priors among which the best is looked for last, at most.
LONGEST_BLOCK = 128


def prior_layout(priors: Any, grids: Sequence[Sequence[int]] | None) -> SlotLayout:
    """The slots of given prior boxes.

    Args:
        priors: (P, 4) x_center, y_center, width, height as image fractions, map after map, row
            after row, cell after cell.
        grids: (rows, columns, priors a cell) of each map; None lays them out as one row.

    Raises:
        ValueError: Boxes without an area, or a number of them that the grids do not have.
    """
    try:
        boxes = np.asarray(priors, np.float32)
    except (TypeError, ValueError):
        boxes = np.zeros((0, 4), np.float32)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not len(boxes):
        raise ValueError(
            "priors must be a configuration or (P, 4) boxes, x_center, y_center, width, height as "
            f"image fractions; received {priors!r}."
        )
    wrong = np.flatnonzero(~(np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1)))
    if wrong.size:
        raise ValueError(
            "Every prior box must have a width and a height above zero; prior "
            f"{wrong[0]} is {boxes[wrong[0]].tolist()}."
        )
    given = [(1, len(boxes), 1)] if grids is None else grids
    read = [(int(each[0]), int(each[1]), int(each[2])) for each in given if len(each) == 3]
    if len(read) != len(given) or sum(map(math.prod, read)) != len(boxes):
        raise ValueError(
            f"grids must be (rows, columns, priors a cell) of each map, {len(boxes)} priors in all;"
            f" received {given!r}."
        )
    return dataclasses.replace(SlotLayout.from_grids(read), prior=boxes)


class PriorSetup(MultiHeadLoss):
    """Prior boxes that follow from the size of the pictures, and are not given one by one."""

    prior_word: ClassVar[str] = "priors"
    """What the loss's own authors call them."""

    @classmethod
    def object_sides(
        cls, source: SampleSource, anchors: Any, strides: Sequence[int] | None
    ) -> np.ndarray | None:
        """(n,) sides in pixels of the objects that priors have to reach; None for the usual ones.

        Only strides that were chosen for the data make them follow from its objects.

        Raises:
            ValueError: Anchors were given, which such a loss does not take.
        """
        if anchors is not None:
            raise ValueError(
                f"{cls.__name__} has {cls.prior_word} that follow from the size of the pictures; "
                "received some in loss.anchors."
            )
        if strides is None:
            return None
        return np.sqrt((source.training_boxes()[:, 2:] * source.image_shape[1::-1]).prod(1))

    @classmethod
    def setup_on_one_grid(cls, source: SampleSource, stride: int = COARSEST) -> dict[str, Any]:
        """Priors with the shapes of other losses' anchors, in the cells of their one grid."""
        grid = (*grid_cells(source.image_shape, stride, stride), SLOTS_A_CELL)
        anchors = default_anchors(source, SLOTS_A_CELL)
        layout = SlotLayout.from_grids([grid], [np.asarray(anchors, np.float32)])
        return {"priors": layout.prior, "grids": layout.grids}


@dataclasses.dataclass(frozen=True)
class Overlaps:
    """IoU of objects and priors, and who overlaps whom most.

    Attributes:
        every: (B, N, P) float32.
        best: (B, P) float32, the greatest of each prior.
        best_object: (B, P) int32, the first row that has it, 0 where there is no row.
        reach: (B, N) float32, the greatest of each object.
        best_prior: (B, N) int32, the first prior that has it.
    """

    every: Tensor
    best: Tensor
    best_object: Tensor
    reach: Tensor
    best_prior: Tensor


def find_overlaps(
    labels: Labels, boxes: Tensor, priors: np.ndarray, *, unusable: float
) -> Overlaps:
    """Compares all objects with all priors, some rows after the other.

    What a few rows take stays near the processor, and every number is read twice at most.

    Args:
        labels: The labels of the batch.
        boxes: (B, N, 4) their boxes, in the unit of the priors.
        priors: (P, 4) float32, centre format.
        unusable: What a row that is not usable has with every prior, 0 or less.
    """
    against = ops.expand_dims(ops.convert_to_tensor(priors), 0)
    # An intersection is no larger than the prior, and a union no smaller, but for rounding.
    some_area = bool(priors[:, 2:].prod(axis=1).min() > 2 * SMALLEST_UNION)
    count = boxes.shape[1]  # None where it is not known before the call
    parts = []
    for start in range(0, count, ROWS_AT_ONCE) if count else [0]:
        rows = slice(start, start + ROWS_AT_ONCE if count else None)
        overlap = pairwise_iou(boxes[:, rows], against, some_area=some_area)
        if unusable:
            overlap = ops.where(ops.expand_dims(labels.usable[:, rows], -1), overlap, unusable)
        parts.append(overlap)
    best = ops.stack([largest(each, empty=unusable, axis=1) for each in parts], axis=1)
    best = largest(best, empty=unusable, axis=1)  # (B, P)
    left, from_end = ops.shape(boxes)[1], []  # rows from the first best one on
    for part in parts:
        some = ops.shape(part)[1]
        back = ops.expand_dims(left - ops.arange(some, dtype="int32"), -1)
        reached = ops.equal(part, ops.expand_dims(best, 1))
        from_end.append(largest(ops.where(reached, back, 0), empty=0, axis=1))
        left = left - some
    reach, best_prior = _best_priors(parts, unusable)
    return Overlaps(
        every=ops.concatenate(parts, axis=1),
        best=best,
        best_object=ops.shape(boxes)[1] - functools.reduce(ops.maximum, from_end),
        reach=reach,
        best_prior=best_prior,
    )


def _best_priors(parts: Sequence[Tensor], empty: float) -> tuple[Tensor, Tensor]:
    """The greatest of every row, and the first prior that has it: it lies in the first best block.

    Args:
        parts: (B, some rows, P) float32.
        empty: At or below all of them.

    Returns:
        (B, N) float32 and int32.
    """
    priors = parts[0].shape[-1]
    length = next(each for each in range(LONGEST_BLOCK, 0, -1) if priors % each == 0)
    blocks = priors // length
    batch = ops.shape(parts[0])[0]
    cut = [ops.reshape(each, (batch, ops.shape(each)[1] * blocks, length)) for each in parts]
    of_blocks = ops.concatenate([largest(each, empty=empty) for each in cut], axis=1)
    rows = ops.shape(of_blocks)[1] // blocks
    reach, block = best_and_first(
        ops.reshape(of_blocks, (batch, rows, blocks)), empty=empty, axis=-1
    )
    found, start = [], 0
    for part, values in zip(parts, cut, strict=True):
        some = ops.shape(part)[1]
        place = ops.arange(some, dtype="int32") * blocks + block[:, start : start + some]
        found.append(gather_slots(values, place))
        start += some
    _, place = best_and_first(ops.concatenate(found, axis=1), empty=empty, axis=-1)
    return reach, block * length + place


def trained_priors(labels: Labels, matched_object: Tensor) -> tuple[Tensor, Tensor]:
    """(B, N, P) bool, the priors that each object trains, and (B, N) int32 how many."""
    row = ops.expand_dims(ops.arange(ops.shape(labels.usable)[1], dtype="int32"), -1)
    trains = ops.equal(ops.expand_dims(matched_object, 1), row)
    return trains, ops.sum(ops.cast(trains, "int32"), axis=-1)


def prior_ledger(
    labels: Labels, matched_object: Tensor, no_object_mask: Tensor, overlap: Tensor, **rows: Tensor
) -> Assignment:
    """The masks and the ledger, one row an object, every prior a candidate by its overlap.

    Args:
        labels: The labels of the batch.
        matched_object: (B, P).
        no_object_mask: (B, P).
        overlap: (B, N, P) IoU of objects and priors.
        **rows: (B, N) each, the other columns of `ledger`.
    """
    every = ops.arange(ops.shape(overlap)[-1], dtype="int32")
    rows |= {"candidates": ops.broadcast_to(every, ops.shape(overlap)), "score": overlap}
    return ledger(
        labels,
        matched_object=matched_object,
        no_object_mask=no_object_mask,
        measure="prior IoU",
        **{name: ops.expand_dims(values, 2) for name, values in rows.items()},
    )
