"""A loss on one grid: how its predictions, its anchors and its network look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from yolo_core.boxes import Tensor
from yolo_core.data.source import default_anchors
from yolo_core.losses.anchor_table import AnchorTable
from yolo_core.losses.base import DetectionLoss
from yolo_core.losses.families import takes_anchors
from yolo_core.losses.heads import SLOTS_A_CELL, Head, grid_cells, slot_bias
from yolo_core.slots import SlotLayout

if TYPE_CHECKING:
    from yolo_core.data.source import SampleSource


class GridLoss(DetectionLoss):
    """A loss on one grid head: (B, H, W, A * F), anchor-major, F channels a slot.

    Anchors, where a subclass has some, are (A, 2) float32 `self.anchors` in grid cells.
    """

    def slots(self, y_pred_shape: Sequence[Any]) -> SlotLayout:
        """One head of H x W cells, with the anchors, if there are any, as priors."""
        height, width, count = self._grid(y_pred_shape)
        anchors = getattr(self, "anchors", None)
        shapes = None if anchors is None else [anchors / np.asarray([width, height], np.float32)]
        return SlotLayout.from_grids([(height, width, count)], shapes)

    def slot_predictions(self, y_pred: Any) -> Tensor:
        """(B, H, W, A * F) as (B, H * W * A, F)."""
        height, width, anchors = self._grid(y_pred.shape)
        features = len(self.channel_names)
        return ops.reshape(y_pred, (-1, height * width * anchors, features))

    @classmethod
    def setup(
        cls, source: SampleSource, anchors: Any = None, strides: Sequence[int] | None = None
    ) -> dict[str, Any]:
        """Anchors in grid cells, where the loss takes some."""
        (stride, *more) = strides or cls.strides
        if more:
            raise ValueError(
                f"{cls.__name__} has one head; received strides of {len(more) + 1}: "
                f"{', '.join(map(str, (stride, *more)))}."
            )
        if not takes_anchors(cls):
            return super().setup(source, anchors)
        rows, columns = grid_cells(source.image_shape, stride, stride)
        shapes = default_anchors(source, SLOTS_A_CELL) if anchors is None else np.asarray(anchors)
        return {"anchors": (shapes * [columns, rows]).tolist()}

    def heads(self) -> list[Head]:
        """One, with a slot an anchor, or three."""
        count = len(getattr(self, "anchors", range(SLOTS_A_CELL)))
        return [Head(self.strides[0], np.tile(slot_bias(self.channel_names), count))]

    def anchor_sizes(
        self, image_shape: Sequence[int], grids: Sequence[Sequence[int]]
    ) -> AnchorTable | None:
        """The anchors in pixels, where the loss has some."""
        if self.anchor_argument != "anchors":
            return None
        anchors = self.get_config()["anchors"]
        names = [f"anchor {index}" for index in range(len(anchors))]
        return AnchorTable.of_shapes(names, anchors, _cell_pixels(image_shape, grids))

    def with_anchors(
        self,
        sizes: Sequence[Sequence[float]],
        image_shape: Sequence[int],
        grids: Sequence[Sequence[int]],
    ) -> dict[str, Any]:
        """See `DetectionLoss.with_anchors`."""
        table = self.anchor_sizes(image_shape, grids)
        if table is None:
            return super().with_anchors(sizes, image_shape, grids)
        pixels, owner = _cell_pixels(image_shape, grids), type(self).__name__
        return {"anchors": table.edited_shapes(sizes, self.get_config()["anchors"], pixels, owner)}

    def output_shape(self, image_shape: Sequence[int]) -> tuple[int, ...]:
        """(rows, columns, channels of a cell)."""
        head = self.heads()[0]
        return (*grid_cells(image_shape, head.stride, head.stride), len(head.bias))

    def to_output(
        self, slots: np.ndarray, grids: Sequence[tuple[int, int, int]] | None = None
    ) -> np.ndarray:
        """(B, P, F) slots as (B, rows, columns, channels of a cell)."""
        batch, count, features = slots.shape
        if grids is None:
            a_cell = len(getattr(self, "anchors", range(SLOTS_A_CELL)))
            side = round((count / a_cell) ** 0.5)
            grids = [(side, side, a_cell)]
        if len(grids) != 1 or int(np.prod(grids[0])) != count:
            words = " and ".join(f"{r} x {c} x {a}" for r, c, a in grids)
            raise ValueError(
                f"{type(self).__name__} has its slots on one grid; received {count} slots for "
                f"{words}."
            )
        rows, columns, a_cell = grids[0]
        return self._cells(slots.reshape(batch, rows, columns, a_cell, features))

    def _cells(self, slots: np.ndarray) -> np.ndarray:
        """(B, rows, columns, A, F) slots as (B, rows, columns, channels of a cell)."""
        return slots.reshape(*slots.shape[:3], -1)

    def _grid(self, shape: Sequence[Any]) -> tuple[int, int, int]:
        """Rows, columns and anchors a cell of predictions of that shape."""
        features = len(self.channel_names)
        if len(shape) != 4 or not all(isinstance(size, int) for size in shape[1:]):
            raise ValueError(
                f"{type(self).__name__} takes predictions of shape (batch, rows, columns, "
                f"anchors * {features}) with a known grid; received {tuple(shape)}."
            )
        height, width, channels = shape[1:]
        anchors = getattr(self, "anchors", None)
        if channels == 0 or channels % features:
            here = "" if anchors is None else f", {len(anchors) * features} with its anchors"
            raise ValueError(
                f"{type(self).__name__} with {self.num_classes} classes takes a multiple of "
                f"{features} channels ({', '.join(self.channel_names[:5])} and the classes){here}; "
                f"received {channels}. Is num_classes right?"
            )
        count = channels // features
        if anchors is not None and count != len(anchors):
            raise ValueError(
                f"{type(self).__name__} has {len(anchors)} anchors and {self.num_classes} "
                f"classes, so it takes {len(anchors) * features} channels; "
                f"received {channels}, which is {count} anchors."
            )
        expected = self.options.get("predictors")
        if expected is not None and count != expected:
            raise ValueError(
                f"{type(self).__name__} expects {expected} predictors a cell; the channels of "
                f"{tuple(shape)} hold {count}."
            )
        return height, width, count


def _cell_pixels(image_shape: Sequence[int], grids: Sequence[Sequence[int]]) -> tuple[float, float]:
    """Width and height of a cell of the one grid, in pixels."""
    return image_shape[1] / grids[0][1], image_shape[0] / grids[0][0]
