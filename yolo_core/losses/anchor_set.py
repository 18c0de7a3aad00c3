"""The anchors of several heads, and those of an object's own cells, compared by shape."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from yolo_core.boxes import Tensor, shape_iou
from yolo_core.losses.labels import Labels


@dataclasses.dataclass(frozen=True)
class AnchorSet:
    """The anchors of a network and the heads that use them.

    Attributes:
        sizes: (T, 2) float64. Width and height as image fractions.
        heads: One tuple of rows of `sizes` a head, in the order of the head's channels.
    """

    sizes: np.ndarray
    heads: tuple[tuple[int, ...], ...]

    @property
    def of_heads(self) -> list[np.ndarray]:
        """One (A, 2) array a head."""
        return [self.sizes[list(rows)] for rows in self.heads]


def read_anchors(
    anchors: Any,
    *,
    anchor_mask: Sequence[Sequence[int]] | None = None,
    image_size: int | Sequence[int] | None = None,
) -> AnchorSet:
    """Anchors in the ways that they are published.

    Args:
        anchors: (A, 2) width, height of one head; a sequence of such, one a head; or, with
            `anchor_mask`, the (T, 2) anchors of the whole network.
        anchor_mask: Rows of `anchors` that each head uses. Rows that no head uses are compared,
            too, where one set of anchors is matched as a whole.
        image_size: The pixels that anchors are measured in: of a square, or (height, width). None
            for image fractions; anchors that are all 1 or less are image fractions in any case,
            as no anchor is smaller than a pixel.

    Raises:
        ValueError: Anchors that are not positive pairs, a mask that does not fit, or pixels
            without an image size.
    """
    try:
        nested = np.ndim(anchors[0]) == 2
        parts = [np.asarray(part, np.float64) for part in (anchors if nested else [anchors])]
    except (TypeError, ValueError, IndexError, KeyError):
        parts = []
    good = [part.ndim == 2 and part.shape[1] == 2 and len(part) > 0 for part in parts]
    if not parts or not all(good) or not all((part > 0).all() for part in parts):
        raise ValueError(
            "anchors must be pairs of width and height above zero: (A, 2) for one head, or one "
            f"such list a head; received {anchors!r}."
        )
    sizes = np.concatenate(parts)
    if anchor_mask is not None:
        heads = tuple(tuple(int(row) for row in rows) for rows in anchor_mask)
        used = [row for rows in heads for row in rows]
        if len(set(used)) != len(used) or not all(0 <= row < len(sizes) for row in used):
            raise ValueError(
                f"anchor_mask must name each of the {len(sizes)} anchors once at most, by a row "
                f"from 0 to {len(sizes) - 1}; received {anchor_mask!r}."
            )
        if nested or not heads or not all(heads):
            raise ValueError(
                "anchor_mask goes with one (T, 2) list of anchors, and gives each head one or "
                f"more of them; received anchor_mask={anchor_mask!r} and anchors={anchors!r}."
            )
    else:
        ends = np.cumsum([len(part) for part in parts]).tolist()
        heads = tuple(
            tuple(range(end - len(part), end)) for part, end in zip(parts, ends, strict=True)
        )
    if sizes.max() > 1 and image_size is not None:
        height, width = np.broadcast_to(np.asarray(image_size, np.float64), (2,))
        sizes = sizes / np.asarray([width, height])
    if not np.isfinite(sizes).all() or sizes.max() > 2:
        raise ValueError(
            "anchors must be image fractions, or pixels together with image_size; received "
            f"{anchors!r} with image_size={image_size!r}."
        )
    return AnchorSet(sizes=sizes, heads=heads)


def cell_anchors(
    labels: Labels,
    anchors: AnchorSet,
    grids: Sequence[tuple[int, int, int]],
    cell_of: Callable[[Tensor, int], Tensor],
) -> tuple[Tensor, Tensor]:
    """Every anchor of the network in the cells that own each object, and how well it fits.

    Args:
        labels: The labels of the batch.
        anchors: T anchors.
        grids: (rows, columns, anchors) of each head.
        cell_of: Finds the row or column of centres, as `labels.owning_cell`.

    Returns:
        (B, N, T) int32 slots, -1 for anchors that no head uses, and their (B, N, T) shape IoU.
    """
    slots: list[Tensor] = [ops.full_like(labels.classes, -1)] * len(anchors.sizes)
    start = 0
    for members, (rows, columns, count) in zip(anchors.heads, grids, strict=True):
        row = cell_of(labels.boxes[..., 1], rows)
        column = cell_of(labels.boxes[..., 0], columns)
        for place, anchor in enumerate(members):
            slots[anchor] = start + (row * columns + column) * count + place
        start += rows * columns * count
    sizes = ops.convert_to_tensor(anchors.sizes.astype(np.float32))
    return ops.stack(slots, axis=-1), shape_iou(ops.expand_dims(labels.boxes[..., 2:], 2), sizes)
