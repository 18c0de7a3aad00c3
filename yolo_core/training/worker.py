"""One training from its first step, or from its last checkpoint, to its end."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import keras
import numpy as np

from yolo_core.data.batches import sample_batch, training_batches
from yolo_core.data.registry import open_source
from yolo_core.data.source import SampleSource, has_sample
from yolo_core.evaluation.evaluator import Evaluator
from yolo_core.losses.base import DetectionLoss
from yolo_core.runs.environment import write_environment
from yolo_core.runs.records import CheckpointRecord
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.build import build_detector, device_names
from yolo_core.training.checkpoint import checkpoint_path, read_checkpoint, write_checkpoint
from yolo_core.training.config import RunConfig, TrainingConfig
from yolo_core.training.control import Actions, Control
from yolo_core.training.diagnosis import describe_non_finite
from yolo_core.training.families import build_loss
from yolo_core.training.interrupt import Interrupt
from yolo_core.training.own_loss import check_source, is_own_loss, load_loss_class, short_name
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
        interrupt: Whether a signal asks the process to end; None where nobody listens.

    Raises:
        ValueError: The configuration asks for what does not fit together or cannot be read.
    """

    def __init__(
        self, config: RunConfig, store: RunStore, interrupt: Interrupt | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.store = store
        self.source: SampleSource = open_source(config.data)
        own = None
        if is_own_loss(config.loss.name):
            check_source(config.loss.name, store.folder.path)
            own = load_loss_class(config.loss.name)
        self.loss: DetectionLoss = build_loss(config, self.source, own=own)
        self.detector = build_detector(config, self.loss, self.source)
        options = config.training
        self.rate = LearningRate(options.learning_rate, options.schedule, options.steps)
        pinned = options.pinned
        if pinned == TrainingConfig().pinned:
            # Nobody said which: a small data set need not have them all.
            pinned = tuple(name for name in pinned if has_sample(self.source, name))
        self.evaluator = Evaluator(self.source, config.data.validation_scenes)
        self.snapshots = Snapshotter(
            store,
            self.source,
            self.detector,
            loss_name=short_name(config.loss.name),
            pinned=pinned,
            megabytes=options.snapshot_megabytes,
        )
        actions = Actions(
            checkpoint=self._checkpoint,
            evaluate=self._evaluate,
            pin=self._pin,
            snapshot=self._snapshot,
        )
        self.control = Control(store, self.loss, self.rate, actions, interrupt or Interrupt())
        self.done = 0
        self._pictured: int | None = None  # the step of the newest pinned snapshot
        self._totals = Totals()
        self._failure: NonFiniteLossError | None = None
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
        self.control.replay(self.store.events(), after=self.done)
        write_environment(self.store.folder, devices=device_names())
        self.store.record_event(self.done, "resumed" if resumed else "started")
        self.store.set_status(
            state=RunState.RUNNING, step=self.done, steps=options.steps, message=""
        )
        if not resumed:
            self._snapshot()
            self._checkpoint()
        if self.done < options.steps:
            self._fit()
        self.progress.close()
        self._end()

    def _fit(self) -> None:
        options = self.config.training
        remaining = options.steps - self.done
        batches = training_batches(
            self.source,
            batch_size=options.batch_size,
            first_batch=self.done,
            batches=remaining,
        )
        self.control.between(self.done)
        if self.control.stopped_by is not None:
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
        due = is_due(step, self.config.training.snapshot_every)
        # Whoever steps by hand looks at what the step was made from.
        self.detector.wants_breakdown = due or self.control.stands_after_next
        self.progress.begin_step()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After it: the books, then whatever somebody asked for."""
        del batch
        logs = logs or {}
        step = self.done + 1
        self.progress.end_step(step, logs, self.rate.at(step))
        if not logs["finite"]:
            self._failure = self._non_finite(step)
            self.detector.stop_training = True
            return
        self.done = step
        options = self.config.training
        if self.detector.last_batch is not None:
            self.snapshots.write_batch(step, self.detector.last_batch)
            self.detector.last_batch = None
        last = step == options.steps
        if last or is_due(step, options.snapshot_every):
            self._snapshot()
        if last or step % options.evaluate_every == 0:
            self._evaluate()
        if last or step % options.checkpoint_every == 0:
            self._checkpoint()
        self.control.between(step)
        if self.control.stopped_by is not None:
            self.detector.stop_training = True

    def _end(self) -> None:
        """Says how the training ended."""
        # However it ends, the last pictures are of the last weights.
        self._snapshot()
        if self._failure is not None:
            self._checkpoint()
            self.store.record_event(self.done, "failed", {"message": str(self._failure)})
            raise self._failure
        if self.done < self.config.training.steps:
            self._checkpoint()
            message = f"Stopped by {self.control.stopped_by} after step {self.done}."
            self.store.set_status(state=RunState.STOPPED, message=message)
            logger.info("%s --resume %s goes on.", message, self.store.folder.name)
        else:
            self.store.record_event(self.done, "finished")
            self.store.set_status(state=RunState.FINISHED, message="")
        self.control.refuse_the_rest()

    def _restore(self) -> bool:
        """Goes back to the newest checkpoint that can be read.

        Returns:
            Whether there is a checkpoint at all; without one the training starts anew.

        Raises:
            ValueError: There are checkpoints, and not one can be read. The run stays as it is.
        """
        checkpoints = self.store.checkpoints()
        wrong: list[str] = []
        for record in reversed(checkpoints):
            try:
                self._take_up(record, read_checkpoint(record.path, self.detector))
            except ValueError as error:
                wrong.append(str(error))
                continue
            for damaged, sentence in zip(reversed(checkpoints), wrong, strict=False):
                logger.warning("%s", sentence)
                damaged.path.unlink(missing_ok=True)
            self.store.truncate_after(self.done)
            logger.info("Resuming from the checkpoint of step %d.", self.done)
            return True
        if wrong:
            raise ValueError(f"No checkpoint of the run can be read. {' '.join(wrong)}")
        self.store.truncate_after(0)
        return False

    def _take_up(self, record: CheckpointRecord, state: dict[str, Any]) -> None:
        """Sets what a checkpoint holds besides variables; a file may hold anything."""
        try:
            if state["step"] != record.step:
                raise ValueError(f"it is of step {state['step']}")
            self.rate.peak = float(state["peak_learning_rate"])
            self.rate.warms_up = bool(state["warms_up"])
            totals = state["totals"]
            self._totals = Totals(
                float(totals["seconds"]), float(totals["recall"]), int(totals["steps"])
            )
            self.snapshots.pin(tuple(state["pinned"]))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueError(f"{record.path} is damaged ({error}).") from None
        self.done = record.step

    def _checkpoint(self) -> None:
        path = checkpoint_path(self.store.folder, self.done)
        state = {
            "step": self.done,
            "peak_learning_rate": self.rate.peak,
            "warms_up": self.rate.warms_up,
            "pinned": list(self.snapshots.pinned),
            "totals": dataclasses.asdict(self._totals),
        }
        write_checkpoint(path, self.detector, state)
        self.store.record_checkpoint(self.done, path)
        for record in self.store.checkpoints()[:-KEPT_CHECKPOINTS]:
            self.store.forget_checkpoint(record.step)
            record.path.unlink(missing_ok=True)

    def _evaluate(self) -> None:
        metrics = self.evaluator.evaluate(self.detector)
        self.store.record_evaluation(self.done, metrics)
        self.progress.write_events(
            self.done, {f"validation/{name}": value for name, value in metrics.items()}
        )
        logger.info(
            "step %d  validation mAP50 %.3f  mAP50-95 %.3f  recall %.3f",
            self.done,
            *(metrics[name] for name in ("map50", "map50_95", "recall")),
        )

    def _pin(self, names: tuple[str, ...]) -> None:
        self.snapshots.pin(names)
        self._pictured = None
        self._snapshot()

    def _snapshot(self) -> None:
        """Snapshots the pinned samples, unless that was done since the last step."""
        if self._pictured != self.done:
            self.snapshots.write_pinned(self.done)
            self._pictured = self.done

    def _non_finite(self, step: int) -> NonFiniteLossError:
        size = self.config.training.batch_size
        names = [f"train/{(step - 1) * size + at}" for at in range(size)]
        images, y_true = sample_batch(self.source, names)
        what = describe_non_finite(self.detector, images.astype(np.float32) / 255.0, y_true, names)
        return NonFiniteLossError(
            f"The loss stopped being a finite number at step {step}: {what}. The weights of step "
            f"{step - 1} are kept. To go on, lower a lambda or the learning rate (now "
            f"{self.rate.at(step):.3g}): --resume {self.store.folder.name} --learning-rate VALUE "
            "--lambda NAME=VALUE."
        )

    def _add_columns(self) -> None:
        columns = ["total", "learning_rate", "images_per_second", "recall_current"]
        columns.append("recall_average")
        for group in ("term", "lambda"):
            columns += [f"{group}/{name}" for name in self.loss.term_names]
        missing = [name for name in columns if name not in self.store.columns]
        if missing:
            self.store.add_columns(missing)
