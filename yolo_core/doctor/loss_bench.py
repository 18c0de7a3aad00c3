"""A loss on the bench: made-up pictures, and what it does with several predictions for them.

Everything is computed by the loss itself, compiled once with the gradient of each term, and is
there for all checks. Imports Keras.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from yolo_core.breakdown import LossBreakdown
from yolo_core.doctor import pictures
from yolo_core.doctor.finding import NotTried
from yolo_core.losses.base import DetectionLoss
from yolo_core.losses.meaning import Meaning
from yolo_core.models.decode import nms_keep
from yolo_core.slots import SlotLayout
from yolo_core.training.looking import Dissector
from yolo_core.views import SampleView, Snapshot

SURE = 12.0
"""Logit of a prediction that is sure: sigmoid(-12) is 6e-6."""
_PAST_WARM_UP = 10**6


class LossBench:
    """A loss, and what it says of the doctor's pictures.

    Args:
        loss: The loss, made for pictures of `image_shape`. Its step is set past any warm-up.
        image_shape: (height, width, ...) in pixels.
        own: Whether somebody wrote it themselves.

    Attributes:
        y_true: (B, N, 5 + C) label rows.
        layout: Where the slots sit.
        edge_fails: What it fails with where a centre lies on the edge; "" where it does not.
        terms_known: Whether it says its terms, slot by slot, and not a total alone.
    """

    terms_known = True
    edge_fails = ""
    descent_steps, descent_rate = 150, 0.2

    def __init__(
        self, loss: DetectionLoss, image_shape: Sequence[int], *, own: bool = False
    ) -> None:
        self.loss = loss
        self.own = own
        self.image_shape = tuple(image_shape)
        self.y_true = pictures.labels(loss.num_classes)
        loss.step.assign(_PAST_WARM_UP)
        self.layout: SlotLayout = loss.slots((1, *loss.output_shape(image_shape)))
        self.channels = tuple(loss.channel_names)
        self._dissect = Dissector(loss)

    def take_apart(self, slots: np.ndarray, y_true: np.ndarray | None = None) -> LossBreakdown:
        """The loss of a batch, with the gradient of each term.

        Args:
            slots: (B, P, channels) raw predictions.
            y_true: (B, N, 5 + C); None for the labels of all pictures.
        """
        y_true = self.y_true if y_true is None else y_true
        output = self.loss.to_output(slots.astype(np.float32), self.layout.grids)
        return self._dissect(y_true, output, gradients=True)[1]

    @functools.cached_property
    def rest_slots(self) -> np.ndarray:
        """(B, P, channels) zeros: what a network says before it has learned anything."""
        return np.zeros((len(self.y_true), self.layout.count, len(self.channels)), np.float32)

    @functools.cached_property
    def rest(self) -> LossBreakdown:
        """The loss there."""
        return self.take_apart(self.rest_slots)

    @functools.cached_property
    def random_slots(self) -> np.ndarray:
        """(B, P, channels) numbers of about -2 to 2, the same every time."""
        random = np.random.default_rng(0).normal(size=self.rest_slots.shape).astype(np.float32)
        return self.shared_in_cells(random)

    @functools.cached_property
    def random(self) -> LossBreakdown:
        """The loss there."""
        return self.take_apart(self.random_slots)

    def shared_in_cells(self, slots: np.ndarray) -> np.ndarray:
        """The slots as the loss reads them: some channels are one for a whole cell."""
        return np.asarray(
            self.loss.slot_predictions(self.loss.to_output(slots, self.layout.grids)), np.float32
        )

    @functools.cached_property
    def oracle_slots(self) -> np.ndarray:
        """(B, P, channels) that say every object in its slots, and nothing elsewhere.

        Raises:
            NotTried: It is not known how this loss encodes boxes.
        """
        found = self.rest.assignment.matched_object
        boxes = self.rest.predictions["boxes"].astype(np.float64).copy()
        objectness = np.full(found.shape, -SURE)
        wanted = np.full(found.shape, -1)
        for picture, slot in np.argwhere(found >= 0).tolist():
            row = self.y_true[picture, found[picture, slot]]
            boxes[picture, slot], objectness[picture, slot] = row[1:5], SURE
            wanted[picture, self._cell_mates(slot)] = row[5:].argmax()
        return self.said(boxes, objectness, wanted)

    @functools.cached_property
    def oracle(self) -> LossBreakdown:
        """The loss there."""
        return self.take_apart(self.oracle_slots)

    def said(self, boxes: np.ndarray, objectness: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Raw slots that say boxes, logits of objectness, and surely a class (-1: none).

        Raises:
            NotTried: It is not known how this loss encodes boxes.
        """
        count = self.loss.num_classes
        logits = np.where(np.arange(count) == classes[..., None], SURE, -SURE)
        logits[classes < 0] = 0.0
        by_itself = self.loss.classes_by_themselves
        if by_itself:
            logs = -np.logaddexp(0, -logits)
        else:
            logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        try:
            raw = self.loss.encode(
                self.layout, Meaning(boxes, objectness, logs, one_class=not by_itself)
            )
        except (ValueError, NotImplementedError) as error:
            raise NotTried(f"No perfect prediction can be made up: {error}") from None
        return raw.astype(np.float32)

    def _cell_mates(self, slot: int) -> np.ndarray:
        at = self.layout
        return self.layout.cell_slots(int(at.head[slot]), int(at.row[slot]), int(at.column[slot]))

    @functools.cached_property
    def learned_slots(self) -> np.ndarray:
        """(B, P, channels): predictions that were free to move, after some steps of Adam."""
        slots, mean, square = self.random_slots.astype(np.float64), 0.0, 0.0
        for step in range(1, self.descent_steps + 1):
            whole = self.take_apart(slots)
            gradient = sum(
                float(whole.lambdas[term]) * each.astype(np.float64)
                for term, each in whole.gradients.items()
            )
            if not np.isfinite(gradient).all():
                raise NotTried(f"Its gradient is no number after {step} steps of its own.")
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.99 * square + 0.01 * gradient**2
            move = mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.99**step)) + 1e-12)
            rate = self.descent_rate * (1 - step / (self.descent_steps + 1))
            slots = slots - rate * move
        return slots.astype(np.float32)

    @functools.cached_property
    def learned(self) -> LossBreakdown:
        """The loss there."""
        return self.take_apart(self.learned_slots)

    def view(self, picture: int, slots: np.ndarray, whole: LossBreakdown) -> SampleView:
        """One picture, as the pages see a sample."""
        seen = whole.predictions
        names = tuple(f"class {index}" for index in range(self.loss.num_classes))
        count = len(self.y_true)
        return Snapshot(
            step=0,
            kind="batch",
            samples=pictures.NAMES,
            class_names=names,
            loss_name=self.loss.name,
            channels=self.channels,
            layout=self.layout,
            breakdown=whole,
            images=np.zeros((count, *self.image_shape[:2], 1), np.uint8),
            y_true=self.y_true,
            y_pred=slots,
            keep=nms_keep(seen["boxes"], seen["objectness"], seen["class_probabilities"]),
            ignore_rule=self.loss.ignore_rule,
            thresholds=self.loss.thresholds,
        ).sample(pictures.NAMES[picture])

    def place(self, slot: int) -> dict[str, int]:
        """Head, row, column and anchor of a slot."""
        names = ("head", "row", "column", "anchor")
        return {name: int(getattr(self.layout, name)[slot]) for name in names}

    def slot_words(self, slot: int) -> str:
        """The same as words."""
        place = self.place(slot)
        head = f"head {place['head']}, " if len(self.layout.grids) > 1 else ""
        return f"{head}row {place['row']}, column {place['column']}, slot {place['anchor']}"

    def objects(self) -> list[tuple[int, int]]:
        """(picture, label row) of every object."""
        return [(int(p), int(n)) for p, n in np.argwhere(self.y_true[..., 0] > 0)]


def object_words(picture: int, index: int) -> str:
    """Which object of the doctor's pictures that is."""
    return f'object {index} of the picture "{pictures.NAMES[picture]}"'
