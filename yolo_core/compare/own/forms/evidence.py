"""What a form of a term is tried against: one batch, one gradient, and who trains what."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping

import numpy as np

from yolo_core.compare.own.term_factors import (
    NOTHING_OF_CHANNEL,
    TOLERANCE,
    relative_difference,
)
from yolo_core.slots import SlotLayout
from yolo_core.views import Snapshot

# Fewer numbers agree by chance.
LEAST_NUMBERS = 4
BACKGROUND = "background"


@dataclasses.dataclass(frozen=True)
class Evidence:
    """A batch and what two losses do with it; all floats are float64.

    Attributes:
        snapshot: The published loss's breakdown of the batch.
        gradient: (B, P, channels), the one that is to be told; rounding removed.
        terms: {term: (B, P, channels)} of lambda x term of the published loss, likewise.
        object_of: (B, P) the object that each slot is trained for, -1 where none.
        variances: Of centre and size offsets, where the loss has some, else (1, 1).
        shift: (B, P, 2) by how much the object of a slot lies elsewhere than its label says, image
            fractions; None for nowhere. An object in another cell may keep its place in the cell.
    """

    snapshot: Snapshot
    gradient: np.ndarray
    terms: Mapping[str, np.ndarray]
    object_of: np.ndarray
    variances: tuple[float, float] = (1.0, 1.0)
    shift: np.ndarray | None = None

    @functools.cached_property
    def raw(self) -> np.ndarray:
        """(B, P, channels) raw predictions."""
        return np.asarray(self.snapshot.y_pred, np.float64)

    @property
    def layout(self) -> SlotLayout:
        """Where the slots are."""
        return self.snapshot.layout

    @functools.cached_property
    def rows(self) -> np.ndarray:
        """(B, N, 5 + C) label rows."""
        return np.asarray(self.snapshot.y_true, np.float64)

    @functools.cached_property
    def boxes(self) -> np.ndarray:
        """(B, P, 4) predicted boxes as the published loss decodes them."""
        return np.asarray(self.snapshot.breakdown.predictions["boxes"], np.float64)

    @functools.cached_property
    def cells(self) -> np.ndarray:
        """(P, 2) columns and rows of the slot's grid."""
        return np.round(1 / self.layout.stride.astype(np.float64))

    @functools.cached_property
    def corner(self) -> np.ndarray:
        """(P, 2) column and row of the slot."""
        return np.stack([self.layout.column, self.layout.row], axis=-1).astype(np.float64)

    @functools.cached_property
    def pixels(self) -> np.ndarray:
        """(2,) width and height of the picture."""
        return np.asarray(self.snapshot.images.shape[2:0:-1], np.float64)

    def channel(self, name: str) -> int:
        """Index of a channel."""
        return self.snapshot.channels.index(name)

    @property
    def confidence(self) -> int:
        """Index of the channel that says whether there is an object."""
        return 4 if self.has_background else self.channel("objectness")

    @property
    def has_confidence(self) -> bool:
        """Whether something says that there is an object, or the classes alone do."""
        return self.has_background or "objectness" in self.snapshot.channels

    @property
    def has_background(self) -> bool:
        """Whether background is one of the classes, and there is no objectness."""
        return BACKGROUND in self.snapshot.channels

    @functools.cached_property
    def background_is_first(self) -> bool | None:
        """Whether slots without an object are trained towards the first class; None if unknown."""
        scores = self.gradient[..., self.class_channels]
        empty = scores[(self.object_of < 0) & scores.any(axis=-1)]
        if not self.has_background or not len(empty):
            return None
        return bool((empty.argmin(axis=-1) == 0).mean() > 0.5)

    @functools.cached_property
    def class_channels(self) -> list[int]:
        """Indices of the class scores, the background among them."""
        return [
            k
            for k, name in enumerate(self.snapshot.channels)
            if name.startswith("class ") or name == BACKGROUND
        ]

    @functools.cached_property
    def box_channels(self) -> list[int]:
        """Indices of x, y, w and h."""
        return [self.channel(name) for name in "xywh"]

    def slots(self) -> Trained:
        """The slots that are trained for an object."""
        image, slot = np.nonzero(self.object_of >= 0)
        return self.trained(image, slot, self.object_of[image, slot])

    def trained(self, image: np.ndarray, slot: np.ndarray, index: np.ndarray) -> Trained:
        """Slots with the objects that they are trained for."""
        rows = self.rows[image, index]
        boxes = rows[:, 1:5]
        if self.shift is not None:
            boxes = np.concatenate([boxes[:, :2] + self.shift[image, slot], boxes[:, 2:]], axis=-1)
        return Trained(image, slot, index, boxes, rows[:, 5:])


