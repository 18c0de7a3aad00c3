"""What a training says while it runs: the progress line, the step row, TensorBoard's files."""

from __future__ import annotations

import dataclasses
import logging
import math
import statistics
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import tensorflow as tf

from yolo_core.runs.store import RunStore

logger = logging.getLogger("yolo_core.training")

LINE_SECONDS = 2.0
TENSORBOARD_EVERY = 10
# Images a second are the median of the last steps, without those that compiled. Of the first ones
# many are slow: they take snapshots, and their data come in for the first time.
RATE_STEPS = 25
RATE_FROM = 10


@dataclasses.dataclass
class Totals:
    """Sums over all steps of a run, which a checkpoint carries on.

    Attributes:
        seconds: Training time: the steps themselves, with waiting for data; without those that
            compiled, evaluations, snapshots, checkpoints and pauses.
        recall: Sum of the recall of every batch.
        steps: Number of steps in both.
    """

    seconds: float = 0.0
    recall: float = 0.0
    steps: int = 0

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> Self:
        """What a checkpoint kept of them."""
        return cls(float(kept["seconds"]), float(kept["recall"]), int(kept["steps"]))


class Progress:
    """Puts every step on record and says now and then how far the training is.

    Args:
        store: The run, open for writing.
        steps: Steps of the whole training; None where nobody knows.
        batch_size: Images a step.
        tensorboard: Folder of the event files.
        totals: Sums over the steps before, which go on.
    """

    def __init__(
        self,
        store: RunStore,
        *,
        steps: int | None,
        batch_size: int,
        tensorboard: Path,
        totals: Totals,
    ) -> None:
        self.store = store
        self.steps = steps
        self.batch_size = batch_size
        self.totals = totals
        self._recent: deque[float] = deque(maxlen=RATE_STEPS)
        self._compiled: set[bool] = set()
        self._compiles = False
        self._began = 0.0
        self._said = 0.0
        self._events = tf.summary.create_file_writer(str(tensorboard))

    def begin_step(self, *, with_breakdown: bool) -> None:
        """Starts the clock of a step; what happens between steps is not training time.

        Args:
            with_breakdown: Which of the detector's two steps it is: the first one of each compiles.
        """
        self._compiles = with_breakdown not in self._compiled
        if self._compiles:
            self._compiled.add(with_breakdown)
            kind = "with" if with_breakdown else "without"
            self.store.set_status(message=f"Compiling the first step {kind} a snapshot.")
        self._began = time.perf_counter()

    def end_step(self, step: int, logs: Mapping[str, float], learning_rate: float) -> None:
        """Records a step; one that was not finite counts nowhere else, as it changed nothing."""
        took = 0.0 if self._compiles else time.perf_counter() - self._began
        if logs["finite"]:
            self.totals.seconds += took
            self.totals.recall += float(logs["recall"])
            self.totals.steps += 1
        if not self._compiles:
            self._recent.append(took)
        rate = math.nan
        if len(self._recent) >= RATE_FROM:
            rate = self.batch_size / statistics.median(self._recent)
        values = {
            "total": logs["loss"],
            "learning_rate": learning_rate,
            "images_per_second": rate,
            "recall_current": logs["recall"],
            # The notebook's running mean over all steps.
            "recall_average": self.totals.recall / max(self.totals.steps, 1),
            **{name: logs[name] for name in self.store.columns if name in logs},
        }
        self.store.record_step(step, values)
        said = {"message": ""} if self._compiles else {}
        self.store.set_status(images_per_second=rate, seconds=self.totals.seconds, **said)
        if step % TENSORBOARD_EVERY == 0:
            self.write_events(step, values)
        if time.monotonic() - self._said >= LINE_SECONDS or step == self.steps:
            self._said = time.monotonic()
            logger.info("%s", self._line(step, values, rate))

    def write_events(self, step: int, values: Mapping[str, float]) -> None:
        """Writes numbers where TensorBoard looks for them."""
        with self._events.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def close(self) -> None:
        """Ends the event files."""
        self._events.close()

    def _line(self, step: int, values: Mapping[str, float], rate: float) -> str:
        terms = "  ".join(
            f"{name.removeprefix('term/')} {value:.4g}"
            for name, value in values.items()
            if name.startswith("term/")
        )
        of = f"/{self.steps}" if self.steps else ""
        line = f"step {step}{of}  total {values['total']:.4g}  {terms}"
        if math.isnan(rate):
            return line
        line = f"{line}  {rate:.0f} images/s"
        if not self.steps:
            return line
        left = round((self.steps - step) * self.batch_size / rate)
        return f"{line}  {left // 60}:{left % 60:02d} left"
