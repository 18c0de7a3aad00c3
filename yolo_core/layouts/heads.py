"""Heads of anchors on grids, however their axes are ordered and folded."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Any

from yolo_core.layouts.arrays import inverse, rearranging, reordered

THEIR_CHANNELS = ("x", "y", "w", "h", "objectness")
"""What every program here puts into a slot, in that order; the classes follow."""
_OURS = ("H", "W", "A", "F")
_NAMES = {"H": "rows", "W": "columns", "A": "anchors", "F": "channels of a slot"}


@dataclasses.dataclass(frozen=True)
class HeadLayout:
    """How another program lays the raw numbers of its heads out.

    Attributes:
        name: The program's.
        pattern: The axes after the batch: A anchors, F channels of a slot, H rows, W columns; those
            in parentheses are folded into one, the last the fastest: "(A F) H W".
        channels: (F,) names of a slot's channels in the order of the loss.
        anchors: Anchors of each head of the loss; None for one head of as many as come.
        heads: Of each head of the loss, which of theirs it is; None for the same order.
        anchor_order: Of each head of the loss, which of their anchors each of its anchors is; None
            for the same order.
        grids: (rows, columns) of each head of the loss, where the shapes do not say them.
        owner: What takes the predictions, for the sentences.
    """

    name: str
    pattern: str
    channels: tuple[str, ...]
    anchors: tuple[int, ...] | None = None
    heads: tuple[int, ...] | None = None
    anchor_order: tuple[tuple[int, ...], ...] | None = None
    grids: tuple[tuple[int, int], ...] | None = None
    owner: str = "the loss"

    def __post_init__(self) -> None:
        """Checks the orders.

        Raises:
            ValueError: One is no order of that many, or the pattern needs grids.
        """
        if self.heads is not None:
            _check_order("heads", self.heads, self.head_count)
        counts = self.anchors or ()
        if self.anchor_order is not None and len(self.anchor_order) != len(counts):
            raise ValueError(
                f"anchor_order must be one order a head, {len(counts)} in all; received "
                f"{self.anchor_order!r}."
            )
        for order, count in zip(self.anchor_order or (), counts, strict=False):
            _check_order("anchor_order", order, count)
        if self.grids is None and ("H",) not in self._groups:
            raise ValueError(
                f"The {self.name} layout is one row of numbers, which does not say its grid: give "
                "grids=[(rows, columns), ...], one pair a head."
            )

    @property
    def head_count(self) -> int:
        """How many heads the loss has."""
        return 1 if self.anchors is None else len(self.anchors)

    def ours(self, raw: Any) -> Any:
        """Their raw predictions as the loss takes them.

        Args:
            raw: One array a head, or the array of a single head, of any framework.

        Returns:
            (B, rows, columns, A * F), anchor-major, of the same dtype: a list of one a head, or the
            array alone where there is one head.

        Raises:
            ValueError: The shapes are not those of this layout and loss.
        """
        whole = [self._our_head(head, each) for head, each in enumerate(self._in_order(raw))]
        outputs = [
            xp.reshape(each, (_batch(each.shape), *each.shape[1:3], math.prod(each.shape[3:])))
            for each, xp in whole
        ]
        return outputs if len(outputs) > 1 else outputs[0]

    def our_shapes(self, shapes: Any) -> Any:
        """The shapes that `ours` gives for raw predictions of these: one a head, or one alone.

        Raises:
            ValueError: The shapes are not those of this layout and loss.
        """
        several = len(shapes) > 0 and hasattr(shapes[0], "__len__")
        given = self._in_order([tuple(each) for each in (shapes if several else [shapes])])
        found = []
        for head, shape in enumerate(given):
            sizes = self._sizes(head, shape)
            found.append((shape[0], sizes["H"], sizes["W"], sizes["A"] * sizes["F"]))
        return found if len(found) > 1 else found[0]

    def slots(self, raw: Any) -> Any:
        """Their raw predictions, or gradients with respect to them, as (B, P, F) slots.

        Args:
            raw: As in `ours`.

        Raises:
            ValueError: As `ours`.
        """
        whole = [self._our_head(head, each) for head, each in enumerate(self._in_order(raw))]
        xp = whole[0][1]
        features = len(self.channels)
        return xp.concatenate(
            [
                xp.reshape(each, (_batch(each.shape), math.prod(each.shape[1:4]), features))
                for each, xp in whole
            ],
            axis=1,
        )

    def theirs(self, predictions: Any) -> Any:
        """The way back from `ours`, or from (B, P, F) slots where `grids` are known.

        Returns:
            Their raw predictions, in their order of heads; the array alone where there is one head.

        Raises:
            ValueError: The shapes are not those that `ours` gives.
        """
        outputs = self._our_outputs(predictions)
        places = self.heads or tuple(range(len(outputs)))
        found: list[Any] = [None] * len(outputs)
        for head, output in enumerate(outputs):
            found[places[head]] = self._their_head(head, output)
        return found if len(found) > 1 else found[0]

    def shape_words(self, head: int = 0) -> str:
        """The shape that a head has in this layout: "(batch, 75, rows, columns)"."""
        sizes: dict[str, Any] = {"F": len(self.channels)}
        if self.anchors is not None:
            sizes["A"] = self.anchors[head]
        if self.grids is not None:
            sizes["H"], sizes["W"] = self.grids[head]

        def words(group: tuple[str, ...]) -> str:
            if all(axis in sizes for axis in group):
                return str(math.prod(sizes[axis] for axis in group))
            return " * ".join(str(sizes.get(axis, _NAMES[axis])) for axis in group)

        return f"(batch, {', '.join(words(group) for group in self._groups)})"

    @property
    def _groups(self) -> tuple[tuple[str, ...], ...]:
        """The axes that each axis after the batch is made of."""
        found = re.findall(r"\(([^)]*)\)|(\w)", self.pattern)
        return tuple(tuple((many or one).split()) for many, one in found)

    @property
    def _axes(self) -> tuple[str, ...]:
        return tuple(axis for group in self._groups for axis in group)

    @property
    def _channel_order(self) -> tuple[int, ...]:
        """Of each of our channels, which of theirs it is."""
        classes = [name for name in self.channels if name.startswith("class ")]
        theirs = [*THEIR_CHANNELS, *classes]
        return tuple(theirs.index(name) for name in self.channels)

    def _in_order(self, raw: Any) -> list[Any]:
        """Their heads in the order of the loss."""
        given = list(raw) if isinstance(raw, list | tuple) else [raw]
        if len(given) != self.head_count:
            shapes = ", ".join(str(tuple(getattr(each, "shape", each))) for each in given)
            raise ValueError(
                f"{self.owner} has {self.head_count} heads, and so must {self.name} predictions; "
                f"received {len(given)}, of shape {shapes}."
            )
        return [given[place] for place in self.heads or range(len(given))]

    def _sizes(self, head: int, shape: tuple[Any, ...]) -> dict[str, int]:
        """{axis: size} of a head of theirs."""
        sizes = {"F": len(self.channels)}
        if self.anchors is not None:
            sizes["A"] = self.anchors[head]
        if self.grids is not None:
            sizes["H"], sizes["W"] = self.grids[head]
        groups = self._groups
        if len(shape) == len(groups) + 1 and None not in shape[1:]:
            for group, size in zip(groups, shape[1:], strict=True):
                unknown = [axis for axis in group if axis not in sizes]
                if len(unknown) == 1:
                    others = math.prod(sizes[axis] for axis in group if axis in sizes)
                    sizes[unknown[0]] = int(size) // others
            fits = all(
                math.prod(sizes[axis] for axis in group) == size
                for group, size in zip(groups, shape[1:], strict=True)
            )
            if fits and min(sizes.values()) > 0:
                return sizes
        raise ValueError(
            f"Head {head} of {self.name} predictions for {self.owner} must be "
            f"{self.shape_words(head)}; received {tuple(shape)}."
        )

    def _our_head(self, head: int, raw: Any) -> tuple[Any, Any]:
        """(B, H, W, A, F) of a head, and the module that rearranges it."""
        raw, xp = rearranging(raw)
        sizes = self._sizes(head, tuple(raw.shape))
        axes = self._axes
        whole = xp.reshape(raw, (_batch(raw.shape), *(sizes[axis] for axis in axes)))
        whole = xp.transpose(whole, (0, *(1 + axes.index(axis) for axis in _OURS)))
        if self.anchor_order is not None:
            whole = reordered(xp, whole, self.anchor_order[head], axis=3)
        return reordered(xp, whole, self._channel_order, axis=4), xp

    def _their_head(self, head: int, output: Any) -> Any:
        """(B, H, W, A * F) of a head as they have it."""
        output, xp = rearranging(output)
        batch, features = _batch(output.shape), len(self.channels)
        rows, columns, channels = output.shape[1:]
        whole = xp.reshape(output, (batch, rows, columns, channels // features, features))
        whole = reordered(xp, whole, inverse(self._channel_order), axis=4)
        if self.anchor_order is not None:
            whole = reordered(xp, whole, inverse(self.anchor_order[head]), axis=3)
        sizes: dict[str, int] = dict(zip(_OURS, whole.shape[1:], strict=True))
        whole = xp.transpose(whole, (0, *(1 + _OURS.index(axis) for axis in self._axes)))
        folded = [math.prod(sizes[axis] for axis in group) for group in self._groups]
        return xp.reshape(whole, (batch, *folded))

    def _our_outputs(self, predictions: Any) -> list[Any]:
        """What `ours` returned, or slots, as one (B, H, W, A * F) a head."""
        given = list(predictions) if isinstance(predictions, list | tuple) else [predictions]
        if len(given) == 1 and len(given[0].shape) == 3:
            given = self._cut(given[0])
        if len(given) != self.head_count:
            raise ValueError(f"{self.owner} has {self.head_count} heads; received {len(given)}.")
        own = dataclasses.replace(self, name="its own", pattern="H W (A F)")
        for head, output in enumerate(given):
            own._sizes(head, tuple(output.shape))
        return given

    def _cut(self, slots: Any) -> list[Any]:
        """(B, P, F) slots as one (B, H, W, A * F) a head."""
        if self.grids is None or self.anchors is None:
            raise ValueError(
                f"All slots of {self.owner} in one array of {tuple(slots.shape)} do not say where "
                "heads end: give grids=[(rows, columns), ...], one pair a head."
            )
        slots, xp = rearranging(slots)
        sizes = [
            rows * columns * count
            for (rows, columns), count in zip(self.grids, self.anchors, strict=True)
        ]
        features = len(self.channels)
        if tuple(slots.shape[1:]) != (sum(sizes), features):
            raise ValueError(
                f"The slots of {self.owner} are (batch, {sum(sizes)}, {features}); received "
                f"{tuple(slots.shape)}."
            )
        outputs, start = [], 0
        for (rows, columns), size in zip(self.grids, sizes, strict=True):
            part = slots[:, start : start + size]
            count = size // (rows * columns)
            outputs.append(xp.reshape(part, (_batch(slots.shape), rows, columns, count * features)))
            start += size
        return outputs


def _check_order(name: str, order: Sequence[int], count: int) -> None:
    if sorted(order) != list(range(count)):
        raise ValueError(f"{name} must hold each of 0 to {count - 1} once; received {list(order)}.")


def _batch(shape: Any) -> int:
    """The first axis; -1 where a symbolic tensor does not know it."""
    return -1 if shape[0] is None else int(shape[0])
