"""Where every slot sits: the one axis of P slots, and how to find a slot on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class SlotLayout:
    """Head, row, column, anchor, cell size and prior box of each of the P slots of a network.

    Slots are laid out head after head; inside a head row by row, cell by cell, anchor by anchor.

    Attributes:
        grids: One (rows, columns, anchors) triple a head.
        head: (P,) int32.
        row: (P,) int32. Grid row, 0 at the top.
        column: (P,) int32. Grid column, 0 at the left.
        anchor: (P,) int32. Index of the anchor (or predictor) inside its cell.
        stride: (P, 2) float32. Width and height of the slot's grid cell, as image fractions.
        prior: (P, 4) float32. The slot's prior box, x_center, y_center, width, height as image
            fractions; NaN for losses without priors.
    """

    grids: tuple[tuple[int, int, int], ...]
    head: np.ndarray
    row: np.ndarray
    column: np.ndarray
    anchor: np.ndarray
    stride: np.ndarray
    prior: np.ndarray

    @classmethod
    def from_grids(
        cls,
        grids: Sequence[tuple[int, int, int]],
        anchors: Sequence[np.ndarray | None] | None = None,
    ) -> SlotLayout:
        """Lays out grids, with priors centred on their cells.

        Args:
            grids: One (rows, columns, anchors) triple a head.
            anchors: One (A, 2) array of width, height as image fractions a head, or None for a
                head without priors.

        Raises:
            ValueError: An anchor array does not have one row an anchor of its head.
        """
        anchors = anchors if anchors is not None else [None] * len(grids)
        columns: dict[str, list[np.ndarray]] = {
            name: [] for name in ("head", "row", "column", "anchor", "stride", "prior")
        }
        for head, ((height, width, count), shapes) in enumerate(zip(grids, anchors, strict=True)):
            row, column, anchor = (
                index.reshape(-1).astype(np.int32)
                for index in np.meshgrid(
                    np.arange(height), np.arange(width), np.arange(count), indexing="ij"
                )
            )
            prior = np.full((row.size, 4), np.nan, np.float32)
            if shapes is not None:
                shapes = np.asarray(shapes, np.float32)
                if shapes.shape != (count, 2):
                    raise ValueError(
                        f"Head {head} has {count} anchors a cell, so its anchors must be a "
                        f"({count}, 2) array of width, height; received shape {shapes.shape}."
                    )
                prior[:, 0] = (column + 0.5) / width
                prior[:, 1] = (row + 0.5) / height
                prior[:, 2:] = shapes[anchor]
            columns["head"].append(np.full(row.size, head, np.int32))
            columns["row"].append(row)
            columns["column"].append(column)
            columns["anchor"].append(anchor)
            columns["stride"].append(
                np.tile(np.asarray([[1 / width, 1 / height]], np.float32), (row.size, 1))
            )
            columns["prior"].append(prior)
        return cls(
            grids=tuple((int(h), int(w), int(a)) for h, w, a in grids),
            **{name: np.concatenate(parts) for name, parts in columns.items()},
        )

    @property
    def count(self) -> int:
        """P, the number of slots."""
        return self.head.size

    @property
    def has_priors(self) -> bool:
        """Whether the slots have prior boxes (anchors), or are told apart by prediction alone."""
        return not bool(np.isnan(self.prior).any())

    def index(self, head: int, row: int, column: int, anchor: int) -> int:
        """The slot at that place.

        Raises:
            ValueError: There is no such place; the message says what the range is.
        """
        if not 0 <= head < len(self.grids):
            raise ValueError(f"head must be 0 to {len(self.grids) - 1}; received {head}.")
        height, width, count = self.grids[head]
        for name, value, size in (
            ("row", row, height),
            ("column", column, width),
            ("anchor", anchor, count),
        ):
            if not 0 <= value < size:
                raise ValueError(
                    f"{name} must be 0 to {size - 1} on head {head}; received {value}."
                )
        start = sum(h * w * a for h, w, a in self.grids[:head])
        return start + (row * width + column) * count + anchor

    def cell_slots(self, head: int, row: int, column: int) -> np.ndarray:
        """(A,) int: the slots of one grid cell, anchor by anchor."""
        first = self.index(head, row, column, 0)
        return np.arange(first, first + self.grids[head][2])

    def on_grid(self, head: int, values: np.ndarray) -> np.ndarray:
        """Cuts (..., P) values to one head and folds them to (..., rows, columns, anchors)."""
        height, width, count = self.grids[head]
        start = self.index(head, 0, 0, 0)
        part = np.asarray(values)[..., start : start + height * width * count]
        return part.reshape(*part.shape[:-1], height, width, count)