@dataclasses.dataclass(frozen=True)
class Trained:
    """M slots that are trained for an object each.

    Attributes:
        image: (M,) index of the picture.
        slot: (M,) index of the slot.
        index: (M,) index of the object in its picture.
        box: (M, 4) box of the object, x_center, y_center, width, height, image fractions.
        one_hot: (M, C) its class.
    """

    image: np.ndarray
    slot: np.ndarray
    index: np.ndarray
    box: np.ndarray
    one_hot: np.ndarray

    def of(self, values: np.ndarray) -> np.ndarray:
        """(M, ...) out of (B, P, ...)."""
        return values[self.image, self.slot]


@dataclasses.dataclass(frozen=True)
class Form:
    """One way to compute a term, and the gradient that it would have.

    Attributes:
        said: {what it is about: how it is there}, in words; two forms differ in what they do not
            say alike.
        gradient: (M, k) up to a factor.
        through: Gives (M, 4) up to the same factor, the gradient that goes on through its target
            to the raw box; None where the target is a number.
    """

    said: Mapping[str, str]
    gradient: np.ndarray
    through: Callable[[], np.ndarray] | None = None

    def differences(self, other: Form) -> list[str]:
        """What is otherwise in the other form."""
        found = [key for key, words in self.said.items() if other.said.get(key) != words]
        # Roots or logarithms are measured in a unit of their own.
        return [key for key in found if key != "measured in" or "compared as" not in found]


@dataclasses.dataclass(frozen=True)
class Fit:
    """A form that is the gradient, up to a factor a slot.

    Attributes:
        form: The form.
        factor: Median of the gradient over the form's.
        weights: Name of what the factor depends on ("head", "class", "picture", a formula), or "".
        by: {of what: factor} where it depends on something that can be listed.
        each: (M,) the factor of each slot; None where all have one.
        why: The formula that gives the factors in `by`, or "".
    """

    form: Form
    factor: float
    weights: str = ""
    by: Mapping[str, float] = dataclasses.field(default_factory=dict)
    each: np.ndarray | None = None
    why: str = ""

    def of_slot(self) -> np.ndarray:
        """(1 or M, 1) the factor of each slot."""
        return np.atleast_1d(self.factor if self.each is None else self.each)[:, None]


def agrees(gradient: np.ndarray, form: np.ndarray, scale: np.ndarray | None = None) -> float | None:
    """The factor above zero by which a form's numbers are the gradient's, or None.

    Args:
        gradient: (M, k).
        form: (M, k).
        scale: (M, k) the size of what was subtracted from the gradient before: what is rounding
            beside it is no difference.
    """
    if not np.isfinite(form).all() or form.shape != gradient.shape:
        return None
    both = (gradient != 0) & (form != 0)
    if both.sum() < LEAST_NUMBERS:
        return None
    large = both & (np.abs(form) >= np.median(np.abs(form[both])))
    factor = float(np.median(gradient[large] / form[large]))
    if not factor > 0:
        return None
    expected = factor * form
    # What is nothing beside the largest number of its channel is rounding.
    nothing = NOTHING_OF_CHANNEL * np.abs(expected).max(axis=0)
    near = relative_difference(gradient, expected) <= TOLERANCE
    near |= np.abs(gradient - expected) <= nothing
    if scale is not None:
        near |= np.abs(gradient - expected) <= TOLERANCE * scale
    return factor if near.all() else None
