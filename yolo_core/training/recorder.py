"""The recorder: a Keras callback that keeps the books of a training, and what a loop calls."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from yolo_core.jobs.interrupt import Interrupt
from yolo_core.losses.base import DetectionLoss
from yolo_core.runs.store import RunStore
from yolo_core.training.books import Rhythm
from yolo_core.training.given import given_source
from yolo_core.training.loop import LoopSteps
from yolo_core.training.own_function import OwnFunction
from yolo_core.training.pulls import pull_columns
from yolo_core.training.recording import NonFiniteLossError, Recording
from yolo_core.training.schedule import DialSchedule, LearningRate, OptimizerRate
from yolo_core.training.trained import CompiledModel

__all__ = ["NonFiniteLossError", "RunRecorder"]

logger = logging.getLogger("yolo_core.training")


class RunRecorder(Recording, keras.callbacks.Callback):
    """Puts a training on record while it happens, so that the dashboard shows and steers it.

    As a callback of `fit`, of a `Detector` or of a model that `compile` was given a loss of this
    package. The run ends with its `fit`; in a `with` block it ends with the block, whatever ends
    that:

        model.fit(batches, callbacks=[RunRecorder("checkpoints/mine", samples=(images, labels))])

    Around a loop of one's own, in any framework:

        with RunRecorder("checkpoints/mine", loss=loss) as recorder:
            for step, (images, labels) in enumerate(batches, start=1):
                ...  # one update; the weights of the terms are recorder.lambdas
                if recorder.wants(step):
                    recorder.step(step, images=images, labels=labels, predictions=predictions,
                                  values={"total": loss})
                if recorder.stopped:
                    break

    Nothing that goes wrong with the record ends a training: recording stops with one warning.

    Args:
        run: The folder of a new run, beside those of the other runs; or a run open for writing,
            which is then not closed here.
        samples: The samples that are looked at between steps: arrays (images, labels) as the
            network takes them, such as a batch; a list of such pairs or of `Sample`; or a
            `SampleSource`, whose network takes numbers of 0 to 1, as that of a list of `Sample`.
            None looks at none.
        loss: Of a loop, or of a model that was compiled with a loss of one's own: the loss that it
            is looked at with. None takes the model's.
        class_names: (C,) names of the classes; None takes those of the samples, or numbers.
        batch_size: Pictures a step; None finds it out. Picture k of step s of the training is
            called "train/{(s - 1) * batch_size + k}".
        steps: Updates of the whole run; None for as many as its `fit` makes.
        pinned: Names of the samples that are snapshotted; None for the first few.
        loss_name: What the pages call the loss; None for its own name.
        predict: Of a loop: from images as in `samples` (NumPy, float32) to predictions in inference
            mode, so that the samples can be looked at.
        network: Of a model that is more than a network, such as one with its loss inside: from
            images to raw predictions. None takes the model.
        own: Of a training with a loss of one's own: the function and what it takes, so that its
            gradient is seen in every slot (`OwnFunction`). Of a loop: what the pages call the
            loss.
        schedule: Sets the learning rate of every step; None leaves it to the optimizer.
        schedules: What lambdas, or the rate under the name "learning_rate", follow.
        snapshot_every: Steps between two snapshots once the dense early ones are over.
        pulls_every: Of a `Detector`: the same of what each term pulls; 0 for never.
        snapshot_megabytes: Disk space that the snapshots may take.
        evaluate: Measures what trains, such as `Evaluator.evaluate`; None takes mAP on the samples.
        evaluate_every: Steps between two evaluations, also after the last step; None for none but
            those that a command asks for.
        checkpoint_every: Steps between two checkpoints, with one at the first and the last step;
            None for none but those that a command asks for.
        patience: Evaluations without a better validation mAP50 after which the training ends; 0
            for never. Where there are checkpoints, the best one is kept in any case.
        row_every: Of a loop: steps between two rows of the curves.
        describe_failure: Of a step that was not finite, what went wrong in it (the middle of a
            sentence), and how to go on (a sentence).
        interrupt: Whether a signal asks the training to end; None where nobody listens.
        must_record: Whether a training that cannot be recorded any more ends with the error.

    Attributes:
        done: Updates so far.
        problem: Why recording stopped; None as long as it goes on.
        stopped: Whether somebody asked the training to end, as a loop must obey.

    Raises:
        ValueError: The run cannot be made, or there are no such samples.
    """

    def __init__(
        self,
        run: str | Path | RunStore,
        samples: Any = None,
        *,
        loss: DetectionLoss | None = None,
        class_names: Sequence[str] | None = None,
        batch_size: int | None = None,
        steps: int | None = None,
        pinned: Sequence[str] | None = None,
        loss_name: str | None = None,
        predict: Callable[[Any], Any] | None = None,
        network: keras.Model | None = None,
        own: OwnFunction | str | None = None,
        schedule: LearningRate | None = None,
        schedules: Mapping[str, DialSchedule] | None = None,
        snapshot_every: int = 100,
        pulls_every: int = 100,
        snapshot_megabytes: int = 500,
        evaluate: Callable[[Any], Mapping[str, float]] | None = None,
        evaluate_every: int | None = None,
        checkpoint_every: int | None = None,
        patience: int = 0,
        row_every: int = 1,
        describe_failure: Callable[[int], tuple[str, str]] | None = None,
        interrupt: Interrupt | None = None,
        must_record: bool = False,
    ) -> None:
        keras.callbacks.Callback.__init__(self)
        source = given_source(samples, class_names)
        pictures = snapshot_every, pulls_every, snapshot_megabytes
        rhythm = Rhythm(*pictures, evaluate_every, checkpoint_every, patience)
        Recording.__init__(
            self,
            run,
            source,
            rhythm,
            loss=loss,
            class_names=class_names,
            batch_size=batch_size,
            steps=steps,
            pinned=pinned,
            loss_name=loss_name,
            evaluate=evaluate,
            interrupt=interrupt,
            must_record=must_record,
            schedules=schedules,
        )
        self.schedule = schedule
        self.describe_failure = describe_failure
        self._follows_fit = steps is None
        self._network_given, self._own = network, own
        name = own.title if isinstance(own, OwnFunction) else own
        self._loop = LoopSteps(self, row_every, predict, own_name=name)
        self._rate = 0.0

    # What a loop calls

    def wants(self, step: int) -> bool:
        """Whether `step` has something to put on record; does what was asked for meanwhile.

        A run that is paused waits in here, or in `step`.

        Args:
            step: Its number, counted from 1. One that goes back counts on from the last.
        """
        return self._loop.wants(step)

    def step(
        self,
        step: int,
        *,
        images: Any = None,
        labels: Any = None,
        predictions: Any = None,
        values: Mapping[str, Any] | None = None,
        gradient: Any = None,
    ) -> None:
        """Puts a step of a loop on record, after its update.

        Arrays and tensors are of NumPy, PyTorch (with a gradient or on a GPU), JAX or TensorFlow;
        they are read at the steps that are pictured, and else not touched.

        Args:
            step: As in `wants`.
            images: (B, height, width, channels) or (B, channels, height, width), of any range.
            labels: (B, N, 5 + C), rows [object, x_center, y_center, width, height, one-hot class].
            predictions: Raw, as the loss takes them; a list where it has several heads.
            values: {name: number} of the step: "total" (or "loss") is the loop's own loss,
                "learning_rate" its rate; a term of the loss, or any other name, is a curve.
            gradient: Of the loop's own loss with respect to `predictions`, in their shapes, by the
                loop's own framework: what it sends into every slot.

        Raises:
            ValueError: The first arrays do not fit the loss; of later ones it is said and the step
                is not pictured.
        """
        self._loop.step(step, images, labels, predictions, values or {}, gradient)

    @property
    def lambdas(self) -> dict[str, float]:
        """{term: weight} as they are now. Whoever reads them is taken to obey them."""
        return self._loop.lambdas

    @property
    def learning_rate(self) -> float | None:
        """What somebody set the learning rate to; None before. Whoever reads it obeys it."""
        return self._loop.learning_rate

    # What Keras calls

    def set_model(self, model: keras.Model) -> None:
        """Takes up what trains; `fit` calls it.

        Raises:
            ValueError: It has no loss of this package, is another one than before, or makes several
                steps at a time; or a pinned sample does not exist.
        """
        if self.is_open:
            if model is not self._model:
                raise ValueError("A run is of one model; received another one for this run.")
            return
        trained, loss = _what_trains(model, self.loss, self._network_given, self._own)
        super().set_model(model)
        if not model.optimizer.built:
            # A checkpoint has all its variables, from the first step on.
            model.optimizer.build(model.trainable_variables)
        lambdas = tuple(f"lambda/{term}" for term in loss.term_names)
        if isinstance(trained, CompiledModel):
            columns, message = () if trained.is_own else lambdas, trained.not_live
            refused = {"set-lambda": trained.lambdas_refused}
        else:
            terms = (f"term/{term}" for term in loss.term_names)
            recalls = ("recall_current", "recall_average")
            pulled = loss.term_names if self.rhythm.pulls_every else ()
            columns = (*recalls, *terms, *lambdas, *pull_columns(pulled))
            message = ""
            refused = {}
        self.open_books(
            trained,
            loss,
            network=trained.network,
            in_reach=True,
            rate=self.schedule or OptimizerRate(model.optimizer),
            refuse=lambda command: refused.get(command, ""),
            columns=columns,
            message=message,
        )

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Before the first step of a `fit`."""
        del logs
        if self.has_ended:
            logger.warning(
                "Run %r has ended, so this fit is not recorded: in a `with` block one recorder "
                "takes several.",
                self.store.folder.name,
            )
            return
        if self._follows_fit:
            params: dict[str, Any] = self.params or {}
            a_pass = params.get("steps")
            self.steps = self.done + params["epochs"] * a_pass if a_pass else None
        if not self.books.began:
            self.books.steps = self.steps
        self.begin()
        if problem := getattr(self.trained, "own_problem", ""):
            self.guarded(self.books.say, "warning", problem)
        self.guarded(self.expect, self.batch_size)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keras's running means begin anew."""
        del epoch, logs
        if isinstance(self.trained, CompiledModel):
            self.trained.begin_epoch()
            self._rate = self.books.rate.at(self.done + 1)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before step `done` + 1."""
        del batch, logs
        self.guarded(self._before_step)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After it: the books, then whatever somebody asked for."""
        compiled = isinstance(self.trained, CompiledModel)
        after = self._after_compiled_step if compiled else self._after_step
        self.guarded(after, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """What `fit` has measured on its validation data."""
        del epoch
        found = {
            name.removeprefix("val_"): float(value)
            for name, value in (logs or {}).items()
            if name.startswith("val_")
        }
        if "loss" in found:
            self.guarded(self.books.measured, {"total": found.pop("loss"), **found})

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """After a `fit`: the end of the run, unless a `with` block goes on."""
        del logs
        if not self.in_block:
            self.close()

    def _before_step(self) -> None:
        books, trained, step = self.books, self.trained, self.done + 1
        if self.schedule is not None:
            trained.optimizer.learning_rate.assign(self.schedule.at(step))
        if isinstance(trained, CompiledModel):
            books.progress.begin_step("of the training")
            return
        self._rate = books.rate.at(step)
        trained.wants_breakdown = books.wants_batch(step)
        trained.wants_pulls = books.wants_pulls(step)
        books.progress.begin_step(f"{'with' if trained.wants_breakdown else 'without'} a snapshot")

    def _after_step(self, batch: int, logs: dict[str, Any]) -> None:
        del batch
        books, detector, step = self.books, self.trained, self.done + 1
        values = {
            **logs,
            "total": logs["loss"],
            "recall_current": logs["recall"],
            "learning_rate": self._rate,
        }
        books.progress.end_step(step, values, finite=bool(logs["finite"]))
        if not logs["finite"]:
            self.failure = self._non_finite(step)
            detector.stop_training = True
            return
        if detector.last_batch is not None:
            taken, detector.last_batch = detector.last_batch, None
            self.expect(len(taken["images"]))
            books.picture_batch(step, taken)
        books.after_step(step)
        if self.stopped:
            detector.stop_training = True

    def _after_compiled_step(self, batch: int, logs: dict[str, Any]) -> None:
        books, trained, step = self.books, self.trained, self.done + 1
        last = batch + 1 == (self.params or {}).get("steps")
        values = {"total": trained.step_loss(logs, last=last), "learning_rate": self._rate}
        values |= {f"lambda/{term}": value for term, value in self._loop.weights().items()}
        books.progress.end_step(step, values)
        self.expect(trained.batch_size)
        # On JAX the variables have no values but when they are asked for, which takes its time.
        lives = keras.backend.backend() != "jax"
        if not lives and (books.is_due(step) or last or books.control.is_asked):
            _ = self.model
            lives = True
        books.after_step(step)
        if lives:
            self._rate = books.rate.at(step + 1)
        if self.stopped:
            self.model.stop_training = True

    def _non_finite(self, step: int) -> NonFiniteLossError:
        what, advice = self.describe_failure(step) if self.describe_failure else ("", "")
        return NonFiniteLossError(
            f"The loss stopped being a finite number at step {step}{what and ': '}{what}. "
            f"The weights of step {step - 1} are kept. {advice}".rstrip()
        )


def _what_trains(
    model: Any, loss: DetectionLoss | None, network: Any, own: OwnFunction | str | None
) -> tuple[Any, DetectionLoss]:
    """What there is to be looked at, and the loss.

    Raises:
        ValueError: It cannot be recorded.
    """
    is_detector = False
    if keras.backend.backend() == "tensorflow":  # nothing else imports it
        from yolo_core.training.detector import Detector

        is_detector = isinstance(model, Detector)
    found = model.detection_loss if is_detector else getattr(model, "loss", None)
    is_ours = is_detector or isinstance(found, DetectionLoss)
    if model.compiled and not is_ours and loss is None:
        what = getattr(found, "__name__", None) or type(found).__name__
        raise ValueError(
            "RunRecorder records Detector(network, loss), or a model that was compiled with a loss "
            f"of this package; received a {type(model).__name__} whose loss is {what}. With such a "
            "loss give RunRecorder one to look at it with: loss=...."
        )
    if not model.compiled or model.steps_per_execution != 1:
        several = f"; received {model.steps_per_execution}" * model.compiled
        raise ValueError(
            "RunRecorder records every step of a compiled model: compile it, with "
            f"steps_per_execution=1{several}."
        )
    if is_detector:
        return model, model.detection_loss
    is_own = not isinstance(found, DetectionLoss)
    used: Any = loss if is_own else found
    function = own if isinstance(own, OwnFunction) else None
    return CompiledModel(model, used, is_own=is_own, network=network, own=function), used
