"""A run that is being recorded, whoever makes its steps: how it begins, fails and ends."""

from __future__ import annotations

import atexit
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import keras

from yolo_core.data.script_samples import KeptSamples, kept_of
from yolo_core.data.source import SampleSource, first_pinned
from yolo_core.jobs.interrupt import Interrupt
from yolo_core.jobs.status import error_sentence
from yolo_core.losses.base import DetectionLoss
from yolo_core.runs.layout import create_run
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.slots import SlotLayout
from yolo_core.training.books import Books, Rhythm
from yolo_core.training.schedule import DialSchedule
from yolo_core.training.snapshotting import Snapshotter

logger = logging.getLogger("yolo_core.training")

EVALUATED = 300
"""Samples that are measured at most, where somebody asks for it and nothing else measures."""


class NonFiniteLossError(ValueError):
    """A step gave a loss or gradients that are not finite; its weights were not kept."""


class Recording:
    """Opens and closes the books of a run, and keeps their failures away from the training.

    Args:
        run: The folder of a new run; or a run open for writing, which is then not closed here.
        source: The samples that are looked at; None for none.
        rhythm: When what is put on record.
        loss: As in `RunRecorder`, and so are the others.

    Attributes:
        problem: Why recording stopped; None as long as it goes on.

    Raises:
        ValueError: The run cannot be made.
    """

    def __init__(
        self,
        run: str | Path | RunStore,
        source: SampleSource | None,
        rhythm: Rhythm,
        *,
        loss: DetectionLoss | None,
        class_names: Sequence[str] | None,
        batch_size: int | None,
        steps: int | None,
        pinned: Sequence[str] | None,
        loss_name: str | None,
        evaluate: Callable[[Any], Mapping[str, float]] | None,
        interrupt: Interrupt | None,
        must_record: bool,
        schedules: Mapping[str, DialSchedule] | None,
    ) -> None:
        self.source = source
        self.rhythm = rhythm
        self.loss = loss
        self.class_names = class_names
        self.batch_size = batch_size
        self.steps = steps
        if pinned is None:
            pinned = () if source is None else first_pinned(source)
        self.pinned = tuple(pinned)
        self.loss_name = loss_name
        self.evaluate = evaluate
        self.interrupt = interrupt or Interrupt()
        self.must_record = must_record
        self.schedules = schedules
        self.problem: str | None = None
        self.trained: Any = None
        self.failure: NonFiniteLossError | None = None
        self.in_block = self.has_ended = False
        self._is_owner = not isinstance(run, RunStore)
        self.store: RunStore = run if isinstance(run, RunStore) else _new_run(Path(run).absolute())
        self._opened: Books | None = None
        self._network: Any = ""
        self._is_described = self._has_samples = False
        self._known: tuple[Any, Any, Any] = (None, None, None)

    def __enter__(self) -> Self:
        self.in_block = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        # The error on its way out is the one to tell, not that it could not be put down.
        with contextlib.suppress(ValueError):
            if isinstance(error, KeyboardInterrupt) and self._opened is not None:
                self._opened.say_stopped("Ctrl-C")
            else:
                self.store.set_status(state=RunState.FAILED, message=error_sentence(error))
        self._release()

    @property
    def books(self) -> Books:
        """The books.

        Raises:
            ValueError: Nothing is known yet of what trains.
        """
        if self._opened is None:
            raise ValueError(
                "RunRecorder knows nothing yet of what trains: give it to fit as a callback, or "
                "give it the loss of a loop (loss=...)."
            )
        return self._opened

    @property
    def is_open(self) -> bool:
        """Whether it is known what trains."""
        return self._opened is not None

    @property
    def done(self) -> int:
        """Updates so far."""
        return 0 if self._opened is None else self._opened.done

    @property
    def is_over(self) -> bool:
        """Whether all steps are made, or somebody asked the training to end."""
        return self._opened is not None and self._opened.is_over

    @property
    def stopped(self) -> bool:
        """Whether somebody asked the training to end."""
        return self._opened is not None and self._opened.stopped_by is not None

    def restore(self) -> bool:
        """Takes model and run back to the newest checkpoint that can be read, before `fit`.

        Returns:
            Whether there is a checkpoint at all; without one the training starts anew.

        Raises:
            ValueError: There are checkpoints, and not one can be read. The run stays as it is.
        """
        return self.books.restore()

    def open_books(
        self, trained: Any, loss: DetectionLoss, *, network: Any, in_reach: bool, **known: Any
    ) -> None:
        """Makes the books, once it is known what trains.

        Args:
            trained: What trains, to be looked at; None where it cannot be asked.
            loss: Its loss, or the one that it is looked at with.
            network: The Keras network, or a sentence where there is none.
            in_reach: Whether its variables are.
            **known: Of `Books`: "rate", "refuse", "columns", "message".

        Raises:
            ValueError: A pinned sample does not exist, or the samples have other classes.
        """
        from yolo_core.training.recorded import loss_title

        self.trained, self.loss, self._network = trained, loss, network
        looks = trained is not None and self.source is not None
        names = self.class_names or getattr(self.source, "class_names", None)
        if names is not None and len(names) != loss.num_classes:
            raise ValueError(
                f"{type(loss).__name__} has {loss.num_classes} classes; the recorder was given "
                f"{len(names)}: {', '.join(map(str, names))}."
            )
        snapshots = Snapshotter(
            self.store,
            self.source if looks else None,
            trained,
            loss=loss,
            loss_name=self.loss_name or loss_title(loss),
            class_names=tuple(names or map(str, range(loss.num_classes))),
            pinned=self.pinned if looks else (),
            megabytes=self.rhythm.snapshot_megabytes,
            is_trained_on=self.must_record,
        )
        self._opened = Books(
            self.store,
            loss,
            trained=trained if in_reach else None,
            rhythm=self.rhythm,
            snapshots=snapshots,
            evaluate=self._measure if looks else None,
            interrupt=self.interrupt,
            steps=self.steps,
            batch_size=self.batch_size,
            schedules=self.schedules,
            **known,
        )

    def begin(self) -> None:
        """Opens the books, once, and does what was asked for before the next step.

        `fit` calls it; before that, it can be found out whether there is anything to fit.
        """
        if not self.books.began:
            atexit.register(self._at_exit)
            self.guarded(self._describe)
            self.guarded(self.books.begin)

    def close(self) -> None:
        """Says how the training ended; what comes after that is no part of the run.

        Raises:
            NonFiniteLossError: A step was not finite; where there are checkpoints, there is one of
                the weights before it.
        """
        if self.has_ended:
            return
        try:
            if self._opened is None:
                self.guarded(self.store.set_status, state=RunState.FINISHED)
            else:
                self.guarded(self._opened.close, self.failure)
            if self.failure is not None:
                raise self.failure
        finally:
            self._release()

    def guarded(self, what: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Keeps the record; where that fails, the training goes on without one."""
        if self.problem is not None or self.has_ended:
            return None
        try:
            return what(*args, **more)
        except Exception as error:
            if self.must_record:
                raise
            self.problem = error_sentence(error)
            logger.warning(
                "Recording of run %r stopped after step %d, and the training goes on. %s",
                *(self.store.folder.name, self.done, self.problem),
            )
            with contextlib.suppress(Exception):  # a full disk takes not even this
                message = f"Recording stopped after step {self.done}: {self.problem}"
                self.store.set_status(state=RunState.FAILED, message=message)
            self._release()
            return None

    def expect(self, batch_size: int | None) -> None:
        """Takes up how many pictures a step has, once that is known, and how many steps."""
        new = self.batch_size is None and batch_size is not None
        self.batch_size = self.batch_size or batch_size
        self.books.expect(steps=self.steps, batch_size=self.batch_size)
        if new:
            self._describe()

    def describe(
        self, layout: SlotLayout | None, samples: KeptSamples | None, shape: Sequence[int] | None
    ) -> None:
        """Writes what the pages compute with, unless the run has a configuration."""
        folder, books = self.store.folder, self.books
        if folder.config.is_file() and not self._is_described:
            return
        from yolo_core.training.recorded import describe_run

        self._known = layout, samples, shape
        rate = books.rate.at(1)
        describe_run(
            folder,
            books.loss,
            layout=layout,
            image_shape=shape,
            network=self._network,
            samples=None if self._has_samples else samples,
            batch_size=self.batch_size,
            learning_rate=rate if rate > 0 else None,
            steps=self.steps,
            snapshot_megabytes=self.rhythm.snapshot_megabytes,
            backend=keras.backend.backend(),
        )
        self._is_described = True
        self._has_samples |= samples is not None

    def _describe(self) -> None:
        if self.trained is None or self.source is None:
            self.describe(*self._known)
            return
        first = self.source.sample(self.pinned[0] if self.pinned else "val/0")
        inputs = self.source.network_inputs(first.image[None], (first.name,))
        kept = None if self._has_samples else kept_of(self.source, self.pinned)
        self.describe(self.trained.layout(inputs.shape[1:]), kept, first.image.shape)

    def _measure(self) -> Mapping[str, float]:
        if self.evaluate is not None:
            return self.evaluate(self.trained)
        if self.source is None:
            raise ValueError("There are no samples to measure.")
        from yolo_core.evaluation.evaluator import Evaluator

        return Evaluator(self.source, EVALUATED).evaluate(self.trained)

    def _release(self) -> None:
        self.has_ended = True
        atexit.unregister(self._at_exit)
        if self._is_owner:
            # Of a run that cannot be recorded any more this fails, too: that has been said.
            with contextlib.suppress(ValueError) if self.problem else contextlib.nullcontext():
                self.store.close()

    def _at_exit(self) -> None:
        """The script ends before its training does."""
        with contextlib.suppress(Exception):
            self.books.say_stopped("the end of the script")
            self._release()


def _new_run(path: Path) -> RunStore:
    folder = create_run(path.parent, path.name, lambda new: RunStore.create(new).close())
    return RunStore.open(folder, writable=True)
