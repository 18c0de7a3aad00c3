"""The MNIST-digits loss as its document and its code have it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from yolo_core.boxes import Tensor, intersection_over_union
from yolo_core.losses.cross_entropy import binary_cross_entropy, cross_entropy
from yolo_core.losses.heads import Head
from yolo_core.losses.labels import owning_cell
from yolo_core.losses.meaning import offset_in_cell, raw_fraction, raw_in_cell
from yolo_core.losses.mnist_yolo.loss import MnistYoloLoss
from yolo_core.losses.slot_axis import cell_corners
from yolo_core.losses.verbatim import VerbatimLoss
from yolo_core.slots import SlotLayout

CLIP = 1e-7


def cells_by_x(centres: Any, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """The row and the column of the cell that owns each centre, rows found by x (A-3).

    Both are scaled by the number of rows, as coded in the document's repository.

    Args:
        centres: (..., 2) float32 x, y, image fractions.
        rows: Rows of the grid.
        columns: Columns of the grid.

    Returns:
        Two (...) int32, inside the grid wherever the centre is.
    """
    x, y = centres[..., 0], centres[..., 1]
    return owning_cell(x, rows), ops.minimum(owning_cell(y, rows), columns - 1)


@keras.saving.register_keras_serializable(package="yolo_core")
class VerbatimMnistYoloLoss(VerbatimLoss, MnistYoloLoss):
    """`MnistYoloLoss` with any of its published slips (`docs/losses.md`, A-1 to A-10).

    Args:
        *arguments: As `MnistYoloLoss`.
        slips: Names of `mnist_yolo/slips.py`.
        **options: As `MnistYoloLoss`.

    Raises:
        ValueError: As `VerbatimLoss`, or the slips cannot be had together.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self._has("x-y-order") and self._has("cell-offsets"):
            raise ValueError(
                'grid_order="x_y" does not go with box_target="cell": it takes an object to a cell '
                "that does not hold its centre, so the offset inside that cell is no number from "
                '0 to 1 and cannot be predicted. Use grid_order="row_column" or box_target="image".'
            )

    def heads(self) -> list[Head]:
        """One; x and y are places in the picture, unless they are offsets in a cell."""
        (head,) = super().heads()
        return [Head(head.stride, head.bias)] if self._has("cell-offsets") else [head]

    def encode_boxes(self, layout: SlotLayout, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `DetectionLoss.encode_boxes`."""
        if not self._has("cell-offsets"):
            return (
                (boxes[..., :2], boxes[..., 2:])
                if self._has("raw-boxes")
                else super().encode_boxes(layout, boxes)
            )
        centre, size = boxes[..., :2], boxes[..., 2:]
        if self._has("raw-boxes"):
            return offset_in_cell(layout, centre), size
        return raw_in_cell(layout, centre), raw_fraction(size, "size")

    def _owning_cells(self, centres: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor]:
        find = cells_by_x if self._has("x-y-order") else super()._owning_cells
        return find(centres, rows, columns)

    def _activated(self, raw: Tensor) -> Tensor:
        return raw if self._has("raw-boxes") else super()._activated(raw)

    def _boxes(self, raw: Tensor, rows: int, columns: int, count: int) -> Tensor:
        boxes = super()._boxes(raw, rows, columns, count)
        if not self._has("cell-offsets"):
            return boxes
        corner = ops.convert_to_tensor(cell_corners(rows, columns, count))
        centre = (boxes[..., :2] + corner) / self._across(rows, columns)
        return ops.concatenate([centre, boxes[..., 2:]], axis=-1)

    def _matched_by(self, raw: Tensor, boxes: Tensor) -> Tensor:
        return raw if self._has("raw-matching") else super()._matched_by(raw, boxes)

    def _iou(self, objects: Tensor, predicted: Tensor) -> Tensor:
        if not self._has("floor-corners"):
            return super()._iou(objects, predicted)
        return intersection_over_union(objects, predicted, epsilon=1e-8, floor_corners=True)

    def _target(
        self, boxes: Tensor, row: Tensor, column: Tensor, rows: int, columns: int
    ) -> Tensor:
        if not self._has("cell-offsets"):
            return super()._target(boxes, row, column, rows, columns)
        place = boxes[..., :2] * self._across(rows, columns)
        offset = place - ops.cast(ops.stack([column, row], axis=-1), "float32")
        if self._has("offsets-by-swapped-axes"):
            place = boxes[..., :2] * self._across(columns, rows)
            offset = place - ops.floor(place)
        return ops.concatenate([offset, boxes[..., 2:]], axis=-1)

    def _across(self, rows: int, columns: int) -> Tensor:
        """(2,) float32: cells across the picture, and down it."""
        return ops.convert_to_tensor(np.asarray([columns, rows], np.float32))

    def _box_errors(self, difference: Tensor) -> tuple[Tensor, Tensor]:
        xy, wh = super()._box_errors(difference)
        if self._has("huber-errors"):
            size = ops.abs(difference)
            error = ops.where(size <= 1.0, 0.5 * ops.square(difference), size - 0.5) / 4.0
            xy, wh = ops.sum(error[..., :2], axis=-1), ops.sum(error[..., 2:], axis=-1)
        # A mean over the two numbers of each, in place of one over all four.
        return (2.0 * xy, 2.0 * wh) if self._has("cell-offsets") else (xy, wh)

    def _binary(self, logit: Tensor, target: int) -> Tensor:
        return binary_cross_entropy(logit, target, clip=self._clip)

    def _class_error(self, one_hot: Tensor, logits: Tensor) -> Tensor:
        return cross_entropy(one_hot, logits, clip=self._clip)

    @property
    def _clip(self) -> float | None:
        return CLIP if self._has("clipped-probabilities") else None
