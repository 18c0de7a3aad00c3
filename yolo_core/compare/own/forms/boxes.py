"""Forms of the box terms: how a box is decoded, what its numbers are compared with, and how."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np

from yolo_core.compare.own.forms.evidence import Evidence, Form, Trained
from yolo_core.compare.own.forms.fitting import divisors
from yolo_core.compare.own.forms.functions import (
    ERRORS,
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
from yolo_core.compare.own.term_factors import TOLERANCE

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


def _read(numbers: np.ndarray, decoding: Centre | Size) -> np.ndarray:
    """Two numbers as a decoding takes them; a gradient by what it takes, by what there is."""
    return numbers[..., ::-1] if decoding.swapped else numbers


def by_raw(gradient: np.ndarray, centre: Centre, size: Size) -> np.ndarray:
    """(..., 4) by the raw box, of a gradient by the numbers that are decoded."""
    parts = [_read(gradient[..., :2], centre), _read(gradient[..., 2:], size)]
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
    xy, xy_slope = centre.activation(_read(raw[..., :2], centre))
    wh, wh_slope = size.activation(_read(raw[..., 2:], size))
    boxes = np.concatenate(
        [xy * pick(centre.scale) + pick(centre.offset), wh * pick(size.scale)], axis=-1
    )
    slopes = [xy_slope * pick(centre.scale), wh_slope * pick(size.scale)]
    return boxes, np.concatenate(slopes, axis=-1)


def centre_forms(
    evidence: Evidence, at: Trained, numbers: np.ndarray | None = None
) -> Iterator[Form]:
    """Forms of the term of x and y; the gradients are by the raw x and y.

    With (M, 2) `numbers` a variance may be any that they tell.
    """
    raw = at.of(evidence.raw[..., evidence.box_channels[:2]])
    cells, corner = evidence.cells[at.slot], evidence.corner[at.slot]
    centre, size = at.box[:, :2], at.box[:, 2:]
    prior = evidence.layout.prior[at.slot].astype(float)
    words = "the upper left corners of object and prior, and not their centres, as the target"
    of_prior = [(words, centre - size / 2 + prior[:, 2:] / 2, None)] * evidence.has_background
    words = "the target in cells of the grid (the place of its cell is not taken off)"
    in_grid = [] if evidence.has_background else [(words, None, centre * cells)]
    targets = [
        ("", centre, None),
        ("x and y exchanged in the target", centre[:, ::-1], None),
        ("the upper left corner of the object as the target", centre - size / 2, None),
        *of_prior,
        ("the target in fractions of the picture", None, centre),
        *in_grid,
        ("the target in pixels", None, centre * evidence.pixels),
        (
            "the target in fractions of the picture where it is meant in cells",
            None,
            centre - corner,
        ),
        (
            "the target in pixels where it is meant in cells",
            None,
            centre * evidence.pixels - corner,
        ),
        ("the middle of the cell as the target", (corner + 0.5) / cells, None),
    ]
    known = centres(evidence)
    of_centre = evidence.variances[0]
    if numbers is not None and of_centre != 1 and known:
        base = (centre - known[0].offset[at.slot]) / known[0].scale[at.slot] * of_centre
        for variance in divisors(raw, base, numbers):
            words = f"a variance of {variance:.3g} on the offsets of x and y, not {of_centre:g}"
            scale = known[0].scale * variance / of_centre
            known.append(dataclasses.replace(known[0], mistake=words, scale=scale))
    for each in known:
        value, slope = each.activation(_read(raw, each))
        offset, scale = each.offset[at.slot], each.scale[at.slot]
        turned = ((centre - offset) / scale)[:, ::-1]
        within = ("x and y exchanged in the target, once it is an offset", None, turned)
        for words, fraction, encoded in [*targets, within]:
            target = encoded if fraction is None else (fraction - offset) / scale
            for error, function in ERRORS.items():
                yield Form(
                    {"decoding of x and y": each.mistake, "target": words, "error": error},
                    _read(function(value, target)[0] * slope, each),
                )


_ROOTS: dict[str, Callable[[np.ndarray], Pair]] = {
    "": linear,
    "square roots": lambda v: (
        np.sqrt(np.maximum(v, _SMALLEST)),
        0.5 / np.sqrt(np.maximum(v, _SMALLEST)),
    ),
    "logarithms": lambda v: (np.log(np.maximum(v, _SMALLEST)), 1 / np.maximum(v, _SMALLEST)),
}


def size_forms(
    evidence: Evidence, at: Trained, numbers: np.ndarray | None = None
) -> Iterator[Form]:
    """Forms of the term of w and h; the gradients are by the raw w and h.

    With (M, 2) `numbers` a variance may be any that they tell.
    """
    raw = at.of(evidence.raw[..., evidence.box_channels[2:]])
    wanted, exchanged = at.box[:, 2:], at.box[:, :1:-1]
    cells, prior = evidence.cells[at.slot], evidence.layout.prior[at.slot, 2:].astype(float)
    units = {"image": np.ones_like(cells), "cells": cells, "pixels": evidence.pixels + 0 * cells}
    ratio = "image"
    even = {unit for unit, each in units.items() if (each == each.flat[0]).all()} - {"image"}
    if np.isfinite(prior).all():
        units["anchors"], ratio = 1 / prior, "anchors"
    named = {
        "image": "fractions of the picture",
        "cells": "cells",
        "pixels": "pixels",
        "anchors": "anchors",
    }
    of_centre, of_size = evidence.variances
    scales = {"": of_size}
    if of_size != 1:
        scales["no variance on the offsets of w and h"] = 1.0
        scales["the variance of the centre taken for the offsets of w and h"] = of_centre
        base = np.log(wanted / prior)
        for variance in divisors(raw, base, numbers) if numbers is not None else ():
            words = f"a variance of {variance:.3g} on the offsets of w and h, not {of_size:g}"
            if abs(variance / of_size / np.log(2) - 1) < TOLERANCE:
                words += " (as with logarithms to the base 2)"
            scales[words] = variance
    labels = [
        ("", wanted),
        ("width and height exchanged in the target", exchanged),
    ]
    if np.isfinite(prior).all() and (prior[:, 0] != prior[:, 1]).any():
        words = "width and height exchanged in the target, once it is an offset"
        labels.append((words, exchanged / prior[:, ::-1] * prior))
    for each, (words, label), (variance, scale) in itertools.product(
        sizes(evidence), labels, scales.items()
    ):
        value, slope = each.activation(_read(raw, each))
        value, slope = value * each.scale[at.slot], slope * each.scale[at.slot]
        for (mine, mine_unit), (theirs, their_unit) in itertools.product(
            itertools.product(_ROOTS, units), repeat=2
        ):
            if mine_unit != their_unit and mine != theirs:
                continue
            if mine != theirs and mine and theirs:
                continue  # nobody holds logarithms against roots
            if variance and "logarithms" not in (mine, theirs):
                continue
            if "logarithms" in (mine, theirs):
                # The unit cancels out, or a logarithm is held against a ratio to the anchor.
                same = mine == theirs and mine_unit == their_unit != ratio
                if same or (mine != theirs and mine_unit != ratio):
                    continue
            outer, outer_slope = _ROOTS[mine](value * units[mine_unit])
            target = _ROOTS[theirs](label * units[their_unit])[0]
            if "logarithms" in (mine, theirs):
                # Offsets of SSD are logarithms over their variance, which smooth L1 feels.
                outer, outer_slope, target = outer / of_size, outer_slope / of_size, target / scale
            unit = "" if mine_unit == their_unit else f"{named[their_unit]} for {named[mine_unit]}"
            compared = {"compared as": mine or "sizes"}
            if mine != theirs:
                forgotten = (mine or "size") + " of the prediction"
                compared = {"compared as": f"the {forgotten} with the {theirs or 'size'} wanted"}
            for error, function in ERRORS.items():
                alike = mine_unit in even and error == "the square"
                if unit == "" and alike:
                    continue  # that of fractions times a number
                measured = named["image" if alike else mine_unit]
                if "logarithms" in (mine, theirs):
                    measured = ""
                gradient = function(outer, target)[0] * outer_slope * slope * units[mine_unit]
                yield Form(
                    {
                        "decoding of w and h": each.mistake,
                        "target": words,
                        "unit of the target": unit,
                        "variance": variance,
                        **compared,
                        "measured in": measured,
                        "error": error,
                    },
                    _read(gradient, each),
                )
