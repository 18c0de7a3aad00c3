"""Whether validation mAP50 still rises: Keras's `EarlyStopping`, told each evaluation of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras

MEASURE = "map50"
_NEVER = 10**9


class ValidationMap(keras.callbacks.EarlyStopping):
    """Keras's callback, which counts evaluations in place of epochs.

    A run that is resumed tells it the evaluations on record, and it goes on as if it had never
    ended.

    Args:
        patience: Evaluations without a better one after which it asks to stop; 0 for never.
    """

    def __init__(self, patience: int) -> None:
        super().__init__(monitor=MEASURE, mode="max", patience=patience or _NEVER)
        self.asks_to_stop = False
        self.best_step = 0
        self._steps: list[int] = []
        self.set_model(_Flag())
        self.on_train_begin()

    def replay(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Tells it the evaluations before, in their order; none of them asks to stop."""
        for step, value in zip(steps, values, strict=True):
            if math.isfinite(value):
                self.told(int(step), float(value))
        self.asks_to_stop = False

    def told(self, step: int, value: float) -> bool:
        """Takes up an evaluation.

        Returns:
            Whether it is better than all before.
        """
        if step in self._steps:  # measured once more: somebody asked for it
            return False
        self._steps.append(step)
        self.model.stop_training = False
        self.on_epoch_end(len(self._steps), {MEASURE: value})
        is_best = self.wait == 0
        if is_best:
            self.best_step = step
        self.asks_to_stop = self.model.stop_training
        return is_best

    @property
    def sentence(self) -> str:
        """Why it asks to stop, for "Stopped by ..."."""
        return (
            f"early stopping (validation mAP50 has not risen above {float(self.best):.3f} of step "
            f"{self.best_step:,} in {self.wait} evaluations)"
        )


class _Flag:
    """What Keras's callback tells to stop."""

    stop_training = False
