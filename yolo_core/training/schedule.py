"""What the learning rate and the lambdas are at every step, and how a command changes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from yolo_core.data.config import Positive, Section

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

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"peak_learning_rate": self.peak, "warms_up": self.warms_up}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes up what a checkpoint kept."""
        self.peak = float(state["peak_learning_rate"])
        self.warms_up = bool(state["warms_up"])

    def _share(self, step: int) -> float:
        if self.schedule == "constant":
            return 1.0
        warm_up = min(WARM_UP_STEPS, max(1, self.steps // 10))
        rising = min(1.0, step / warm_up) if self.warms_up else 1.0
        cosine = 0.5 * (1 + math.cos(math.pi * (step - 1) / self.steps))
        return rising * max(cosine, FLOOR)


class OptimizerRate:
    """The learning rate that an optimizer has by itself; a checkpoint keeps it with the optimizer.

    Args:
        optimizer: A Keras optimizer.
    """

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer

    def at(self, step: int) -> float:
        """The learning rate now, whichever step is next."""
        del step
        return float(self.optimizer.learning_rate)

    def set_at(self, step: int, value: float) -> None:
        """Makes it `value` from now on.

        Raises:
            ValueError: The optimizer follows a schedule.
        """
        try:
            self.optimizer.learning_rate = value
        except TypeError:
            raise ValueError(
                f"The optimizer of this run follows a schedule of its own, so the learning rate of "
                f"step {step} cannot be set."
            ) from None

    def state(self) -> dict[str, Any]:
        """Nothing: it is a variable of the optimizer."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing: it came with the optimizer."""


class DialSchedule(Section):
    """What a lambda or the learning rate is at each step: from one value to another."""

    shape: Literal["constant", "linear", "cosine", "steps", "warm-up"] = Field(
        description="constant jumps at the first step; linear and cosine go from start to stop; "
        "steps goes in equal jumps; warm-up is linear from zero"
    )
    first: Positive = Field(default=1, description="step up to which it is start")
    last: Positive = Field(description="step from which on it is stop")
    start: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    stop: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    jumps: Annotated[int, Field(ge=1, le=1000)] = Field(default=4, description="of steps")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"it ends at step {self.last}, before it begins at {self.first}")
        if self.shape == "warm-up" and self.start:
            raise ValueError("warm-up begins at zero; linear begins where you say")
        return self

    @property
    def end(self) -> int:
        """The step from which on it is `stop`."""
        return self.first if self.shape == "constant" else self.last

    def at(self, step: int) -> float:
        """The value that step `step`, counted from 1, is made with."""
        if step >= self.end:
            return self.stop
        if step <= self.first:
            return self.start
        share = (step - self.first) / (self.last - self.first)
        if self.shape == "cosine":
            share = 0.5 * (1 - math.cos(math.pi * share))
        elif self.shape == "steps":
            share = math.floor(share * self.jumps) / self.jumps
        return self.start + (self.stop - self.start) * share


class LoopRate:
    """The learning rate of a loop of somebody's own, which is asked to take what is set here.

    Attributes:
        value: What was set or reported last; None before.
        wanted: What was set from here; None before.
    """

    def __init__(self) -> None:
        self.value: float | None = None
        self.wanted: float | None = None

    def at(self, step: int) -> float:
        """What is known of it."""
        del step
        return math.nan if self.value is None else self.value

    def set_at(self, step: int, value: float) -> None:
        """Asks the loop to take it from that step on."""
        del step
        self.value = self.wanted = value

    def state(self) -> dict[str, Any]:
        """Nothing: there are no checkpoints of such a loop."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing."""
