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

import keras

from yolo_core.runs.store import RunStore

logger = logging.getLogger("yolo_core.training")

LINE_SECONDS = 2.0
TENSORBOARD_EVERY = 10
FLUSH_MILLISECONDS = 10_000  # so that a run can be watched; by default it is two minutes
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
        batch_size: Images a step; None as long as nobody knows.
        tensorboard: Folder of the event files, which are written under TensorFlow.
        totals: Sums over the steps before, which go on.
        message: What the status says while there is nothing else to say.
    """

    def __init__(
        self,
        store: RunStore,
        *,
        steps: int | None,
        batch_size: int | None,
        tensorboard: Path,
        totals: Totals,
        message: str = "",
    ) -> None:
        self.store = store
        self.steps = steps
        self.batch_size = batch_size
        self.totals = totals
        self._recent: deque[float] = deque(maxlen=RATE_STEPS)
        self.message = message
        self._compiled: set[str] = set()
        self._compiles = False
        self._began = 0.0
        self._said = 0.0
        self._events: Any = None
        if keras.backend.backend() == "tensorflow":  # which else nothing here needs
            import tensorflow as tf

            self._scalar = tf.summary.scalar
            writer = tf.summary.create_file_writer
            self._events = writer(str(tensorboard), flush_millis=FLUSH_MILLISECONDS)

    def begin_step(self, kind: str = "") -> None:
        """Starts the clock of a step; what happens between steps is not training time.

        Args:
            kind: Which of several compiled steps it is, such as "with a snapshot": the first one of
                each compiles. Empty where none is compiled.
        """
        self._compiles = bool(kind) and kind not in self._compiled
        if self._compiles:
            self._compiled.add(kind)
            self.store.set_status(message=f"Compiling the first step {kind}.")
        self._began = time.perf_counter()

    def end_step(self, step: int, values: Mapping[str, Any], *, finite: bool = True) -> None:
        """Records a step; one that was not finite counts nowhere else, as it changed nothing.

        Args:
            step: Which.
            values: {column: number}; what the row has no column for is left out. Of
                "recall_current" the mean is recorded as well.
            finite: Whether it changed the weights.
        """
        took = 0.0 if self._compiles else time.perf_counter() - self._began
        if finite:
            self.totals.seconds += took
            self.totals.recall += float(values.get("recall_current", 0.0))
            self.totals.steps += 1
        if not self._compiles:
            self._recent.append(took)
        rate = math.nan
        if len(self._recent) >= RATE_FROM and self.batch_size is not None:
            rate = self.batch_size / max(statistics.median(self._recent), 1e-9)
        # The notebook's running mean over all steps.
        average = self.totals.recall / max(self.totals.steps, 1)
        values = {**values, "images_per_second": rate, "recall_average": average}
        values = {name: values[name] for name in self.store.columns if name in values}
        self.store.record_step(step, values)
        said = {"message": self.message} if self._compiles else {}
        self.store.set_status(images_per_second=rate, seconds=self.totals.seconds, **said)
        if step == 1 or step % TENSORBOARD_EVERY == 0:
            self.write_events(step, values)
        if time.monotonic() - self._said >= LINE_SECONDS or step == self.steps:
            self._said = time.monotonic()
            logger.info("%s", self._line(step, values, rate))

    def write_events(self, step: int, values: Mapping[str, float]) -> None:
        """Writes numbers where TensorBoard looks for them."""
        if self._events is None:
            return
        with self._events.as_default(step=step):
            for name, value in values.items():
                self._scalar(name, float(value))

    def close(self) -> None:
        """Ends the event files."""
        if self._events is not None:
            self._events.close()

    def _line(self, step: int, values: Mapping[str, float], rate: float) -> str:
        terms = "  ".join(
            f"{name.removeprefix('term/')} {float(value):.4g}"
            for name, value in values.items()
            if name.startswith("term/")
        )
        of = f"/{self.steps}" if self.steps else ""
        line = f"step {step}{of}  total {float(values.get('total', math.nan)):.4g}  {terms}"
        if math.isnan(rate):
            return line
        line = f"{line}  {rate:.0f} images/s"
        if not self.steps or not self.batch_size:
            return line
        left = round((self.steps - step) * self.batch_size / rate)
        return f"{line}  {left // 60}:{left % 60:02d} left"
