"""A loss of one's own held against a published one: on usual predictions, and on further ones.

Further ones are saturated, or lie on a grid that is not square. What shows there alone is told
beside what shows on the usual ones, which the comparison is of.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from yolo_core.compare.own.diagnosis import diagnose, term_gradients
from yolo_core.compare.own.forms.told import Account
from yolo_core.compare.own.further import CutOff, cut_off, extremes
from yolo_core.compare.own.gradients import GradientComparison, compare_gradients, differing
from yolo_core.compare.own.own_gradient import (
    Handing,
    account,
    breakdown_snapshot,
    own_gradient,
)
from yolo_core.compare.own.pictures import away_from_edges
from yolo_core.compare.own.random_predictions import random_predictions
from yolo_core.compare.own.term_factors import term_factors, trained
from yolo_core.compare.raw_shape import network_output
from yolo_core.losses import DetectionLoss, changed
from yolo_core.training.own_loss import names_around, short_name

# How many terms more must be the published ones before predictions are handed over activated.
_CLEARLY = 2
# Whoever has one of these means a square grid.
_SQUARE_NAMES = ("S", "GRID_SIZE", "grid_size", "CELL_SIZE", "cell_size")
# Cells that a grid that is not square has more in a row than in a column, of its coarsest head.
_WIDER = 2


@dataclasses.dataclass(frozen=True)
class Batch:
    """What both losses are given; as in `breakdown_snapshot`."""

    samples: tuple[str, ...]
    images: np.ndarray
    y_true: np.ndarray
    y_pred: np.ndarray
    class_names: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Compared:
    """What came of it.

    Attributes:
        comparison: On the usual predictions, with all that was told.
        set_names: {name of the function's file: what it was set to}.
        tried: What else it was compared on, and how predictions were handed over, in words.
    """

    comparison: GradientComparison
    set_names: dict[str, str]
    tried: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class _Two:
    """Somebody's function and a published loss."""

    function: Callable[[Any, Any], Any]
    name: str
    loss: DetectionLoss
    against: str
    handing: Handing

    def gradient(
        self, batch: Batch, y_pred: np.ndarray
    ) -> tuple[float, np.ndarray, dict[str, str]]:
        """What `own_gradient` gives for the labels of a batch with some predictions."""
        return own_gradient(
            self.function,
            self.name,
            self.loss,
            batch.y_true,
            y_pred,
            self.handing,
            image_shape=batch.images.shape[1:],
        )


def compare_own(
    function: Callable[[Any, Any], Any],
    name: str,
    loss: DetectionLoss,
    against: str,
    batch: Batch,
    handing: Handing,
) -> Compared:
    """Holds the gradient of a plain Keras loss against that of a published one.

    Args:
        function: (y_true, y_pred) -> a scalar, or numbers whose mean is the loss, as Keras has it.
        name: "FILE.py:NAME" that it was loaded from.
        loss: The published loss.
        against: What the published loss is called.
        batch: What both are given.
        handing: What your function takes.

    Raises:
        ValueError: The function fails (the line of its file is named), or returns nothing that
            depends on the predictions.
    """
    two = _Two(function, name, loss, against, handing)
    tried = []
    found, set_names = _compare(two, batch)
    if handing.activated is None and not found.same and _is_activated(two, batch, found):
        two = dataclasses.replace(two, handing=dataclasses.replace(handing, activated=True))
        found, set_names = _compare(two, batch)
        tried.append("activated first (sigmoid, softmax), which fits yours (--no-activated: raw)")
    if not np.isfinite(found.your_gradient).all():
        return Compared(found, set_names, tuple(tried))
    told = _on_extremes(two, batch, found)
    # A clip that the published loss has, as Keras's cross-entropy does, is said and no difference.
    further = [each.told for each in told if each.by_yours]
    tried.append("saturated ones")
    tried += [each.told.removesuffix(".") for each in told if not each.by_yours]
    wide = _wider(loss, batch)
    if wide is not None and not any(each in names_around(name) for each in _SQUARE_NAMES):
        wide_loss, wide_batch = wide
        rows, columns, _ = wide_loss.slots(wide_batch.y_pred.shape).grids[0]
        grid = f"on a grid of {rows} rows and {columns} columns"
        try:
            beside, _ = _compare(
                dataclasses.replace(two, loss=wide_loss), wide_batch, told_already=found
            )
        except ValueError:
            tried.append(f"not {grid}: your code fails there")
        else:
            reads = _kind_of("classification", found) == _kind_of("classification", beside)
            # Where cells lie is nothing to classes: other slots altogether were read there.
            tried.append(f"others {grid}" if reads else f"not {grid}: your code reads it otherwise")
            further += _news(beside, found, grid.capitalize()) if reads else []
    if further:
        found = _again(found, (*found.diagnosis, *further))
    return Compared(found, set_names, tuple(tried))


def _compare(
    two: _Two, batch: Batch, *, told_already: GradientComparison | None = None
) -> tuple[GradientComparison, dict[str, str]]:
    """One batch; where every term is as it was `told_already`, nothing is looked for again."""
    loss, against = two.loss, two.against
    breakdown, terms = term_gradients(loss, batch.y_true, batch.y_pred)
    snapshot = breakdown_snapshot(
        loss,
        against,
        breakdown,
        samples=batch.samples,
        images=batch.images,
        y_true=batch.y_true,
        y_pred=batch.y_pred,
        class_names=batch.class_names,
    )
    total, your_gradient, set_names = two.gradient(batch, batch.y_pred)
    told = Account()
    is_known = told_already is not None and _kinds(your_gradient, terms) == {
        each.term: each.kind for each in told_already.measured
    }
    finite = np.isfinite(your_gradient).all()
    if finite and not is_known and differing(your_gradient, terms).any():
        # Known slips where they explain all of it, else term by term.
        told = diagnose(loss, against, batch.y_true, batch.y_pred, your_gradient)
        if not told.sentences:
            told = account(loss, snapshot, your_gradient, terms)
    found = compare_gradients(
        yours=short_name(two.name),
        against=against,
        snapshot=snapshot,
        your_gradient=your_gradient,
        term_gradients=terms,
        your_total=total,
        published_total=float(breakdown.total),
        diagnosis=told.sentences,
        alike=told.alike,
        beyond=told.beyond,
    )
    return found, set_names


def _kinds(mine: np.ndarray, terms: dict[str, np.ndarray]) -> dict[str, str]:
    return {each.term: each.kind for each in term_factors(*trained(mine, terms))[0]}


def _kind_of(term: str, found: GradientComparison) -> str:
    return next((each.kind for each in found.measured if each.term == term), "")


def _again(found: GradientComparison, diagnosis: Sequence[str]) -> GradientComparison:
    """The same comparison with more told."""
    return compare_gradients(
        yours=found.yours,
        against=found.against,
        snapshot=found.snapshot,
        your_gradient=found.your_gradient,
        term_gradients=found.term_gradients,
        your_total=found.your_total,
        published_total=found.published_total,
        diagnosis=diagnosis,
        alike=found.alike,
        beyond=found.beyond,
    )


def _is_activated(two: _Two, batch: Batch, found: GradientComparison) -> bool:
    """Whether more terms are the published ones, by far, once predictions are activated."""
    two = dataclasses.replace(two, handing=dataclasses.replace(two.handing, activated=True))
    try:
        _, gradient, _ = two.gradient(batch, batch.y_pred)
    except ValueError:
        return False
    if not np.isfinite(gradient).all():
        return False
    right = ("same", "weighted")
    activated = sum(kind in right for kind in _kinds(gradient, found.term_gradients).values())
    finite = np.isfinite(found.your_gradient).all()
    raw = sum(each.kind in right for each in found.measured) if finite else 0
    return activated >= raw + _CLEARLY


def _on_extremes(two: _Two, batch: Batch, found: GradientComparison) -> list[CutOff]:
    """What shows on saturated predictions."""
    loss, layout = two.loss, found.snapshot.layout
    object_of = np.asarray(found.snapshot.breakdown.assignment.matched_object)
    # Whoever mines takes other slots there: only those with an object are looked at.
    mined = loss.ignore_rule.kind == "hard_negatives"
    looked_at = object_of >= (0 if mined else -1)
    told = []
    for extreme in extremes(loss.channel_names, found.snapshot.y_pred, object_of):
        y_pred = network_output(loss, extreme.slots, layout.grids)
        # Where slots share numbers, what came back is what both get.
        slots = np.asarray(loss.slot_predictions(y_pred))
        _, terms = term_gradients(loss, batch.y_true, y_pred)
        _, mine, _ = two.gradient(batch, y_pred)
        extreme = dataclasses.replace(extreme, slots=slots)
        told.append(cut_off(extreme, mine, terms, found.terms, looked_at, found.term_gradients))
    return [each for each in told if each.told]


def _wider(loss: DetectionLoss, batch: Batch) -> tuple[DetectionLoss, Batch] | None:
    """The same pictures on a grid with more columns than rows; None where they are not square.

    None as well for a loss that is made for its pictures, as one with priors is.
    """
    height, width, channels = batch.images.shape[1:]
    if height != width:
        return None
    grids = loss.slots(batch.y_pred.shape).grids
    rows = min(rows for rows, _, _ in grids)
    wide = width + _WIDER * (width // rows)
    try:
        if loss.get_config().get("grids") is not None:
            cells = [(high, across + _WIDER * high // rows) for high, across, _ in grids]
            loss = changed(loss, {"grids": cells})
        shape = loss.output_shape((height, wide, channels))
        layout = loss.slots((len(batch.samples), *shape))
    except ValueError:
        return None
    y_true = away_from_edges(batch.y_true, layout.grids)
    slots = random_predictions(loss, layout, y_true, seed=1)
    wider = dataclasses.replace(
        batch,
        images=batch.images[:, :, np.arange(wide) * width // wide],
        y_true=y_true,
        y_pred=network_output(loss, slots, layout.grids),
    )
    return loss, wider


def _news(beside: GradientComparison, found: GradientComparison, where: str) -> list[str]:
    """What is told of another batch, and was not told before."""
    pictures = beside.snapshot.samples
    before = {_without_numbers(each) for each in found.diagnosis}
    as_before = tuple(
        f"The term {one.term}"
        for one, other in zip(found.measured, beside.measured, strict=True)
        if one.kind in (other.kind, "left out")
    )
    news = [
        each
        for each in beside.diagnosis
        if _without_numbers(each) not in before
        and not each.startswith(("And ", *as_before, *(f"{name}: " for name in pictures)))
    ]
    if news:
        return [f"{where}: {each}" for each in news]
    terms = [
        other.term
        for one, other in zip(found.measured, beside.measured, strict=True)
        if one.kind in ("same", "weighted") and other.kind in ("other", "partly")
    ]
    if not (found.same and {"xy", "wh"} & set(terms)):
        return []
    return [
        f"{where} the published {' and '.join(terms)} is not all in yours, and on a square one it "
        "is: rows and columns, or width and height, are exchanged somewhere, or one of them is "
        "taken for both."
    ]


def _without_numbers(sentence: str) -> str:
    return re.sub(r"\d[\d.,]*", "#", sentence)
