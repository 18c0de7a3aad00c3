"""Forms of the box terms: what the numbers of a box are compared with, and how."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np

from yolo_core.compare.own.forms.decoding import as_taken, centres, sizes
from yolo_core.compare.own.forms.evidence import Evidence, Form, Trained
from yolo_core.compare.own.forms.fitting import divisors
from yolo_core.compare.own.forms.functions import ERRORS, Pair, linear
from yolo_core.compare.own.term_factors import TOLERANCE

_SMALLEST = 1e-12


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
        value, slope = each.activation(as_taken(raw, each))
        offset, scale = each.offset[at.slot], each.scale[at.slot]
        turned = ((centre - offset) / scale)[:, ::-1]
        within = ("x and y exchanged in the target, once it is an offset", None, turned)
        for words, fraction, encoded in [*targets, within]:
            target = encoded if fraction is None else (fraction - offset) / scale
            for error, function in ERRORS.items():
                yield Form(
                    {"decoding of x and y": each.mistake, "target": words, "error": error},
                    as_taken(function(value, target)[0] * slope, each),
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
        value, slope = each.activation(as_taken(raw, each))
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
                    as_taken(gradient, each),
                )
