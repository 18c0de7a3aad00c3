"""A plain loss function on the bench: what it says is its total alone, and the gradient of that.

Masks, boxes and objectness are those of a published loss for the same slots: they say where the
objects are, and what the raw numbers mean. Runs the code of whoever named the file on the command
line; nothing else makes one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from yolo_core.breakdown import LossBreakdown
from yolo_core.compare.own.own_gradient import Handing, own_gradient
from yolo_core.doctor.finding import NotTried
from yolo_core.doctor.loss_bench import LossBench
from yolo_core.losses.base import DetectionLoss

WHOLE = "the loss"
"""What its one term is called."""


class FunctionBench(LossBench):
    """Somebody's function of (y_true, y_pred), and what it says of the doctor's pictures.

    Args:
        function: Called as `compare` calls it.
        name: "FILE.py:NAME" that it was loaded from.
        loss: The published loss whose slots it is for.
        image_shape: (height, width, ...) in pixels.
        handing: What it takes.
        anchors_given: Whether somebody said which anchors it decodes with.

    Attributes:
        set_names: {name of its file: what it was set to}.
        edge_fails: What it fails with where a centre lies on the right or lower edge; "" where it
            does not. Its pictures have no such objects then.

    Raises:
        ValueError: The function fails: the line of its file is named.
    """

    terms_known = False
    # It is not compiled: fewer steps, and larger ones.
    descent_steps, descent_rate = 50, 0.5

    def __init__(
        self,
        function: Callable[[Any, Any], Any],
        name: str,
        loss: DetectionLoss,
        image_shape: Sequence[int],
        handing: Handing,
        *,
        anchors_given: bool,
    ) -> None:
        super().__init__(loss, image_shape, own=True)
        self._function, self._name, self._handing = function, name, handing
        self._anchors_given = anchors_given
        self.set_names: dict[str, str] = {}
        self.edge_fails = ""
        try:
            self.take_apart(self.random_slots)
        except ValueError as error:
            inside = np.all(self.y_true[..., 1:3] < 1, axis=-1, keepdims=True)
            self.y_true = self.y_true * inside.astype(np.float32)
            self.take_apart(self.random_slots)
            self.edge_fails = str(error)

    def take_apart(self, slots: np.ndarray, y_true: np.ndarray | None = None) -> LossBreakdown:
        """The function's total as the one term, beside the published loss's masks and boxes.

        Raises:
            ValueError: The function fails: the line of its file is named.
        """
        labels = np.asarray(self.y_true if y_true is None else y_true)
        output = self.loss.to_output(slots.astype(np.float32), self.layout.grids)
        whole = self._dissect(labels, output)[1]
        # Whatever the file prints is not what the doctor prints.
        with contextlib.redirect_stdout(sys.stderr):
            total, gradient, told = own_gradient(
                self._function,
                self._name,
                self.loss,
                labels,
                output,
                self._handing,
                image_shape=self.image_shape,
            )
        self.set_names |= told
        return dataclasses.replace(
            whole,
            total=np.float32(total),
            terms={WHOLE: np.float32(total)},
            lambdas={WHOLE: np.float32(1.0)},
            maps={},
            gradients={WHOLE: gradient},
        )

    def said(self, boxes: np.ndarray, objectness: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """See `LossBench.said`.

        Raises:
            NotTried: It is not known which boxes the function reads in raw numbers.
        """
        self._check_anchors()
        return super().said(boxes, objectness, classes)

    @property
    def learned_slots(self) -> np.ndarray:
        """See `LossBench.learned_slots`; raises as `said`."""
        self._check_anchors()
        return super().learned_slots

    def _check_anchors(self) -> None:
        anchors = any(
            name.lower().endswith(("anchors", "priors", "boxes")) for name in self.set_names
        )
        if self.layout.has_priors and not (anchors or self._anchors_given):
            raise NotTried(
                "It is not known which anchors it decodes with: call them ANCHORS in the file, or "
                "give them with --anchors."
            )
