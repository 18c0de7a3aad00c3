"""A loss of one's own held against a published one: on usual predictions, and on further ones.

Further ones are saturated, or lie on a grid that is not square. What shows there alone is told
beside what shows on the usual ones, which the comparison is of.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from yolo_core.compare.own.diagnosis import diagnose, term_gradients
from yolo_core.compare.own.forms.told import Account, Remark
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

_ACTIVATED = "activated first (sigmoid, softmax), which fits yours (--no-activated: raw)"
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
class _Two:
    """Somebody's function and a published loss."""

    function: Callable[[Any, Any], Any]
    name: str
    loss: DetectionLoss
    against: str
    handing: Handing

    def gradient(self, batch: Batch, y_pred: np.ndarray) -> _Gradient:
        """What `own_gradient` gives for the labels of a batch with some predictions."""
        return _Gradient(
            *own_gradient(
                self.function,
                self.name,
                self.loss,
                batch.y_true,
                y_pred,
                self.handing,
                image_shape=batch.images.shape[1:],
            )
        )


class _Gradient(NamedTuple):
    """What a function returned, its gradient (B, P, channels), and the names that were set."""

    total: float
    values: np.ndarray
    set_names: dict[str, str]


@dataclasses.dataclass(frozen=True)
class _Found:
    """What came of one batch, and the values that its sentences are made of."""

    comparison: GradientComparison
    account: Account
    set_names: dict[str, str]


def compare_own(
    function: Callable[[Any, Any], Any],
    name: str,
    loss: DetectionLoss,
    against: str,
    batch: Batch,
    handing: Handing,
    *,
    origin: str,
) -> tuple[GradientComparison, dict[str, str]]:
    """Holds the gradient of a plain Keras loss against that of a published one.

    Args:
        function: (y_true, y_pred) -> a scalar, or numbers whose mean is the loss, as Keras has it.
        name: "FILE.py:NAME" that it was loaded from.
        loss: The published loss.
        against: What the published loss is called.
        batch: What both are given.
        handing: What your function takes.
        origin: Where the predictions of the batch come from, in words.

    Returns:
        The comparison on these predictions, with all that was told of others, and {name of the
        function's file: what it was set to}.

    Raises:
        ValueError: The function fails (the line of its file is named), or returns nothing that
            depends on the predictions.
    """
    two = _Two(function, name, loss, against, handing)
    tried = [origin]
    usual = _compare(two, batch, two.gradient(batch, batch.y_pred))
    if handing.activated is None and not usual.comparison.same:
        activated = dataclasses.replace(two, handing=dataclasses.replace(handing, activated=True))
        gradient = _activated(activated, batch, usual.comparison)
        if gradient is not None:
            two, usual = activated, _compare(activated, batch, gradient)
            tried.append(_ACTIVATED)
    found = usual.comparison
    if not np.isfinite(found.your_gradient).all():
        return dataclasses.replace(found, tried=tuple(tried)), usual.set_names
    told = _on_extremes(two, batch, found)
    # A clip that the published loss has, as Keras's cross-entropy does, is said and no difference.
    further = [each.told for each in told if each.by_yours]
    tried.append("saturated ones")
    tried += [each.told.removesuffix(".") for each in told if not each.by_yours]
    cites = list(found.cites)
    wide = _wider(loss, batch)
    if wide is not None and not any(each in names_around(name) for each in _SQUARE_NAMES):
        wide_loss, wide_batch = wide
        rows, columns, _ = wide_loss.slots(wide_batch.y_pred.shape).grids[0]
        grid = f"on a grid of {rows} rows and {columns} columns"
        try:
            on_wide = dataclasses.replace(two, loss=wide_loss)
            gradient = on_wide.gradient(wide_batch, wide_batch.y_pred)
            beside = _compare(on_wide, wide_batch, gradient, told_already=usual)
        except ValueError:
            tried.append(f"not {grid}: your code fails there")
        else:
            kinds = [_kind_of("classification", each.comparison) for each in (usual, beside)]
            reads = kinds[0] == kinds[1]
            # Where cells lie is nothing to classes: other slots altogether were read there.
            tried.append(f"others {grid}" if reads else f"not {grid}: your code reads it otherwise")
            for remark in _news(beside, usual) if reads else ():
                further.append(f"{grid.capitalize()}: {remark.sentence}")
                cites += remark.cites
    found = dataclasses.replace(
        found,
        diagnosis=(*found.diagnosis, *further),
        cites=tuple(dict.fromkeys(cites)),
        tried=tuple(tried),
    )
    return found, usual.set_names


def _compare(
    two: _Two, batch: Batch, yours: _Gradient, *, told_already: _Found | None = None
) -> _Found:
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
    mine = yours.values
    told = Account()
    is_known = told_already is not None and _kinds(mine, terms) == {
        each.term: each.kind for each in told_already.comparison.measured
    }
    if np.isfinite(mine).all() and not is_known and differing(mine, terms).any():
        # Known slips where they explain all of it, else term by term.
        told = diagnose(loss, against, batch.y_true, batch.y_pred, mine, terms)
        if not told.remarks:
            told = account(loss, snapshot, mine, terms)
    found = compare_gradients(
        yours=short_name(two.name),
        against=against,
        snapshot=snapshot,
        your_gradient=mine,
        term_gradients=terms,
        your_total=yours.total,
        published_total=float(breakdown.total),
        diagnosis=[each.sentence for each in told.remarks],
        cites=[cited for each in told.remarks for cited in each.cites],
        alike=told.alike,
        beyond=told.beyond,
    )
    return _Found(found, told, yours.set_names)


def _kinds(mine: np.ndarray, terms: dict[str, np.ndarray]) -> dict[str, str]:
    return {each.term: each.kind for each in term_factors(*trained(mine, terms))[0]}


def _kind_of(term: str, found: GradientComparison) -> str:
    return next((each.kind for each in found.measured if each.term == term), "")


def _activated(two: _Two, batch: Batch, found: GradientComparison) -> _Gradient | None:
    """The gradient with activated predictions, if more terms are the published ones then."""
    try:
        gradient = two.gradient(batch, batch.y_pred)
    except ValueError:
        return None
    if not np.isfinite(gradient.values).all():
        return None
    right = ("same", "weighted")
    kinds = _kinds(gradient.values, found.term_gradients).values()
    activated = sum(kind in right for kind in kinds)
    finite = np.isfinite(found.your_gradient).all()
    raw = sum(each.kind in right for each in found.measured) if finite else 0
    # Whoever forgets an activation in one term has it in the others, which are lost then.
    return gradient if activated > raw else None


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
        mine = two.gradient(batch, y_pred).values
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


def _news(beside: _Found, usual: _Found) -> list[Remark]:
    """What is told of another batch, and was not told of the usual one."""
    pairs = list(zip(usual.comparison.measured, beside.comparison.measured, strict=True))
    as_before = {one.term for one, other in pairs if one.kind in (other.kind, "left out")}
    news = [
        each
        for each in beside.account.remarks
        if each not in usual.account.remarks
        and each.about != "move"
        and not (each.about == "term" and each.term in as_before)
    ]
    terms = [
        other.term
        for one, other in pairs
        if one.kind in ("same", "weighted") and other.kind in ("other", "partly")
    ]
    if news or not (usual.comparison.same and {"xy", "wh"} & set(terms)):
        return news
    return [
        Remark(
            "the published {terms} is not all in yours, and on a square one it is: rows and "
            "columns, or width and height, are exchanged somewhere, or one of them is taken for "
            "both.",
            {"terms": " and ".join(terms)},
        )
    ]
