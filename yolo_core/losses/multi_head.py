"""Losses on several heads: one axis of slots, however the network hands its outputs over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from yolo_core.anchors import heads_by_area
from yolo_core.boxes import Tensor
from yolo_core.data.source import default_anchors
from yolo_core.losses.anchor_table import AnchorTable
from yolo_core.losses.base import DetectionLoss
from yolo_core.losses.heads import COARSEST, SLOTS_A_CELL, Head, grid_cells, slot_bias

if TYPE_CHECKING:
    from yolo_core.data.source import SampleSource


class MultiHeadLoss(DetectionLoss):
    """A loss on one or more grids, each with its own number of slots a cell and F channels a slot.

    Predictions come in one of three shapes: a list of one (B, rows, columns, A * F) output a head,
    anchor-major; such an output alone, where there is one head; or one (B, P, F) tensor with the
    slots of head after head, row after row, cell after cell. The last does not say where its heads
    end, so it needs `grids`.

    Args:
        anchors_per_head: A of each head.
        grids: (rows, columns) of each head, or None to take them from the outputs.
        num_classes: C.
        lambdas: As in `DetectionLoss`.
        name: Keras's name of the loss.

    Raises:
        ValueError: `grids` are not one pair of whole numbers above zero a head.
    """

    # Coarse before fine, as YOLOv3 has its heads.
    strides: tuple[int, ...] = (16, 8)

    def __init__(
        self,
        *,
        anchors_per_head: Sequence[int],
        grids: Sequence[Sequence[int]] | None,
        num_classes: int,
        lambdas: Mapping[str, float] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(num_classes=num_classes, lambdas=lambdas, name=name)
        self.anchors_per_head = tuple(anchors_per_head)
        self.grids = None if grids is None else _grid_pairs(grids, len(self.anchors_per_head))

    def slot_predictions(self, y_pred: Any) -> Tensor:
        """Predictions in any of the three shapes as (B, P, F) float32."""
        outputs = list(y_pred) if isinstance(y_pred, list | tuple) else [y_pred]
        outputs = [ops.cast(ops.convert_to_tensor(output), "float32") for output in outputs]
        heads = self.head_grids([output.shape for output in outputs])
        if len(outputs[0].shape) == 3:
            return outputs[0]
        features = len(self.channel_names)
        slots = [
            ops.reshape(output, (-1, rows * columns * count, features))
            for output, (rows, columns, count) in zip(outputs, heads, strict=True)
        ]
        return ops.concatenate(slots, axis=1) if len(slots) > 1 else slots[0]

    @classmethod
    def setup(
        cls, source: SampleSource, anchors: Any = None, strides: Sequence[int] | None = None
    ) -> dict[str, Any]:
        """Anchors and the grid of each head; the largest anchors for the coarsest head."""
        strides = strides or cls.strides
        if anchors is None:
            anchors = default_anchors(source, len(strides) * SLOTS_A_CELL)
        sizes = np.asarray(anchors)
        if len(sizes) < len(strides):
            raise ValueError(
                f"{cls.__name__} has {len(strides)} heads, each of which needs an anchor; "
                f"received {len(sizes)}."
            )
        parts = [sizes[rows] for rows in heads_by_area(sizes, strides)]
        grids = [grid_cells(source.image_shape, each, max(strides)) for each in strides]
        return {"anchors": [part.tolist() for part in parts], "grids": grids}

    @classmethod
    def setup_on_one_grid(cls, source: SampleSource, stride: int = COARSEST) -> dict[str, Any]:
        """As `setup`, on the one grid that losses with one head have, so that both compare."""
        anchors = default_anchors(source, SLOTS_A_CELL).tolist()
        return {"anchors": anchors, "grids": [grid_cells(source.image_shape, stride, stride)]}

    def heads(self) -> list[Head]:
        """One a stride, each with its number of slots a cell."""
        counts = self.anchors_per_head
        if len(counts) != len(self.strides):
            raise ValueError(
                f"{type(self).__name__} has {len(counts)} heads; a network here has "
                f"{len(self.strides)}, of {' and '.join(map(str, self.strides))} pixels a cell."
            )
        bias = slot_bias(self.channel_names)
        return [
            Head(stride, np.tile(bias, count))
            for stride, count in zip(self.strides, counts, strict=True)
        ]

    def anchor_sizes(
        self, image_shape: Sequence[int], grids: Sequence[Sequence[int]]
    ) -> AnchorTable | None:
        """The anchors in pixels, where the loss has some; those of no head by their number."""
        del grids
        if self.anchor_argument != "anchors":
            return None
        config = self.get_config()
        names = [f"anchor {index}" for index in range(len(config["anchors"]))]
        for head, members in enumerate(config.get("anchor_mask") or []):
            for place, index in enumerate(members):
                names[index] = f"head {head}, anchor {place}"
        return AnchorTable.of_shapes(names, config["anchors"], image_shape[1::-1])

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
        pixels, owner = image_shape[1::-1], type(self).__name__
        return {"anchors": table.edited_shapes(sizes, self.get_config()["anchors"], pixels, owner)}

    def output_shape(self, image_shape: Sequence[int]) -> tuple[int, ...]:
        """(P, F)."""
        features = len(self.channel_names)
        numbers = sum(
            int(np.prod(grid_cells(image_shape, head.stride, max(self.strides)))) * len(head.bias)
            for head in self.heads()
        )
        return numbers // features, features

    def to_output(
        self, slots: np.ndarray, grids: Sequence[tuple[int, int, int]] | None = None
    ) -> np.ndarray:
        """The slots as they are: one tensor of the slots of head after head."""
        del grids
        return slots

    def head_grids(self, y_pred_shape: Sequence[Any]) -> list[tuple[int, int, int]]:
        """Rows, columns and slots a cell of each head.

        Args:
            y_pred_shape: The shape of one tensor of predictions, or one shape a head.

        Raises:
            ValueError: The shape does not fit the heads.
        """
        is_list = len(y_pred_shape) > 0 and hasattr(y_pred_shape[0], "__len__")
        shapes = [tuple(shape) for shape in (y_pred_shape if is_list else [y_pred_shape])]
        if len(shapes) == 1 and len(shapes[0]) == 3:
            return self._concatenated_heads(shapes[0])
        if len(shapes) != len(self.anchors_per_head):
            raise ValueError(
                f"{type(self).__name__} has {len(self.anchors_per_head)} heads; received "
                f"{len(shapes)} outputs, of shape {', '.join(map(str, shapes))}."
            )
        heads = [self._head(head, shape) for head, shape in enumerate(shapes)]
        received = tuple(head[:2] for head in heads)
        if self.grids is not None and received != self.grids:
            raise ValueError(
                f"{type(self).__name__} was made for grids of {self.grids} rows and columns; "
                f"received outputs with {received}."
            )
        return heads

    def _concatenated_heads(self, shape: tuple[Any, ...]) -> list[tuple[int, int, int]]:
        if self.grids is None:
            raise ValueError(
                f"{type(self).__name__} received all slots in one tensor of shape {shape}, which "
                "does not tell its heads apart: make the loss with grids=[(rows, columns), ...], "
                "one pair a head."
            )
        heads = [
            (*grid, count) for grid, count in zip(self.grids, self.anchors_per_head, strict=True)
        ]
        slots, features = sum(r * c * a for r, c, a in heads), len(self.channel_names)
        if shape[1] not in (None, slots) or shape[2] != features:
            raise ValueError(
                f"{type(self).__name__} with {self.num_classes} classes and heads of "
                f"{', '.join(f'{r} x {c} x {a}' for r, c, a in heads)} slots takes predictions of "
                f"shape (batch, {slots}, {features}); received {shape}."
            )
        return heads

    def _head(self, head: int, shape: tuple[Any, ...]) -> tuple[int, int, int]:
        """Checks the output of one head."""
        count, features = self.anchors_per_head[head], len(self.channel_names)
        if len(shape) != 4 or not all(isinstance(size, int) for size in shape[1:]):
            raise ValueError(
                f"Head {head} of {type(self).__name__} must have shape (batch, rows, columns, "
                f"{count * features}) with a known grid; received {shape}."
            )
        if shape[3] != count * features:
            raise ValueError(
                f"Head {head} of {type(self).__name__} has {count} anchors and {features} "
                f"channels for each ({', '.join(self.channel_names[:5])} and the classes), so it "
                f"takes {count * features} channels; received {shape[3]}. Are the anchors of this "
                "head and num_classes right?"
            )
        return shape[1], shape[2], count


def _grid_pairs(grids: Sequence[Sequence[int]], heads: int) -> tuple[tuple[int, int], ...]:
    try:
        pairs = tuple((int(rows), int(columns)) for rows, columns in grids)
    except (TypeError, ValueError):
        pairs = ()
    if len(pairs) != heads or any(size < 1 for pair in pairs for size in pair):
        raise ValueError(
            f"grids must be one (rows, columns) pair a head, {heads} in all; received {grids!r}."
        )
    return pairs
