"""What losses with anchors on several heads share: the anchors, and the slots that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from yolo_core.losses.anchor_set import read_anchors
from yolo_core.losses.multi_head import MultiHeadLoss
from yolo_core.slots import SlotLayout

if TYPE_CHECKING:
    from yolo_core.data.source import SampleSource


class AnchorHeads(MultiHeadLoss):
    """Anchors of all heads, as published code hands them over.

    Args:
        anchors: See `read_anchors`.
        num_classes: C.
        grids: (rows, columns) of each head; see `MultiHeadLoss`.
        image_size: The pixels that anchors are measured in: of a square, or (height, width). None
            for image fractions.
        anchor_mask: The rows of `anchors` that each head uses.
        lambdas: By term.
        name: Keras's name of the loss.

    Raises:
        ValueError: Anchors or grids do not fit.
    """

    anchor_argument: ClassVar = "anchors"
    classes_by_themselves: ClassVar = True

    def __init__(
        self,
        anchors: Any,
        num_classes: int,
        *,
        grids: Sequence[Sequence[int]] | None,
        image_size: int | Sequence[int] | None,
        anchor_mask: Sequence[Sequence[int]] | None,
        lambdas: Mapping[str, float] | None,
        name: str,
    ) -> None:
        self.anchors = read_anchors(anchors, anchor_mask=anchor_mask, image_size=image_size)
        super().__init__(
            anchors_per_head=[len(rows) for rows in self.anchors.heads],
            grids=grids,
            num_classes=num_classes,
            lambdas=lambdas,
            name=name,
        )

    @classmethod
    def setup(
        cls, source: SampleSource, anchors: Any = None, strides: Sequence[int] | None = None
    ) -> dict[str, Any]:
        """See `MultiHeadLoss.setup`; anchors are image fractions, whatever a variant has."""
        return {**super().setup(source, anchors, strides), "image_size": None}

    def slots(self, y_pred_shape: Sequence[Any]) -> SlotLayout:
        """The heads in order, with the anchors as priors."""
        return SlotLayout.from_grids(self.head_grids(y_pred_shape), self.anchors.of_heads)

    def get_config(self) -> dict[str, Any]:
        """All keyword arguments; anchors as image fractions."""
        return {
            **super().get_config(),
            "anchors": self.anchors.sizes.tolist(),
            "anchor_mask": [list(rows) for rows in self.anchors.heads],
            "grids": None if self.grids is None else [list(grid) for grid in self.grids],
        }
