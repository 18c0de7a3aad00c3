"""One training from its first step, or from its last checkpoint, to its end."""

from __future__ import annotations

import dataclasses
import logging
import math
import signal
from types import FrameType
from typing import Any

import keras
import numpy as np

from yolo_core.data.digits import DigitScenes
from yolo_core.data.pipeline import scene_batch, training_batches
from yolo_core.losses.base import DetectionLoss
from yolo_core.runs.environment import write_environment
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.build import build_detector, build_scenes
from yolo_core.training.checkpoint import checkpoint_path, read_checkpoint, write_checkpoint
from yolo_core.training.config import RunConfig
from yolo_core.training.control import Actions, Control
from yolo_core.training.evaluation import Evaluator
from yolo_core.training.families import build_loss
from yolo_core.training.progress import Progress, Totals
from yolo_core.training.schedule import LearningRate
from yolo_core.training.snapshotting import Snapshotter, is_due

logger = logging.getLogger("yolo_core.training")

KEPT_CHECKPOINTS = 3


class NonFiniteLossError(ValueError):
    """A step gave a loss or gradients that are not finite; its weights were not kept."""


class Training(keras.callbacks.Callback):
    """A run in progress: the callback of `Detector.fit` that keeps its books.

    Between two steps, in this order: the row is recorded, then snapshots, evaluation and
    checkpoint where they are due, then commands.

    Args:
        config: What to train.
        store: The run, open for writing.
    """

    def __init__(self, config: RunConfig, store: RunStore) -> None:
        super().__init__()
        self.config = config
        self.store = store
        self.scenes: DigitScenes = build_scenes(config)
        self.loss: DetectionLoss = build_loss(config, self.scenes)
        self.detector = build_detector(config, self.loss, self.scenes)
        options = config.training
        self.rate = LearningRate(options.learning_rate, options.schedule, options.steps)
        self.evaluator = Evaluator(self.scenes, config.data.validation_scenes)
        self.snapshots = Snapshotter(
            store,
            self.scenes,
            self.detector,
            loss_name=config.loss.name,
            pinned=options.pinned,
            megabytes=options.snapshot_megabytes,
        )
        self.done = 0
        self._totals = Totals()
        self.metrics: dict[str, float] = {}
        self.last_logs: dict[str, float] = {}
        self.failure: NonFiniteLossError | None = None
        self._interrupted = False
        self._add_columns()

    def run(self) -> None:
        """Trains to the last step, or until told to stop.

        Raises:
            NonFiniteLossError: A step was not finite; a checkpoint of the weights before it is
                on disk.
            ValueError: The disk is full, or another file of the run failed.
        """
        resumed = self._restore()
        options = self.config.training
        self.progress = Progress(
            self.store,
            steps=options.steps,
            batch_size=options.batch_size,
            tensorboard=self.store.folder.tensorboard,
            totals=self._totals,
        )
        actions = Actions(checkpoint=self._checkpoint, evaluate=self._evaluate, pin=self._pin)
        self.control = Control(self.store, self.loss, self.rate, actions)
        self.control.replay(self.store.events(), after=self.done)
        write_environment(self.store.folder)
        self.store.record_event(self.done, "resumed" if resumed else "started")
        self.store.set_status(
            state=RunState.RUNNING, step=self.done, steps=options.steps, message=""
        )
        restore_handlers = self._catch_interrupts()
        try:
            if not resumed:
                self.snapshots.write_pinned(0)
                self._checkpoint()
            if self.done < options.steps:
                self._fit()
        finally:
            restore_handlers()
            self.progress.close()
        self._end()

    def _fit(self) -> None:
        options = self.config.training
        remaining = options.steps - self.done
        batches = training_batches(
            self.scenes,
            batch_size=options.batch_size,
            first_batch=self.done,
            batches=remaining,
        )
        self.control.between(self.done)
        if self.control.stopping:
            return
        self.detector.fit(
            batches,
            epochs=1,
            steps_per_epoch=remaining,
            shuffle=False,
            verbose=0,
            callbacks=[self],
        )

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before step `done` + 1."""
        del batch, logs
        step = self.done + 1
        self.detector.optimizer.learning_rate.assign(self.rate.at(step))
        self.detector.wants_breakdown = is_due(step, self.config.training.snapshot_every)
        self.progress.begin_step()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After it: the books, then whatever somebody asked for."""
        del batch
        logs = logs or {}
        step = self.done + 1
        self.progress.end_step(step, logs, self.rate.at(step))
        if not logs["finite"]:
            self.failure = self._non_finite(step, logs)
            self.detector.stop_training = True
            return
        self.done = step
        self.last_logs = logs
        options = self.config.training
        if self.detector.last_batch is not None:
            self.snapshots.write_batch(step, self.detector.last_batch)
            self.detector.last_batch = None
        last = step == options.steps
        if last or is_due(step, options.snapshot_every):
            self.snapshots.write_pinned(step)
        if last or step % options.evaluate_every == 0:
            self._evaluate()
        if last or step % options.checkpoint_every == 0:
            self._checkpoint()
        self.control.between(step)
        if self.control.stopping:
            self.detector.stop_training = True

    def _end(self) -> None:
        """Says how the training ended."""
        if self.failure is not None:
            self._checkpoint()
            self.store.record_event(self.done, "failed", {"message": str(self.failure)})
            self.store.set_status(state=RunState.FAILED, message=str(self.failure))
            raise self.failure
        if self.done < self.config.training.steps:
            self._checkpoint()
            why = "Ctrl-C" if self._interrupted else "the command stop"
            message = f"Stopped by {why} after step {self.done}; it can be resumed."
            self.store.set_status(state=RunState.STOPPED, message=message)
            logger.info("%s", message)
            return
        self.store.record_event(self.done, "finished")
        self.store.set_status(state=RunState.FINISHED, message="")

    def _restore(self) -> bool:
        """Goes back to the newest checkpoint that can be read, if there is one."""
        for record in reversed(self.store.checkpoints()):
            try:
                state = read_checkpoint(record.path, self.detector)
            except ValueError as error:
                logger.warning("%s Trying the checkpoint before it.", error)
                continue
            self.done = state["step"]
            self.rate.peak = state["peak_learning_rate"]
            self.snapshots.pin(tuple(state["pinned"]))
            self._totals = Totals(**state["totals"])
            self.store.truncate_after(self.done)
            logger.info("Resuming from the checkpoint of step %d.", self.done)
            return True
        self.store.truncate_after(0)
        return False

    def _checkpoint(self) -> None:
        path = checkpoint_path(self.store.folder, self.done)
        state = {
            "step": self.done,
            "peak_learning_rate": self.rate.peak,
            "pinned": list(self.snapshots.pinned),
            "totals": dataclasses.asdict(self._totals),
        }
        write_checkpoint(path, self.detector, state)
        self.store.record_checkpoint(self.done, path)
        for record in self.store.checkpoints()[:-KEPT_CHECKPOINTS]:
            self.store.forget_checkpoint(record.step)
            record.path.unlink(missing_ok=True)

    def _evaluate(self) -> None:
        self.metrics = self.evaluator.evaluate(self.detector)
        self.store.record_evaluation(self.done, self.metrics)
        self.progress.write_events(
            self.done, {f"validation/{name}": value for name, value in self.metrics.items()}
        )
        logger.info(
            "step %d  validation mAP50 %.3f  mAP50-95 %.3f  recall %.3f",
            self.done,
            self.metrics["map50"],
            self.metrics["map50_95"],
            self.metrics["recall"],
        )

    def _pin(self, names: tuple[str, ...]) -> None:
        self.snapshots.pin(names)
        self.snapshots.write_pinned(self.done)

    def _non_finite(self, step: int, logs: dict[str, Any]) -> NonFiniteLossError:
        """Names the terms and the samples that were not finite, in a sentence."""
        size = self.config.training.batch_size
        names = [f"train/{(step - 1) * size + at}" for at in range(size)]
        images, y_true = scene_batch(self.scenes, names)
        breakdown = self.detector.training_breakdown(images.astype(np.float32) / 255.0, y_true)
        wrong = [name for name, v in logs.items() if "/" in name and not math.isfinite(v)]
        terms = [name.removeprefix("term/") for name in wrong if name.startswith("term/")]
        samples: list[str] = []
        for values in breakdown.maps.values():
            bad = ~np.isfinite(values).all(axis=1)
            samples += [name for name, is_bad in zip(names, bad, strict=True) if is_bad]
        if terms:
            first = f"the term {terms[0]} first" + (
                f", then {', '.join(terms[1:])}" if terms[1:] else ""
            )
        elif not math.isfinite(logs["loss"]):
            first = "the weighted sum of the terms, each of which was finite"
        else:
            first = "the gradients, while the loss itself was finite"
        unique = list(dict.fromkeys(samples))
        where = f" It shows in {', '.join(unique[:8])}" if unique else ""
        more = f" and {len(unique) - 8} more" if len(unique) > 8 else ""
        return NonFiniteLossError(
            f"The loss stopped being a finite number at step {step}: {first}."
            f"{where}{more}{'.' if where else ''} The weights of step {step - 1} are kept; "
            f"lower the learning rate (now {self.rate.at(step):.3g}) or a lambda, then resume."
        )

    def _add_columns(self) -> None:
        columns = ["total", "learning_rate", "images_per_second", "recall_current"]
        columns.append("recall_average")
        for group in ("term", "lambda"):
            columns += [f"{group}/{name}" for name in self.loss.term_names]
        missing = [name for name in columns if name not in self.store.columns]
        if missing:
            self.store.add_columns(missing)

    def _catch_interrupts(self) -> Any:
        """Ctrl-C and a termination signal end the training cleanly; a second one at once."""

        def interrupt(number: int, frame: FrameType | None) -> None:
            del frame
            if self._interrupted:
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)
            self._interrupted = True
            self.control.stopping = True
            logger.info("Stopping after this step; once more to end at once.")

        before = {n: signal.signal(n, interrupt) for n in (signal.SIGINT, signal.SIGTERM)}

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        return restore
