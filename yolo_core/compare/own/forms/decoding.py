"""How boxes are decoded: as published, and with the mistakes that people make in it."""

from __future__ import annotations

import dataclasses

import numpy as np

from yolo_core.compare.own.forms.evidence import Evidence, Trained
from yolo_core.compare.own.forms.functions import (
    NUMBERS,
    Activation,
    Pair,
    exponential,
    linear,
    sigmoid,
    square_of_sigmoid,
    twice,
    wide_square,
)

_SMALLEST = 1e-12


@dataclasses.dataclass(frozen=True)
class Centre:
    """How x and y are decoded: the activation times `scale` plus `offset`, in image fractions.

    Attributes:
        mistake: What it does otherwise than the published loss; "" for nothing.
        said: Name of the activation.
        activation: Of the raw number.
        scale: (P, 2).
        offset: (P, 2).
        swapped: The raw number of x is read for y, and that of y for x.
    """

    mistake: str
    said: str
    activation: Activation
    scale: np.ndarray
    offset: np.ndarray
    swapped: bool = False


@dataclasses.dataclass(frozen=True)
class Size:
    """How w and h are decoded: the activation times `scale`, in image fractions."""

    mistake: str
    activation: Activation
    scale: np.ndarray
    swapped: bool = False


def _times(activation: Activation, factor: float) -> Activation:
    def scaled(raw: np.ndarray) -> Pair:
        value, slope = activation(factor * raw)
        return value, factor * slope

    return scaled


def centres(evidence: Evidence) -> list[Centre]:
    """The published decoding of x and y first, then the mistakes that people make in it."""
    found = _centres(evidence)
    words = "the raw numbers of x and y exchanged"
    return found + [dataclasses.replace(each, mistake=words, swapped=True) for each in found[:1]]


def sizes(evidence: Evidence) -> list[Size]:
    """The published decoding of w and h first, then the mistakes that people make in it."""
    found = _sizes(evidence)
    words = "the raw numbers of w and h exchanged"
    return found + [dataclasses.replace(each, mistake=words, swapped=True) for each in found[:1]]


