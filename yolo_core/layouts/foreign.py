"""A loss on the raw predictions of another program, wherever a loss is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from yolo_core.boxes import Tensor
from yolo_core.breakdown import LossBreakdown
from yolo_core.layouts.by_name import raw_layout
from yolo_core.layouts.heads import HeadLayout
from yolo_core.layouts.priors import PriorLayout
from yolo_core.losses.base import DetectionLoss
from yolo_core.slots import SlotLayout


class InLayout(DetectionLoss):
    """What a loss does otherwise in another program's layout; `in_layout` makes one.

    Lambdas and step are those of the loss itself.
    """

    published_loss: DetectionLoss
    raw_layout: HeadLayout | PriorLayout
    layout_arguments: Mapping[str, Any]

    @property
    def reduce_count(self) -> Callable[[Any], Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the loss has it."""
        return self.published_loss.reduce_count

    @reduce_count.setter
    def reduce_count(self, value: Callable[[Any], Any]) -> None:
        """Sets that of the loss."""
        self.published_loss.reduce_count = value

    def breakdown(self, y_true: Any, y_pred: Any) -> LossBreakdown:
        """See `DetectionLoss.breakdown`; predictions in the other program's layout."""
        return self.published_loss.breakdown(y_true, self.raw_layout.ours(y_pred))

    def slots(self, y_pred_shape: Sequence[Any]) -> SlotLayout:
        """Where the slots of such predictions sit."""
        return self.published_loss.slots(self.raw_layout.our_shapes(y_pred_shape))

    def slot_predictions(self, y_pred: Any) -> Tensor:
        """Such predictions, or gradients, as (B, P, channels) float32."""
        return self.published_loss.slot_predictions(self.raw_layout.ours(y_pred))

    def to_output(
        self, slots: np.ndarray, grids: Sequence[tuple[int, int, int]] | None = None
    ) -> Any:
        """The way back from `slot_predictions`: what the other program's network puts out."""
        return self.raw_layout.theirs(self.published_loss.to_output(slots, grids))


def in_layout(loss: DetectionLoss, name: str, **orders: Any) -> Any:
    """A loss on predictions in another program's layout.

        loss = in_layout(loss, "pytorch_yolov3")
        loss.breakdown(y_true, [head_13, head_26, head_52])

    Args:
        loss: The loss.
        name: One of `LAYOUT_NAMES`.
        **orders: As in `raw_layout`.

    Returns:
        A loss of the same class, whose lambdas and step are those of `loss`.

    Raises:
        ValueError: As `raw_layout`.
    """
    layout, own = raw_layout(name, loss, **orders), type(loss)
    kind = type(own.__name__, (InLayout, own), {"__module__": own.__module__})
    made = object.__new__(kind)
    # Keras's own copying would save the loss and load it: with lambdas of its own.
    state = {key: value for key, value in vars(loss).items() if key != "reduce_count"}
    arguments = {"name": name, **orders}
    vars(made).update(state, published_loss=loss, raw_layout=layout, layout_arguments=arguments)
    return made
