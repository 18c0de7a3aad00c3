"""The books of a run: rows, pictures, checkpoints, commands, its end; whoever makes the steps."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from typing import Any

from yolo_core.data.script_samples import KeptSamples, drawable
from yolo_core.jobs.interrupt import Interrupt
from yolo_core.losses.base import DetectionLoss
from yolo_core.runs.environment import write_environment
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.checkpoint import keep_checkpoint, restore_newest
from yolo_core.training.control import Actions, Control
from yolo_core.training.early_stopping import MEASURE, ValidationMap
from yolo_core.training.frameworks import device_names
from yolo_core.training.progress import Progress, Totals
from yolo_core.training.schedule import DialSchedule, LearningRate, LoopRate, OptimizerRate
from yolo_core.training.snapshotting import Snapshotter, is_due
from yolo_core.training.trained import Trained

logger = logging.getLogger("yolo_core.training")

COLUMNS = ("total", "learning_rate", "images_per_second")
# What the log says of an evaluation, and how.
SAID = {"map50": "mAP50", "map50_95": "mAP50-95", "recall": "recall"}


@dataclasses.dataclass(frozen=True)
class Rhythm:
    """When what is put on record.

    Attributes:
        snapshot_every: Steps between two snapshots once the dense early ones are over.
        pulls_every: The same of what each term pulls; 0 for never.
        snapshot_megabytes: Disk space that the snapshots may take.
        evaluate_every: Steps between two evaluations, also after the last step; None for none but
            those that a command asks for.
        checkpoint_every: Steps between two checkpoints, with one at the first and the last step;
            None for none but those that a command asks for.
        patience: Evaluations without a better validation mAP50 after which the training ends.
    """

    snapshot_every: int = 100
    pulls_every: int = 100
    snapshot_megabytes: int = 500
    evaluate_every: int | None = None
    checkpoint_every: int | None = None
    patience: int = 0


class Books:
    """Keeps the books of a run between its steps.

    Args:
        store: The run, open for writing.
        loss: The loss whose lambdas are set.
        trained: What trains, to be put into checkpoints; None where it is out of reach.
        rate: Its learning rate.
        rhythm: When what is put on record.
        snapshots: Writes its snapshots.
        evaluate: Measures it; None where nothing does.
        interrupt: Whether a signal asks the training to end.
        refuse: Why a command of that name can do nothing to it; empty where it can.
        steps: Updates of the whole run; None where nobody knows.
        batch_size: Pictures a step; None as long as nobody knows.
        columns: Further columns of the step row.
        message: What the status says while there is nothing else to say.
        schedules: What lambdas and the learning rate follow from the first step on.

    Attributes:
        done: Updates so far.
    """

    def __init__(
        self,
        store: RunStore,
        loss: DetectionLoss,
        *,
        trained: Trained | None,
        rate: LearningRate | OptimizerRate | LoopRate,
        rhythm: Rhythm,
        snapshots: Snapshotter,
        evaluate: Callable[[], Mapping[str, float]] | None,
        interrupt: Interrupt,
        refuse: Callable[[str], str],
        steps: int | None,
        batch_size: int | None,
        columns: tuple[str, ...] = (),
        message: str = "",
        schedules: Mapping[str, DialSchedule] | None = None,
    ) -> None:
        self.store = store
        self.loss = loss
        self.trained = trained
        self.rate = rate
        self.rhythm = rhythm
        self.snapshots = snapshots
        self.evaluate = evaluate
        self.steps = steps
        self.batch_size = batch_size
        self.message = message
        self.done = 0
        self.began = False
        self.validation = ValidationMap(rhythm.patience)
        actions = Actions(
            checkpoint=self._checkpoint,
            evaluate=self._evaluate,
            pin=self._pin,
            snapshot=self._snapshot,
            refuse=refuse,
        )
        self.control = Control(store, loss, rate, actions, interrupt, schedules)
        self._resumed = False
        # The steps of the newest pinned snapshot and checkpoint.
        self._pictured = self._stored = -1
        self._totals = Totals()
        self.want_columns(*COLUMNS, *columns)

    def want_columns(self, *columns: str) -> None:
        """Adds those columns to the step row that it does not have."""
        missing = [name for name in columns if name not in self.store.columns]
        if missing:
            self.store.add_columns(missing)

    @property
    def stopped_by(self) -> str | None:
        """What asked the training to end, as a sentence names it; None as long as nothing did."""
        early = self.validation.sentence if self.validation.asks_to_stop else None
        return self.control.stopped_by or early

    @property
    def is_over(self) -> bool:
        """Whether all steps are made, or somebody asked the training to end."""
        return self.done == self.steps or self.stopped_by is not None

    def restore(self) -> bool:
        """Takes the run back to its newest checkpoint that can be read, before `begin`.

        Returns:
            Whether there is a checkpoint at all; without one the training starts anew.

        Raises:
            ValueError: There are checkpoints, and not one can be read. The run stays as it is.
        """
        if self.trained is None:
            raise ValueError("There is no model in reach to be restored.")

        def take_up(state: dict[str, Any]) -> None:
            self.rate.restore(state)
            self._totals = Totals.restored(state["totals"])
            self.snapshots.pin(tuple(state["pinned"]))

        step = restore_newest(self.store, self.trained, take_up)
        self.done, self._resumed = step or 0, step is not None
        self.store.truncate_after(self.done)
        before = self.store.evaluations()
        if MEASURE in before:
            self.validation.replay(before["step"].tolist(), before[MEASURE].tolist())
        return self._resumed

    def begin(self) -> None:
        """Opens the books at step `done`, and does what was asked for before the next."""
        self.began = True
        self.progress = Progress(
            self.store,
            steps=self.steps,
            batch_size=self.batch_size,
            tensorboard=self.store.folder.tensorboard,
            totals=self._totals,
            message=self.message,
        )
        self.control.replay(self.store.events(), after=self.done)
        write_environment(self.store.folder, devices=device_names())
        self.store.record_event(self.done, "resumed" if self._resumed else "started")
        looks = bool(self.snapshots.pinned) and not self._resumed
        compiling = "Compiling the network for the first snapshots."
        self.store.set_status(
            state=RunState.RUNNING,
            step=self.done,
            steps=self.steps,
            message=compiling if looks else self.message,
        )
        if not self._resumed:
            if self.message:
                self.say("note", self.message)
            self._snapshot()
            if self.rhythm.checkpoint_every:
                self._checkpoint()
            self.store.set_status(message=self.message)
        if not self.is_over:
            self.control.between(self.done)

    def say(self, kind: str, sentence: str) -> None:
        """Puts a sentence into the log and on record; `kind` is "note" or "warning"."""
        logger.log(logging.WARNING if kind == "warning" else logging.INFO, "%s", sentence)
        self.store.record_event(self.done, kind, {"message": sentence})

    def expect(self, *, steps: int | None, batch_size: int | None) -> None:
        """Says how many updates there will be, and how many pictures each has."""
        if (steps, batch_size) != (self.steps, self.batch_size):
            self.steps = self.progress.steps = steps
            self.batch_size = self.progress.batch_size = batch_size
            self.store.set_status(steps=steps)

    def is_due(self, step: int) -> bool:
        """Whether that step is snapshotted."""
        return is_due(step, self.rhythm.snapshot_every)

    def wants_pulls(self, step: int) -> bool:
        """Whether it is measured at that step what each term pulls."""
        every = self.rhythm.pulls_every
        return every > 0 and is_due(step, every)

    def wants_batch(self, step: int) -> bool:
        """Whether the batch of that step is snapshotted.

        Whoever steps by hand looks at what the step was made from.
        """
        return self.is_due(step) or self.control.stands_after_next

    def picture_batch(self, step: int, batch: dict[str, Any]) -> None:
        """Snapshots a batch as `Detector.last_batch` is one, or with "layout" beside."""
        shape = batch["images"].shape[1:]
        layout: Any = batch.get("layout") or self.trained.layout(shape)  # pyright: ignore[reportOptionalMemberAccess]
        source = self.snapshots.source
        span = source.span if isinstance(source, KeptSamples) else None
        pictures, _ = drawable(batch["images"], span)
        self.snapshots.write_batch(step, {**batch, "images": pictures}, layout)

    def after_step(self, step: int) -> None:
        """What comes after a step that is on record: pictures, measures, whatever was asked for."""
        self.done = step
        rhythm, last = self.rhythm, step == self.steps
        if last or self.is_due(step):
            self._snapshot()
        every = rhythm.evaluate_every
        if every and self.evaluate and (last or step % every == 0):
            self._evaluate()
        every = rhythm.checkpoint_every
        if every and (last or step % every == 0) and self._stored != step:
            self._checkpoint()
        self.control.between(step)

    def close(self, failure: Exception | None = None) -> None:
        """Says how the training ended; what comes after that is no part of the run.

        Args:
            failure: What went wrong in its last step, if anything did.
        """
        if self.began:
            self.progress.close()
            # However it ends, the last pictures are of the last weights.
            self._snapshot()
        cut_short = self.stopped_by is not None and self.done != self.steps
        if self.rhythm.checkpoint_every and self.began and (failure is not None or cut_short):
            self._checkpoint()
        if failure is not None:
            self.store.record_event(self.done, "failed", {"message": str(failure)})
            self.store.set_status(state=RunState.FAILED, message=str(failure))
        elif cut_short:
            self.say_stopped(self.stopped_by or "")
        else:
            self.store.record_event(self.done, "finished")
            self.store.set_status(state=RunState.FINISHED, message="")
        if failure is None:
            self.control.refuse_the_rest()

    def say_stopped(self, by: str) -> None:
        """Puts down that the training ended before its time."""
        message = f"Stopped by {by} after step {self.done}."
        self.store.set_status(state=RunState.STOPPED, message=message)
        logger.info("%s", message)

    def measured(self, metrics: Mapping[str, float]) -> None:
        """Puts down what was measured after step `done`."""
        self.store.record_evaluation(self.done, metrics)
        self.progress.write_events(
            self.done, {f"validation/{name}": value for name, value in metrics.items()}
        )
        said = "  ".join(f"{SAID[name]} {metrics[name]:.3f}" for name in SAID if name in metrics)
        logger.info("step %d  validation %s", self.done, said)

    def _checkpoint(self) -> None:
        if self.trained is None:
            raise ValueError("The weights of this run are in a loop of its own: save them there.")
        state = {
            "step": self.done,
            **self.rate.state(),
            "pinned": list(self.snapshots.pinned),
            "totals": dataclasses.asdict(self._totals),
        }
        keep_checkpoint(self.store, self.trained, state)
        self._stored = self.done

    def _evaluate(self) -> None:
        if self.evaluate is None:
            raise ValueError("Nothing measures this run: it was begun without an evaluation.")
        metrics = self.evaluate()
        self.measured(metrics)
        is_best = MEASURE in metrics and self.validation.told(self.done, metrics[MEASURE])
        if is_best and self.rhythm.checkpoint_every:
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
