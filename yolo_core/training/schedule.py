"""The learning rate of every step."""

from __future__ import annotations

import math

WARM_UP_STEPS = 100
# The share of the peak that is left at the last step of a cosine schedule.
FLOOR = 0.01


class LearningRate:
    """A peak learning rate and the schedule that scales it.

    Args:
        peak: Learning rate where the schedule is 1.
        schedule: "cosine" or "constant".
        steps: Steps of the whole training.

    Attributes:
        peak: See above; `set_at` changes it.
        warms_up: Whether the first steps rise to the peak; not after somebody has set the rate.
    """

    def __init__(self, peak: float, schedule: str, steps: int) -> None:
        self.peak = peak
        self.schedule = schedule
        self.steps = steps
        self.warms_up = schedule == "cosine"

    def at(self, step: int) -> float:
        """The learning rate of step `step`, counted from 1."""
        return self.peak * self._share(step)

    def set_at(self, step: int, value: float) -> None:
        """Makes the learning rate of that step `value`; from there it only falls."""
        self.warms_up = False
        self.peak = value / self._share(step)

    def _share(self, step: int) -> float:
        if self.schedule == "constant":
            return 1.0
        warm_up = min(WARM_UP_STEPS, max(1, self.steps // 10))
        rising = min(1.0, step / warm_up) if self.warms_up else 1.0
        cosine = 0.5 * (1 + math.cos(math.pi * (step - 1) / self.steps))
        return rising * max(cosine, FLOOR)
