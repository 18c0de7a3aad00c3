"""The books of a run: kept beside `Detector.fit`, whoever built its data, loss and network."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import keras

from yolo_core.data.source import SampleSource, first_pinned
from yolo_core.jobs.interrupt import Interrupt
from yolo_core.jobs.status import error_sentence
from yolo_core.runs.environment import write_environment
from yolo_core.runs.layout import create_run
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.checkpoint import keep_checkpoint, restore_newest
from yolo_core.training.control import Actions, Control
from yolo_core.training.detector import Detector
from yolo_core.training.early_stopping import MEASURE, ValidationMap
from yolo_core.training.frameworks import device_names
from yolo_core.training.progress import Progress, Totals
from yolo_core.training.schedule import DialSchedule, LearningRate, OptimizerRate
from yolo_core.training.snapshotting import Snapshotter, is_due

logger = logging.getLogger("yolo_core.training")

COLUMNS = ("total", "learning_rate", "images_per_second", "recall_current", "recall_average")
# What the log says of an evaluation, and how.
SAID = {"map50": "mAP50", "map50_95": "mAP50-95", "recall": "recall"}


class NonFiniteLossError(ValueError):
    """A step gave a loss or gradients that are not finite; its weights were not kept."""


class RunRecorder(keras.callbacks.Callback):
    """Puts a training on record while it happens, so that the dashboard shows and steers it.

    A callback of `Detector.fit`. Between two steps, in this order: the row is recorded, then
    snapshots, evaluation and checkpoint where they are due, then commands. The run ends with its
    `fit`; in a `with` block it ends with the block, whatever ends that:

        with RunRecorder("checkpoints/mine", source, batch_size=8) as recorder:
            detector.fit(batches, epochs=3, callbacks=[recorder])

    Args:
        run: The folder of a new run, beside those of the other runs; or a run open for writing,
            which is then not closed here.
        source: The samples that are looked at between steps, and the names of the classes. What is
            trained on need not be from there; the pictures of both are numbers of 0 to 1 where the
            network takes them. Picture k of step s of the training is called
            "train/{(s - 1) * batch_size + k}".
        batch_size: Pictures a step.
        steps: Updates of the whole run; None for as many as its `fit` makes.
        pinned: Names of the samples that are snapshotted; None for the first few.
        loss_name: What the pages call the loss; None for its own name.
        schedule: Sets the learning rate of every step; None leaves it to the optimizer.
        schedules: What lambdas, or the rate under the name "learning_rate", follow.
        snapshot_every: Steps between two snapshots once the dense early ones are over.
        snapshot_megabytes: Disk space that the snapshots may take.
        evaluate: Measures the detector, such as `Evaluator.evaluate`; None where nothing does.
        evaluate_every: Steps between two evaluations; also after the last step.
        checkpoint_every: Steps between two checkpoints, with one at the first and the last step;
            None for none but those that a command asks for.
        patience: Evaluations without a better validation mAP50 after which the training ends; 0
            for never. Where there are checkpoints, the best one is kept in any case.
        describe_failure: Of a step that was not finite, what went wrong in it (the middle of a
            sentence), and how to go on (a sentence).
        interrupt: Whether a signal asks the training to end; None where nobody listens.

    Attributes:
        done: Updates so far.

    Raises:
        ValueError: The run cannot be made, or there are no such samples.
    """

    def __init__(
        self,
        run: str | Path | RunStore,
        source: SampleSource,
        *,
        batch_size: int,
        steps: int | None = None,
        pinned: Sequence[str] | None = None,
        loss_name: str | None = None,
        schedule: LearningRate | None = None,
        schedules: Mapping[str, DialSchedule] | None = None,
        snapshot_every: int = 100,
        snapshot_megabytes: int = 500,
        evaluate: Callable[[Detector], dict[str, float]] | None = None,
        evaluate_every: int = 250,
        checkpoint_every: int | None = None,
        patience: int = 0,
        describe_failure: Callable[[int], tuple[str, str]] | None = None,
        interrupt: Interrupt | None = None,
    ) -> None:
        super().__init__()
        self.source = source
        self.pinned = tuple(first_pinned(source) if pinned is None else pinned)
        self.batch_size = batch_size
        self.steps = steps
        self.loss_name = loss_name
        self.schedule = schedule
        self.schedules = schedules
        self.snapshot_every = snapshot_every
        self.snapshot_megabytes = snapshot_megabytes
        self.evaluate = evaluate
        self.evaluate_every = evaluate_every
        self.checkpoint_every = checkpoint_every
        self.validation = ValidationMap(patience)
        self.describe_failure = describe_failure
        self.interrupt = interrupt or Interrupt()
        self.done = 0
        self._is_owner = not isinstance(run, RunStore)
        self.store: RunStore = run if isinstance(run, RunStore) else _new_run(Path(run).absolute())
        self._in_block = self._is_set_up = self._began = self._resumed = False
        self._follows_fit = steps is None
        # The steps of the newest pinned snapshot and checkpoint.
        self._pictured = self._stored = -1
        self._totals = Totals()
        self._failure: NonFiniteLossError | None = None

    def __enter__(self) -> Self:
        self._in_block = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        # The error on its way out is the one to tell, not that it could not be put down.
        with contextlib.suppress(ValueError):
            if isinstance(error, KeyboardInterrupt):
                self._say_stopped("Ctrl-C")
            else:
                self.store.set_status(state=RunState.FAILED, message=error_sentence(error))
        self._release()

    @property
    def is_over(self) -> bool:
        """Whether all steps are made, or somebody asked the training to end."""
        return self.done == self.steps or self._stopped_by is not None

    def set_model(self, model: keras.Model) -> None:
        """Takes up the detector; `fit` calls it.

        Raises:
            ValueError: It is no `Detector`, another one than before, or it makes several steps at
                a time; or a pinned sample does not exist.
        """
        if not isinstance(model, Detector):
            raise ValueError(
                f"RunRecorder records Detector(network, loss); received a {type(model).__name__}."
            )
        if not model.compiled or model.steps_per_execution != 1:
            several = f"; received {model.steps_per_execution}" * model.compiled
            raise ValueError(
                "RunRecorder records every step of a compiled detector: compile it, with "
                f"steps_per_execution=1{several}."
            )
        if self._is_set_up:
            if model is not self.detector:
                raise ValueError("A run is of one detector; received another one for this run.")
            return
        super().set_model(model)
        self.detector = model
        self._is_set_up = True
        if not model.optimizer.built:
            # A checkpoint has all its variables, from the first step on.
            model.optimizer.build(model.trainable_variables)
        loss = model.detection_loss
        self.rate = self.schedule or OptimizerRate(model.optimizer)
        self.snapshots = Snapshotter(
            self.store,
            self.source,
            model,
            loss_name=self.loss_name or loss.name,
            pinned=self.pinned,
            megabytes=self.snapshot_megabytes,
        )
        actions = Actions(
            checkpoint=self._checkpoint,
            evaluate=self._evaluate,
            pin=self._pin,
            snapshot=self._snapshot,
        )
        self.control = Control(self.store, loss, self.rate, actions, self.interrupt, self.schedules)
        columns = [*COLUMNS, *(f"{g}/{t}" for g in ("term", "lambda") for t in loss.term_names)]
        missing = [name for name in columns if name not in self.store.columns]
        if missing:
            self.store.add_columns(missing)

    def restore(self) -> bool:
        """Takes the detector back to the newest checkpoint that can be read, before `begin`.

        Returns:
            Whether there is a checkpoint at all; without one the training starts anew.

        Raises:
            ValueError: There are checkpoints, and not one can be read. The run stays as it is.
        """

        def take_up(state: dict[str, Any]) -> None:
            self.rate.restore(state)
            self._totals = Totals.restored(state["totals"])
            self.snapshots.pin(tuple(state["pinned"]))

        step = restore_newest(self.store, self.detector, take_up)
        self.done, self._resumed = step or 0, step is not None
        self.store.truncate_after(self.done)
        before = self.store.evaluations()
        if MEASURE in before:
            self.validation.replay(before["step"].tolist(), before[MEASURE].tolist())
        return self._resumed

    def begin(self) -> None:
        """Opens the books at step `done`, once, and does what was asked for before the next.

        `fit` calls it; before that, it can be found out whether there is anything to fit.
        """
        if self._began:
            return
        self._began = True
        self.progress = Progress(
            self.store,
            steps=self.steps,
            batch_size=self.batch_size,
            tensorboard=self.store.folder.tensorboard,
            totals=self._totals,
        )
        self.control.replay(self.store.events(), after=self.done)
        write_environment(self.store.folder, devices=device_names())
        self.store.record_event(self.done, "resumed" if self._resumed else "started")
        self.store.set_status(
            state=RunState.RUNNING,
            step=self.done,
            steps=self.steps,
            message="" if self._resumed else "Compiling the network for the first snapshots.",
        )
        if not self._resumed:
            self._snapshot()
            if self.checkpoint_every:
                self._checkpoint()
            self.store.set_status(message="")
        if not self.is_over:
            self.control.between(self.done)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Before the first step of a `fit`."""
        del logs
        if self._follows_fit:
            params: dict[str, Any] = self.params or {}
            a_pass = params.get("steps")
            self.steps = self.done + params["epochs"] * a_pass if a_pass else None
        self.begin()
        self.progress.steps = self.steps
        self.store.set_status(steps=self.steps)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before step `done` + 1."""
        del batch, logs
        step = self.done + 1
        if self.schedule is not None:
            self.detector.optimizer.learning_rate.assign(self.schedule.at(step))
        self._learning_rate = self.rate.at(step)
        # Whoever steps by hand looks at what the step was made from.
        due = is_due(step, self.snapshot_every)
        self.detector.wants_breakdown = due or self.control.stands_after_next
        self.progress.begin_step(with_breakdown=self.detector.wants_breakdown)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After it: the books, then whatever somebody asked for."""
        del batch
        logs = logs or {}
        step = self.done + 1
        self.progress.end_step(step, logs, self._learning_rate)
        if not logs["finite"]:
            self._failure = self._non_finite(step)
            self.detector.stop_training = True
            return
        self.done = step
        if self.detector.last_batch is not None:
            self.snapshots.write_batch(step, self.detector.last_batch)
            self.detector.last_batch = None
        last = step == self.steps
        if last or is_due(step, self.snapshot_every):
            self._snapshot()
        if self.evaluate and (last or step % self.evaluate_every == 0):
            self._evaluate()
        due = self.checkpoint_every and (last or step % self.checkpoint_every == 0)
        if due and self._stored != step:
            self._checkpoint()
        self.control.between(step)
        if self._stopped_by is not None:
            self.detector.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """After a `fit`: the end of the run, unless a `with` block goes on."""
        del logs
        if not self._in_block:
            self.close()

    def close(self) -> None:
        """Says how the training ended; what comes after that is no part of the run.

        Raises:
            NonFiniteLossError: A step was not finite; where there are checkpoints, there is one of
                the weights before it.
        """
        try:
            if self._began:
                self.progress.close()
                # However it ends, the last pictures are of the last weights.
                self._snapshot()
            if self._failure is not None:
                if self.checkpoint_every:
                    self._checkpoint()
                self.store.record_event(self.done, "failed", {"message": str(self._failure)})
                self.store.set_status(state=RunState.FAILED, message=str(self._failure))
                raise self._failure
            if self._stopped_by is not None and self.done != self.steps:
                if self.checkpoint_every:
                    self._checkpoint()
                self._say_stopped(self._stopped_by)
            else:
                self.store.record_event(self.done, "finished")
                self.store.set_status(state=RunState.FINISHED, message="")
            if self._is_set_up:
                self.control.refuse_the_rest()
        finally:
            self._release()

    @property
    def _stopped_by(self) -> str | None:
        asked = self.control.stopped_by if self._is_set_up else None
        return asked or (self.validation.sentence if self.validation.asks_to_stop else None)

    def _say_stopped(self, by: str) -> None:
        message = f"Stopped by {by} after step {self.done}."
        self.store.set_status(state=RunState.STOPPED, message=message)
        logger.info("%s", message)

    def _release(self) -> None:
        if self._is_owner:
            self.store.close()

    def _checkpoint(self) -> None:
        state = {
            "step": self.done,
            **self.rate.state(),
            "pinned": list(self.snapshots.pinned),
            "totals": dataclasses.asdict(self._totals),
        }
        keep_checkpoint(self.store, self.detector, state)
        self._stored = self.done

    def _evaluate(self) -> None:
        if self.evaluate is None:
            raise ValueError("Nothing measures this run: it was begun without an evaluation.")
        metrics = self.evaluate(self.detector)
        self.store.record_evaluation(self.done, metrics)
        self.progress.write_events(
            self.done, {f"validation/{name}": value for name, value in metrics.items()}
        )
        said = "  ".join(f"{SAID[name]} {metrics[name]:.3f}" for name in SAID if name in metrics)
        logger.info("step %d  validation %s", self.done, said)
        is_best = MEASURE in metrics and self.validation.told(self.done, metrics[MEASURE])
        if is_best and self.checkpoint_every:
            self._checkpoint()

    def _pin(self, names: tuple[str, ...]) -> None:
        self.snapshots.pin(names)
        self._pictured = -1
        self._snapshot()

    def _snapshot(self) -> None:
        """Snapshots the pinned samples, unless that was done since the last step."""
        if self._pictured != self.done:
            self.snapshots.write_pinned(self.done)
            self._pictured = self.done

    def _non_finite(self, step: int) -> NonFiniteLossError:
        what, advice = self.describe_failure(step) if self.describe_failure else ("", "")
        return NonFiniteLossError(
            f"The loss stopped being a finite number at step {step}{what and ': '}{what}. "
            f"The weights of step {step - 1} are kept. {advice}".rstrip()
        )


def _new_run(path: Path) -> RunStore:
    folder = create_run(path.parent, path.name, lambda new: RunStore.create(new).close())
    return RunStore.open(folder, writable=True)
