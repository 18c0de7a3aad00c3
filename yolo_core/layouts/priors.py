"""SSD: a box and the classes of every prior, in two arrays or joined in one."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from yolo_core.layouts.arrays import inverse, rearranging, reordered

BOX = 4
CONSTANTS = 8
"""Prior box and variances, which Keras SSDs join to each row; no prediction."""


@dataclasses.dataclass(frozen=True)
class PriorLayout:
    """How another program lays SSD's raw numbers out. Its class 0 is the background, as ours is.

    The numbers are those before the softmax: of a network that ends in one, hand over what goes
    into it, or its logarithm, which has the same softmax.

    Attributes:
        name: The program's.
        parts: "loc" and "conf" in its order.
        joined: Whether one array (B, P, 4 + 1 + C) holds both, with or without 8 constants a
            prior behind them; else a pair (B, P, 4) and (B, P, 1 + C).
        slot_count: P.
        num_classes: C, without the background.
        order: Of each prior of the loss, which of theirs it is; None for the same order.
        owner: What takes the predictions, for the sentences.
    """

    name: str
    parts: tuple[str, str]
    joined: bool
    slot_count: int
    num_classes: int
    order: tuple[int, ...] | None = None
    owner: str = "the loss"

    def __post_init__(self) -> None:
        """Checks the order.

        Raises:
            ValueError: It is no order of the priors.
        """
        if self.order is not None and sorted(self.order) != list(range(self.slot_count)):
            raise ValueError(
                f"order must hold each of the {self.slot_count} priors, 0 to "
                f"{self.slot_count - 1}, once; received {len(self.order)} numbers."
            )

    def ours(self, raw: Any) -> Any:
        """Their raw predictions as the loss takes them.

        Args:
            raw: A pair or one array, of any framework.

        Returns:
            (B, P, 5 + C), slot channels [x, y, w, h, background, classes], of the same dtype.

        Raises:
            ValueError: The shapes are not those of this layout and loss.
        """
        given, xp = [], np
        for each in raw if isinstance(raw, list | tuple) else [raw]:
            array, xp = rearranging(each)
            given.append(array)
        self.our_shapes([each.shape for each in given])
        if self.joined:
            first = self._width(self.parts[0])
            given = [given[0][..., :first], given[0][..., first : self._width_of_all]]
        pieces = dict(zip(self.parts, given, strict=True))
        joined = xp.concatenate([pieces["loc"], pieces["conf"]], axis=-1)
        return joined if self.order is None else reordered(xp, joined, self.order, axis=1)

    slots = ours

    def our_shapes(self, shapes: Any) -> tuple[Any, ...]:
        """The shape that `ours` gives for raw predictions of these shapes: (B, P, 5 + C).

        Raises:
            ValueError: The shapes are not those of this layout and loss.
        """
        several = len(shapes) > 0 and hasattr(shapes[0], "__len__")
        given = [tuple(each) for each in (shapes if several else [shapes])]
        ends, count, width = [shape[1:] for shape in given], self.slot_count, self._width_of_all
        if self.joined:
            fits = ends in ([(count, width)], [(count, width + CONSTANTS)])
        else:
            fits = ends == [(count, self._width(part)) for part in self.parts]
        if not fits:
            raise ValueError(
                f"{self.name} predictions for {self.owner} must be {self.shape_words()}; received "
                f"{' and '.join(map(str, given))}."
            )
        return given[0][0], count, width

    def theirs(self, predictions: Any, constants: Any = None) -> Any:
        """The way back from `ours`.

        Args:
            predictions: (B, P, 5 + C).
            constants: (B, P, 8) to be joined on; None for none, as with gradients.

        Raises:
            ValueError: The shape is not the one that `ours` gives.
        """
        whole, xp = rearranging(predictions)
        expected = (self.slot_count, self._width_of_all)
        if tuple(whole.shape[1:]) != expected:
            raise ValueError(
                f"Predictions of {self.owner} are (batch, {expected[0]}, {expected[1]}); received "
                f"{tuple(whole.shape)}."
            )
        if self.order is not None:
            whole = reordered(xp, whole, inverse(self.order), axis=1)
        pieces = {"loc": whole[..., :BOX], "conf": whole[..., BOX:]}
        found = [pieces[part] for part in self.parts]
        if not self.joined:
            return tuple(found)
        return xp.concatenate(found if constants is None else [*found, constants], axis=-1)

    def shape_words(self) -> str:
        """The shapes that this layout has."""
        sizes = [f"(batch, {self.slot_count}, {self._width(part)})" for part in self.parts]
        if not self.joined:
            return f"a pair of {sizes[0]} and {sizes[1]}"
        width = self._width_of_all
        return f"(batch, {self.slot_count}, {width}), or {width + CONSTANTS} with its constants"

    def _width(self, part: str) -> int:
        return BOX if part == "loc" else 1 + self.num_classes

    @property
    def _width_of_all(self) -> int:
        return BOX + 1 + self.num_classes
