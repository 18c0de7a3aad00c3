"""What the recorder asks of whatever trains: a `Detector`, or a model that Keras compiled."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

import keras
import numpy as np

from yolo_core.breakdown import LossBreakdown
from yolo_core.jobs.status import error_sentence
from yolo_core.losses.base import DetectionLoss
from yolo_core.slots import SlotLayout
from yolo_core.training.looking import Looker
from yolo_core.training.own_function import OwnFunction


class Trained(Protocol):
    """Has a loss, can be looked at, and can be kept in a checkpoint.

    Attributes:
        detection_loss: The loss that its samples are looked at with.
        variables: All that a checkpoint keeps but the optimizer's.
        optimizer: Keras's.
    """

    detection_loss: DetectionLoss
    optimizer: Any

    @property
    def variables(self) -> list[Any]:
        """Those, at the moment."""
        ...

    def inspect(
        self, images: np.ndarray, y_true: np.ndarray, *, gradients: bool = False
    ) -> tuple[np.ndarray, LossBreakdown]:
        """As `Looker.inspect`."""
        ...

    def layout(self, image_shape: tuple[int, ...]) -> SlotLayout:
        """As `Looker.layout`."""
        ...


class CompiledModel(Looker):
    """A model that was compiled with a loss by Keras's own `compile`.

    Its training is Keras's alone. The loss of a step is worked out from the running mean that Keras
    logs, to about five digits.

    Args:
        model: The compiled model.
        loss: The loss that it is looked at with.
        is_own: Whether the model was compiled with another loss, one of somebody's own.
        network: From images to raw predictions, where the model itself is something else.
        own: The function that it was compiled with; None where its gradient is not looked at.

    Attributes:
        own_problem: Why the gradient of `own` is not looked at any more; empty as long as it is.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: DetectionLoss,
        *,
        is_own: bool,
        network: keras.Model | None = None,
        own: OwnFunction | None = None,
    ) -> None:
        super().__init__(network or model, loss)
        self.model = model
        self.is_own = is_own
        self.own = own
        self.own_problem = ""
        self.optimizer: Any = model.optimizer
        self.batch_size: int | None = None
        self._sum, self._count = 0.0, 0.0

    @property
    def variables(self) -> list[Any]:
        """Lambdas and step of the loss, then those of the model: what a checkpoint keeps."""
        loss = self.detection_loss
        return [*loss.lambdas.values(), loss.step, *self.model.variables]

    def inspect(
        self, images: np.ndarray, y_true: np.ndarray, *, gradients: bool = False
    ) -> tuple[np.ndarray, LossBreakdown]:
        """As `Looker.inspect`; with `LossBreakdown.own` where the model has a loss of its own."""
        outputs = self.predict(images)
        slots, breakdown = self.dissect(y_true, outputs, gradients=gradients)
        if gradients and self.own is not None:
            try:
                own = self.own.on(y_true, outputs, self.detection_loss)
                breakdown = dataclasses.replace(breakdown, own=own)
            except Exception as error:  # a function of somebody's own may fail in any way
                self.own_problem = (
                    f"What {self.own.title} sends into the slots is not on record, as it failed on "
                    f"label rows and raw predictions ({error_sentence(error)}). Say what it takes: "
                    "own=OwnFunction(function, labels=...)."
                )
                self.own = None
        return slots, breakdown

    @property
    def lambdas_refused(self) -> str:
        """Why setting a lambda would change nothing; empty where it does."""
        if self.is_own:
            return "The loss of this run is a function of its script's own, which has no lambdas."
        if keras.backend.backend() == "jax":
            return (
                "On the JAX backend the lambdas of a compiled model are frozen into its step: set "
                "them in the script."
            )
        return ""

    @property
    def not_live(self) -> str:
        """What is not live in such a training, a sentence."""
        parts = ["the terms of every step and snapshots of batches are not recorded"]
        if self.lambdas_refused:
            parts.append("lambdas cannot be moved")
        way = (
            "Detector(network, loss) has all of it"
            if keras.backend.backend() == "tensorflow" and not self.is_own
            else "recorder.step in a loop of your own records them"
        )
        return f"Compiled by Keras's own compile: {' and '.join(parts)}; {way}."

    def begin_epoch(self) -> None:
        """Keras's running mean begins anew."""
        self._sum = self._count = 0.0

    def step_loss(self, logs: dict[str, Any], *, last: bool) -> float:
        """The loss of the step that has just been made.

        Args:
            logs: What Keras logs of it.
            last: Whether it is the last one of its epoch, whose batch may be a smaller one.
        """
        mean = float(logs["loss"])
        count = self._count + (self.batch_size or 1)
        if keras.backend.backend() != "jax" or last or self.batch_size is None:
            count = self._counted(count)
        size = count - self._count
        if self.batch_size is None:
            self.batch_size = round(size)
        value = (mean * count - self._sum) / size if size > 0 else mean
        self._sum, self._count = mean * count, count
        return value

    def _counted(self, otherwise: float) -> float:
        """Pictures in Keras's running mean so far."""
        sync = getattr(self.model, "jax_state_sync", None)
        if sync is not None:
            sync()
        tracker = getattr(self.model, "_loss_tracker", None)
        found = getattr(tracker, "count", None)
        return otherwise if found is None else float(found.numpy())
