"""What a training says while it runs: the progress line, the step row, TensorBoard's files."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from yolo_core.runs.store import RunStore

logger = logging.getLogger("yolo_core.training")

LINE_SECONDS = 2.0
TENSORBOARD_EVERY = 10
# Images a second are a mean over about that many steps, so that the number can be read.
RATE_STEPS = 20.0


@dataclasses.dataclass
class Totals:
    """Sums over all steps of a run, which a checkpoint carries on.

    Attributes:
        seconds: Training time: the steps themselves, with waiting for data and compiling; without
            evaluations, snapshots, checkpoints and pauses.
        recall: Sum of the recall of every batch.
        steps: Number of steps in both.
    """

    seconds: float = 0.0
    recall: float = 0.0
    steps: int = 0


class Progress:
    """Puts every step on record and says now and then how far the training is.

    Args:
        store: The run, open for writing.
        steps: Steps of the whole training.
        batch_size: Images a step.
        tensorboard: Folder of the event files.
        totals: Sums over the steps before, which go on.
    """

    def __init__(
        self, store: RunStore, *, steps: int, batch_size: int, tensorboard: Path, totals: Totals
    ) -> None:
        self.store = store
        self.steps = steps
        self.batch_size = batch_size
        self.totals = totals
        self._step_seconds: float | None = None
        self._began = 0.0
        self._said = 0.0
        self._events = tf.summary.create_file_writer(str(tensorboard))

    def begin_step(self) -> None:
        """Starts the clock of a step; what happens between steps is not training time."""
        self._began = time.perf_counter()

    def end_step(self, step: int, logs: Mapping[str, float], learning_rate: float) -> None:
        """Records a step that was made."""
        took = time.perf_counter() - self._began
        self.totals.seconds += took
        self.totals.recall += logs["recall"]
        self.totals.steps += 1
        # The first step is mostly compiling: no rate is taken from it.
        if self._step_seconds is None:
            self._step_seconds = 0.0
        elif not self._step_seconds:
            self._step_seconds = took
        else:
            self._step_seconds += (took - self._step_seconds) / RATE_STEPS
        rate = self.batch_size / self._step_seconds if self._step_seconds else float("nan")
        values = {
            "total": logs["loss"],
            "learning_rate": learning_rate,
            "images_per_second": rate,
            "recall_current": logs["recall"],
            # The notebook's running mean over all steps.
            "recall_average": self.totals.recall / self.totals.steps,
            **{name: logs[name] for name in self.store.columns if name in logs},
        }
        self.store.record_step(step, values)
        self.store.set_status(images_per_second=rate, seconds=self.totals.seconds)
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
        left = (self.steps - step) * self.batch_size / rate if rate > 0 else float("nan")
        time_left = f"{int(left // 60)}:{int(left % 60):02d} left" if left == left else "..."
        speed = f"{rate:.0f} images/s" if rate == rate else "compiling"
        return (
            f"step {step}/{self.steps}  total {values['total']:.4g}  {terms}  {speed}  {time_left}"
        )
