"""The steps of a loop of somebody's own, in any framework: what the recorder makes of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from yolo_core.breakdown import LossBreakdown, OwnGradient
from yolo_core.data.script_samples import KeptSamples, drawable
from yolo_core.layouts.arrays import as_numpy
from yolo_core.layouts.by_name import what_would_fit
from yolo_core.losses.base import DetectionLoss
from yolo_core.slots import SlotLayout
from yolo_core.training.looking import Dissector
from yolo_core.training.recording import Recording
from yolo_core.training.schedule import LoopRate

NOT_LIVE = (
    "Recorded from a loop of its own: checkpoints, and whatever needs the network, are the script's"
)
NO_NETWORK = (
    "The network of this run is in a loop of its script's own, so it cannot be built here. "
    "Everything that was recorded while it trained can be seen."
)


class LoopTrained:
    """A network that a function asks, looked at in inference mode.

    Args:
        predict: From images as the network takes them to raw predictions as the loss takes them.
        loss: The loss.
    """

    def __init__(self, predict: Callable[[Any], Any], loss: DetectionLoss) -> None:
        self.predict = predict
        self.detection_loss = loss
        self.dissect = Dissector(loss)
        self._layouts: dict[tuple[int, ...], SlotLayout] = {}

    def inspect(
        self, images: np.ndarray, y_true: np.ndarray, *, gradients: bool = False
    ) -> tuple[np.ndarray, LossBreakdown]:
        """As `Looker.inspect`."""
        outputs = _arrays(self.predict(images))
        self._layouts[images.shape[1:]] = _layout(self.detection_loss, outputs)
        return self.dissect(y_true, outputs, gradients=gradients)

    def layout(self, image_shape: Sequence[int]) -> SlotLayout:
        """As `Looker.layout`."""
        if tuple(image_shape) not in self._layouts:
            outputs = _arrays(self.predict(np.zeros((1, *image_shape), np.float32)))
            self._layouts[tuple(image_shape)] = _layout(self.detection_loss, outputs)
        return self._layouts[tuple(image_shape)]


class LoopSteps:
    """Puts the steps of a loop on record.

    Args:
        recording: The run.
        row_every: Steps between two rows of the curves.
        predict: As in `LoopTrained`; None where the network cannot be asked.
        own_name: What the pages call a loss of the loop's own.
    """

    def __init__(
        self,
        recording: Recording,
        row_every: int,
        predict: Callable[[Any], Any] | None,
        *,
        own_name: str | None = None,
    ) -> None:
        self.own_name = own_name or "the loop's own loss"
        self.recording = recording
        self.row_every = max(int(row_every), 1)
        self.predict = predict
        self._rate = LoopRate()
        self._obeys: set[str] = set()
        self._given, self._number = 0, 0
        self._pictured_shape: tuple[int, ...] | None = None
        self._said: set[str] = set()
        self._dissect: Dissector | None = None

    @property
    def lambdas(self) -> dict[str, float]:
        """{term: weight} now."""
        self._obeys.add("set-lambda")
        return self.weights()

    def weights(self) -> dict[str, float]:
        """The same; nobody is taken to obey them."""
        loss = self.recording.loss
        if loss is None:
            raise ValueError("There are no lambdas yet: give RunRecorder the loss (loss=...).")
        return {term: float(value.numpy()) for term, value in loss.lambdas.items()}

    @property
    def learning_rate(self) -> float | None:
        """What somebody set."""
        self._obeys.add("set-learning-rate")
        return self._rate.wanted

    def wants(self, step: int) -> bool:
        """Whether there is something to record of that step; else does what was asked for."""
        self._begin()
        number = self._numbered(step)
        if self.recording.problem is not None or self.recording.has_ended:
            return False
        books = self.recording.books
        if number % self.row_every == 0 or number == 1 or books.wants_batch(number):
            return True
        self.recording.guarded(books.after_step, number)
        return False

    def step(
        self,
        step: int,
        images: Any,
        labels: Any,
        predictions: Any,
        values: Mapping[str, Any],
        gradient: Any = None,
    ) -> None:
        """Puts a step on record, after its update."""
        self._begin()
        number = self._numbered(step)
        recording = self.recording
        if recording.has_ended or recording.problem is not None or number <= recording.done:
            return
        batch = None
        if predictions is not None and recording.books.wants_batch(number):
            batch = self._batch(images, labels, predictions)
            if batch is not None and gradient is not None:
                batch = self._with_own(batch, predictions, values, gradient)
        recording.guarded(self._record, number, values, batch)

    def _begin(self) -> None:
        recording = self.recording
        if recording.is_open:
            return
        loss = recording.loss
        if loss is None:
            raise ValueError("A loop is recorded with a loss: RunRecorder(path, loss=...).")
        trained = None if self.predict is None else LoopTrained(self.predict, loss)
        recording.open_books(
            trained,
            loss,
            network=NO_NETWORK,
            in_reach=False,
            rate=self._rate,
            refuse=self._refuse,
            message=f"{NOT_LIVE}.",
        )
        self._dissect = Dissector(loss)
        recording.begin()
        if not recording.has_ended:
            recording.books.progress.begin_step()

    def _refuse(self, command: str) -> str:
        asked = {"set-lambda": "recorder.lambdas", "set-learning-rate": "recorder.learning_rate"}
        if command in asked and command not in self._obeys:
            return f"The loop of this run does not read {asked[command]}, so this changes nothing."
        return ""

    def _numbered(self, step: int) -> int:
        """The number of a step on record: one that does not go up counts on from the last."""
        step = int(step)
        if step != self._given or self._number == 0:
            goes_up = step > self._given or self._number == 0
            self._number += max(step - self._given, 1) if goes_up else 1
            if not goes_up:
                self._say(
                    "numbers",
                    f"The loop's step {step} came after its step {self._given}: steps are counted "
                    "on from there.",
                )
            self._given = step
        return self._number

    def _batch(self, images: Any, labels: Any, predictions: Any) -> dict[str, Any] | None:
        """The batch as a snapshot has it; None where it cannot be pictured, which is said.

        Raises:
            ValueError: It is the first one, and does not fit the loss.
        """
        try:
            return self._read(images, labels, predictions)
        except ValueError as error:
            if self._pictured_shape is None:
                raise
            self._say("batch", f"Step {self._number} is not pictured. {error}")
            return None

    def _read(self, images: Any, labels: Any, predictions: Any) -> dict[str, Any]:
        recording = self.recording
        if images is None or labels is None:
            raise ValueError("recorder.step takes images, labels and predictions of one batch.")
        loss, dissect = recording.books.loss, self._dissect
        pixels, y_true = as_numpy(images), as_numpy(labels).astype(np.float32)
        outputs = _arrays(predictions)
        if pixels.ndim != 4 or len(pixels) != len(y_true):
            raise ValueError(
                "recorder.step takes images (B, height, width, channels) and as many labels; "
                f"received {pixels.shape} and {y_true.shape}."
            )
        span = recording.source.span if isinstance(recording.source, KeptSamples) else None
        pictures, _ = drawable(pixels, span)
        if self._pictured_shape not in (None, pictures.shape[1:]):
            before, now = (
                f"{shape[0]} x {shape[1]}" for shape in (self._pictured_shape, pictures.shape[1:])
            )
            raise ValueError(
                f"A run has pictures of one size: it began with {before} and received {now}."
            )
        layout = _layout(loss, outputs)
        if dissect is None:
            raise ValueError("The loop has not begun.")
        slots, breakdown = dissect(y_true, outputs, gradients=True)
        first, self._pictured_shape = self._pictured_shape is None, pictures.shape[1:]
        if first and recording.trained is None:
            names = [f"val/{at}" for at in range(len(pictures))]
            classes = recording.books.snapshots.class_names
            kept = KeptSamples(names, pictures, y_true, classes)
            recording.guarded(recording.describe, layout, kept, pictures.shape[1:])
        return {
            "images": pictures,
            "y_true": y_true,
            "y_pred": slots,
            "breakdown": breakdown,
            "layout": layout,
        }

    def _with_own(
        self, batch: dict[str, Any], predictions: Any, values: Mapping[str, Any], gradient: Any
    ) -> dict[str, Any]:
        """The same with what the loop's own loss sends into the slots; as it is, where that fails.

        What does not fit is said once.
        """
        try:
            shapes = [np.shape(each) for each in _arrays(predictions)]
            found = [np.shape(each) for each in _arrays(gradient)]
            if shapes != found:
                raise ValueError(
                    f"The gradient must have the shapes of the predictions, {shapes}; received "
                    f"{found}."
                )
            total = values.get("total", values.get("loss"))
            if total is None:
                raise ValueError('A gradient comes with the loss that it is of: values["total"].')
            slots = self.recording.books.loss.slot_predictions(_one(_arrays(gradient)))
            own = OwnGradient(self.own_name, np.float32(as_numpy(total)), as_numpy(slots))
        except ValueError as error:
            self._say("gradient", f"The gradient of the loop's own loss is not recorded. {error}")
            return batch
        return {**batch, "breakdown": dataclasses.replace(batch["breakdown"], own=own)}

    def _record(self, step: int, values: Mapping[str, Any], batch: dict[str, Any] | None) -> None:
        books = self.recording.books
        loss = books.loss
        row = {name: float(as_numpy(value)) for name, value in values.items()}
        row = {("total" if name == "loss" else name): value for name, value in row.items()}
        row = {(f"term/{n}" if n in loss.term_names else n): value for n, value in row.items()}
        if "learning_rate" in row:
            self._rate.value = row["learning_rate"]
        row |= {f"lambda/{term}": value for term, value in self.weights().items()}
        if batch is not None:
            self.recording.expect(len(batch["images"]))
            whole = batch["breakdown"]
            own = {"total": whole.total, **{f"term/{n}": v for n, v in whole.terms.items()}}
            row = {name: float(value) for name, value in own.items()} | row
        books.want_columns(*row)
        books.progress.end_step(step, row)
        if batch is not None:
            books.picture_batch(step, batch)
        books.after_step(step)
        books.progress.begin_step()

    def _say(self, what: str, sentence: str) -> None:
        """Once of each kind."""
        if what not in self._said:
            self._said.add(what)
            self.recording.guarded(self.recording.books.say, "warning", sentence)


def _layout(loss: DetectionLoss, outputs: Sequence[np.ndarray]) -> SlotLayout:
    """Where the slots of predictions sit.

    Raises:
        ValueError: They do not fit the loss; the sentence says what would.
    """
    shapes = [each.shape for each in outputs]
    try:
        return loss.slots(shapes if len(shapes) > 1 else shapes[0])
    except (ValueError, TypeError) as error:
        raise ValueError(f"{error} {what_would_fit(loss, list(outputs))}") from None


def _one(arrays: list[np.ndarray]) -> Any:
    return arrays[0] if len(arrays) == 1 else arrays


def _arrays(predictions: Any) -> list[np.ndarray]:
    """The outputs of a network, one or several, as float32."""
    several = isinstance(predictions, list | tuple)
    return [
        as_numpy(each).astype(np.float32) for each in (predictions if several else [predictions])
    ]
