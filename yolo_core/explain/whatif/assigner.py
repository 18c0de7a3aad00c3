"""A loss, compiled to say who gets which slot in many versions of one picture's labels.

Imports TensorFlow, so a page imports it inside the function that computes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from yolo_core.compare.raw_shape import network_output
from yolo_core.explain.whatif.outcomes import Outcomes
from yolo_core.losses import DetectionLoss
from yolo_core.views import SampleView

# Numbers in the largest array of one call, versions x slots x objects: 64 MB of float32.
MOST_NUMBERS = 2**24
_ARRAYS = (
    "object_mask",
    "ignore_mask",
    "matched_object",
    "object_slot",
    "match_count",
    "object_status",
    "overwritten_by",
)


class Assigner:
    """Assigns the objects of changed labels to slots, by the loss that trained.

    The prediction stays as it is; only labels and thresholds change. Everything that the
    assignment does not need is pruned from the compiled graph, which is traced once for a loss and
    serves any number of versions, label rows, and values of a threshold.

    Args:
        loss: The loss of a run, as `build_loss` makes it; only `breakdown` of it is called.
    """

    def __init__(self, loss: DetectionLoss) -> None:
        self._loss = loss
        self._compiled: Any = None

    def __call__(
        self, view: SampleView, y_true: np.ndarray, thresholds: dict[str, float] | None = None
    ) -> Outcomes:
        """What becomes of every object and slot.

        Args:
            view: The sample whose prediction is looked at.
            y_true: (V, N, 5 + C) float32, V versions of its label rows.
            thresholds: Values that differ from the loss's own.

        Raises:
            ValueError: The prediction does not fit the loss.
        """
        raw = network_output(self._loss, view.y_pred, view.layout.grids)
        if self._compiled is None:
            self._compiled = tf.function(
                self._assign,
                input_signature=[
                    tf.TensorSpec((None, None, y_true.shape[-1]), tf.float32),
                    tf.TensorSpec(raw.shape, tf.float32),
                    {name: tf.TensorSpec((), tf.float32) for name in self._loss.thresholds},
                ],
            )
        values = {
            name: np.float32(value)
            for name, value in {**self._loss.thresholds, **(thresholds or {})}.items()
        }
        # A picture of very many slots goes through in parts.
        at_once = max(1, MOST_NUMBERS // (view.layout.count * max(y_true.shape[1], 4)))
        parts = [
            self._compiled(np.asarray(y_true[at : at + at_once], np.float32), raw, values)
            for at in range(0, len(y_true), at_once)
        ]
        return Outcomes(
            **{name: np.concatenate([part[name].numpy() for part in parts]) for name in _ARRAYS}
        )

    def _assign(self, y_true: Any, raw: Any, thresholds: dict[str, Any]) -> dict[str, Any]:
        raw = tf.repeat(raw, tf.shape(y_true)[0], axis=0)
        own = {name: self._loss.options[name] for name in thresholds}
        # While it is traced the loss reads its thresholds from the arguments.
        self._loss.options.update(thresholds)
        try:
            assignment = self._loss.breakdown(y_true, raw).assignment
        finally:
            self._loss.options.update(own)
        return {name: getattr(assignment, name) for name in _ARRAYS}
