"""The form, of many, whose numbers a gradient has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from yolo_core.compare.own.forms.evidence import LEAST_NUMBERS, Fit, Form, agrees
from yolo_core.compare.own.term_factors import TOLERANCE

# Numbers that a form must have before all are looked at.
_FIRST = 4


def fitting(
    gradient: np.ndarray,
    forms: Iterable[Form],
    *,
    like: Form | None = None,
    scale: np.ndarray | None = None,
    weights: Mapping[str, np.ndarray] | None = None,
    usual: str = "",
) -> list[Fit]:
    """The forms that are a gradient, those first that say most as the published form does.

    Args:
        gradient: (M, k).
        forms: To try.
        like: The published form.
        scale: As in `agrees`.
        weights: {name: (M,)} of what a factor may depend on: numbers it may be multiplied by, or
            (integers) groups that may each have a factor of their own. Tried where no form fits
            with one factor.
        usual: The one of `weights` that the published term has: groups may stand beside it.
    """
    found, tried = [], []
    first = np.argsort(-np.abs(gradient).ravel())[:_FIRST]
    wanted = gradient.ravel()[first]
    loose = np.inf if scale is None else 0.0
    for form in forms:
        if form.gradient.shape != gradient.shape:
            continue
        if weights:
            tried.append(form)
        if loose and not _near(wanted, form.gradient.ravel()[first]):
            continue
        factor = agrees(gradient, form.gradient, scale)
        if factor is not None:
            found.append(Fit(form, factor))
    if not found and weights:
        for form in tried:
            fit = _weighted(gradient, form, weights, scale, usual)
            if fit is not None:
                found.append(fit)
    return sorted(found, key=lambda fit: _otherwise(fit.form, like))


def _otherwise(form: Form, like: Form | None) -> int:
    """How much a form has otherwise: than the published one, or than nothing said."""
    if like is None:
        return sum(bool(words) for words in form.said.values())
    return len(form.differences(like))


def _near(wanted: np.ndarray, numbers: np.ndarray) -> bool:
    """Whether a few numbers have one ratio, at a glance."""
    if not np.isfinite(numbers).all() or not numbers.all():
        return False
    ratio = wanted / numbers
    return bool(ratio[0] > 0 and np.ptp(ratio) <= 4 * TOLERANCE * np.abs(ratio).max())


def _weighted(
    gradient: np.ndarray,
    form: Form,
    weights: Mapping[str, np.ndarray],
    scale: np.ndarray | None,
    usual: str,
) -> Fit | None:
    """A form whose factor depends on the slot."""
    numbers = form.gradient
    if not np.isfinite(numbers).all() or numbers.size < LEAST_NUMBERS:
        return None
    every = np.arange(len(numbers))
    largest = np.abs(numbers).argmax(axis=-1)
    most = numbers[every, largest]
    if not most.all():
        return None
    of_slot = gradient[every, largest] / most
    if not (of_slot > 0).all():
        return None
    # One factor a slot, whatever it is: else no weight of a slot explains it.
    if agrees(gradient, form.gradient * of_slot[:, None], scale) is None:
        return None
    beside = of_slot / weights.get(usual, 1.0)
    for name, weight in weights.items():
        if np.issubdtype(weight.dtype, np.integer):
            groups = {int(g): beside[weight == g] for g in np.unique(weight)}
            if len(groups) < 2 or len(of_slot) - len(groups) < LEAST_NUMBERS - 1:
                continue
            if all(np.ptp(each) <= 2 * TOLERANCE * each.max() for each in groups.values()):
                by = {f"{name} {g}": float(np.median(each)) for g, each in groups.items()}
                return Fit(form, float(np.median(of_slot)), name, by)
            continue
        over = of_slot / weight
        if np.ptp(weight) > 0.01 * weight.max() and np.ptp(over) <= 2 * TOLERANCE * over.max():
            return Fit(form, float(np.median(over)), name)
    return None
