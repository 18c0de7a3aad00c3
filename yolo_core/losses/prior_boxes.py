"""What losses whose slots are prior boxes share: their layout, their set-up, and their ledger."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from keras import ops

from yolo_core.assignment import Assignment
from yolo_core.boxes import Tensor
from yolo_core.data.source import default_anchors
from yolo_core.losses.heads import COARSEST, SLOTS_A_CELL, grid_cells
from yolo_core.losses.labels import Labels
from yolo_core.losses.matching import ledger
from yolo_core.losses.multi_head import MultiHeadLoss
from yolo_core.slots import SlotLayout

if TYPE_CHECKING:
    from yolo_core.data.source import SampleSource


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