def _centres(evidence: Evidence) -> list[Centre]:
    cells, corner, prior = evidence.cells, evidence.corner, evidence.layout.prior.astype(float)
    own, one, none = 1 / cells, np.ones_like(cells), np.zeros_like(cells)
    xy = evidence.boxes[..., :2]
    raw = evidence.raw[..., evidence.box_channels[:2]]
    of_centre, of_size = evidence.variances

    def is_published(activation: Activation, scale: np.ndarray, offset: np.ndarray) -> bool:
        return np.allclose(activation(raw)[0] * scale + offset, xy, rtol=1e-3, atol=1e-4)

    for said, activation in NUMBERS.items():
        if is_published(activation, own, corner * own):
            found = [Centre("", said, activation, own, corner * own)]
            found += [
                Centre(words, said, activation, own, offset)
                for words, offset in (
                    ("the row added to x and the column to y", corner[:, ::-1] * own),
                    ("no place of the cell added to x and y", none),
                    ("the place of the cell added twice to x and y", 2 * corner * own),
                )
            ]
            if (cells[:, 0] != cells[:, 1]).any():
                for words, which in (
                    ("rows and columns of the grid exchanged", [1, 0]),
                    ("rows of the grid taken for its columns too", [1, 1]),
                    ("columns of the grid taken for its rows too", [0, 0]),
                ):
                    turned = 1 / cells[:, which]
                    words += " where x and y are divided by them"
                    found.append(Centre(words, said, activation, turned, corner * turned))
                number = corner[:, 1] * cells[:, 0] + corner[:, 0]
                split = np.stack([number % cells[:, 1], number // cells[:, 1]], axis=-1)
                words = "rows taken for columns where cells are counted one after the other"
                found.append(Centre(words, said, activation, own, split * own))
            return [*found, *_other_activations(found[0])]
        if is_published(activation, one, none):
            found = [Centre("", said, activation, one, none)]
            return [*found, *_other_activations(found[0])]
    size = prior[:, 2:]
    if is_published(linear, of_centre * size, prior[:, :2]):
        found = [Centre("", "no activation", linear, of_centre * size, prior[:, :2])]
        scales = [
            ("the size of the prior not in the offsets of x and y", of_centre * one),
            ("width and height of the prior exchanged in x and y", of_centre * size[:, ::-1]),
        ]
        if of_centre != 1:
            scales.append(("no variance on the offsets of x and y", size))
        if of_centre != of_size:
            words = "the variance of the size taken for the offsets of x and y"
            scales.append((words, of_size * size))
        return found + [
            Centre(words, "no activation", linear, scale, prior[:, :2]) for words, scale in scales
        ]
    return []


def _other_activations(base: Centre) -> list[Centre]:
    return [
        Centre(f"{said} on x and y", said, activation, base.scale, base.offset)
        for said, activation in NUMBERS.items()
        if said != base.said
    ]


def _sizes(evidence: Evidence) -> list[Size]:
    cells, prior = evidence.cells, evidence.layout.prior[:, 2:].astype(float)
    one = np.ones_like(cells)
    raw = evidence.raw[..., evidence.box_channels[2:]]
    wh = evidence.boxes[..., 2:]
    of_size = evidence.variances[1]
    kinds: list[tuple[str, Activation, np.ndarray]] = [
        ("exp", _times(exponential, of_size), prior),
        ("square", square_of_sigmoid, one),
        ("sigmoid", sigmoid, one),
        ("wide", wide_square, prior),
    ]
    published = [
        each
        for each in kinds
        if np.isfinite(each[2]).all()
        and np.allclose(each[1](raw)[0] * each[2], wh, rtol=1e-3, atol=1e-4)
    ]
    if not published:
        return []
    kind, activation, scale = published[0]
    found = [Size("", activation, scale)]
    if kind == "square":
        return [*found, Size("no square on the root of w and h", sigmoid, one)]
    if kind == "sigmoid":
        return [*found, Size("no sigmoid on w and h", linear, one)]
    if kind == "exp":
        found.append(Size("no exp on w and h", linear, scale))
        found.append(Size("a sigmoid in place of the exp of w and h", sigmoid, scale))
        found.append(Size("the exp taken twice of w and h", twice(exponential, exponential), scale))
    found.append(Size("width and height of the anchors exchanged", activation, prior[:, ::-1]))
    found.append(Size("w and h not multiplied by the anchors", activation, 1 / cells))
    if not (prior == 1 / cells).all():
        words = "w and h not multiplied by the anchors (taken as parts of the picture)"
        found.append(Size(words, activation, one))
    cell = evidence.pixels / cells
    shown = f"{cell[0, 0]:g}" if (cell == cell[0, 0]).all() else "a cell's pixels"
    found += [
        Size(f"the anchors {shown} x too large, pixels for cells", activation, prior * cell),
        Size(f"the anchors divided by {shown}, a scale too much", activation, prior / cell),
        Size(
            "the anchors too small, fractions of the picture for cells", activation, prior / cells
        ),
        Size(
            "the anchors too large, cells for fractions of the picture", activation, prior * cells
        ),
        Size(
            "the anchors too large, pixels for fractions of the picture",
            activation,
            prior * evidence.pixels,
        ),
    ]
    layout = evidence.layout
    of_head = [prior[layout.head == head] for head in range(len(layout.grids))]
    counts = [count for *_, count in layout.grids]
    if len(counts) > 1 and len(set(counts)) == 1:
        places = zip(layout.head.tolist(), layout.anchor.tolist(), strict=True)
        swapped = np.stack([of_head[-1 - head][anchor] for head, anchor in places])
        found.append(Size("the heads with each other's anchors", activation, swapped))
    if counts[:1] != [1]:
        flipped = [
            sizes.reshape(-1, count, 2)[:, ::-1].reshape(-1, 2)
            for sizes, count in zip(of_head, counts, strict=True)
        ]
        found.append(Size("the anchors in the reverse order", activation, np.concatenate(flipped)))
        mixed = [
            np.tile(sizes[:count].reshape(2, count).T, (len(sizes) // count, 1))
            for sizes, count in zip(of_head, counts, strict=True)
        ]
        words = "widths and heights of the anchors mixed up (their list reshaped in another order)"
        found.append(Size(words, activation, np.concatenate(mixed)))
    return found


def as_taken(numbers: np.ndarray, decoding: Centre | Size) -> np.ndarray:
    """Two numbers as a decoding takes them; a gradient by what it takes, by what there is."""
    return numbers[..., ::-1] if decoding.swapped else numbers


def by_raw(gradient: np.ndarray, centre: Centre, size: Size) -> np.ndarray:
    """(..., 4) by the raw box, of a gradient by the numbers that are decoded."""
    parts = [as_taken(gradient[..., :2], centre), as_taken(gradient[..., 2:], size)]
    return np.concatenate(parts, axis=-1)


def decode(
    evidence: Evidence, centre: Centre, size: Size, at: Trained | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes in image fractions, and the slope of each of their numbers by the one it is made of.

    Returns:
        Twice (M, 4) of the slots, or (B, P, 4) of all.
    """
    raw = evidence.raw[..., evidence.box_channels]
    pick = (lambda per_slot: per_slot) if at is None else (lambda per_slot: per_slot[at.slot])
    raw = raw if at is None else at.of(raw)
    xy, xy_slope = centre.activation(as_taken(raw[..., :2], centre))
    wh, wh_slope = size.activation(as_taken(raw[..., 2:], size))
    boxes = np.concatenate(
        [xy * pick(centre.scale) + pick(centre.offset), wh * pick(size.scale)], axis=-1
    )
    slopes = [xy_slope * pick(centre.scale), wh_slope * pick(size.scale)]
    return boxes, np.concatenate(slopes, axis=-1)
