"""The form, of many, whose numbers a gradient has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from yolo_core.compare.own.forms.evidence import LEAST_NUMBERS, Fit, Form, agrees
from yolo_core.compare.own.term_factors import TOLERANCE

# Numbers that a form must have before all are looked at.
_FIRST = 4
_LEAST_SHARE = 1e-3
_NOTHING = 1e-300
_UNIT = "unit of the target"


def fitting(
    gradient: np.ndarray,
    forms: Iterable[Form],
    *,
    like: Form | None = None,
    scale: np.ndarray | None = None,
    weights: Mapping[str, np.ndarray] | None = None,
    usual: str = "",
    known: Collection[str] = (),
) -> list[Fit]:
    """The forms that are a gradient, those first that say most as the published form does.

    Args:
        gradient: (M, k).
        forms: To try.
        like: The published form, which ends the search; without one the first that fits does.
        scale: As in `agrees`.
        weights: {name: (M,)} of what a factor may depend on: numbers it may be multiplied by, or
            (integers, texts) groups that may each have a factor of their own. Tried where no form
            fits with one factor.
        usual: The one of `weights` that the published term has: groups may stand beside it.
        known: Mistakes that other terms have shown: they count for nothing.
    """
    found, tried = [], []
    # Beside what was subtracted, the numbers that say most.
    size = np.abs(gradient) / (1.0 if scale is None else np.abs(gradient) + scale + _NOTHING)
    first = np.argsort(-size.ravel())[:_FIRST]
    wanted = gradient.ravel()[first]
    allowed = np.full(len(first), 2 * TOLERANCE)
    if scale is not None:
        allowed *= 1 + scale.ravel()[first] / np.maximum(np.abs(wanted), _NOTHING)
    for form in forms:
        if form.gradient.shape != gradient.shape:
            continue
        # A weight beside two other mistakes is not looked for: chance finds one.
        if weights and (like is None or len(form.differences(like)) <= 1):
            tried.append(form)
        if not _near(wanted, form.gradient.ravel()[first], allowed):
            continue
        factor = agrees(gradient, form.gradient, scale)
        if factor is None:
            continue
        found.append(Fit(form, factor))
        # The published form comes before all others that say as much.
        if like is None or not form.differences(like):
            return found[-1:]
    if not found and weights:
        for form in tried:
            fit = _weighted(gradient, form, weights, scale, usual)
            if fit is not None:
                found.append(fit)
    if like is None:
        return found
    # Of two that say as much, a forgotten function is likelier than a wrong unit.
    return sorted(
        found, key=lambda fit: (news(fit.form, like, known), bool(fit.form.said.get(_UNIT)))
    )


def news(form: Form, like: Form, known: Collection[str]) -> int:
    """How much a form has otherwise than the published one, and is not known yet."""
    return sum(form.said[key] not in known for key in form.differences(like))


def share_of(gradient: np.ndarray, one: np.ndarray, other: np.ndarray) -> float | None:
    """Which part `other` has in a gradient that is a mixture of two, up to a factor.

    Args:
        gradient: (M, k).
        one: (M, k), of a target.
        other: (M, k), of another target.

    Returns:
        Above 0 and below 1, in three digits; None where no such mixture has these numbers.
    """
    if not (np.isfinite(one).all() and np.isfinite(other).all()) or gradient.size < LEAST_NUMBERS:
        return None
    pair = np.stack([one.ravel(), other.ravel()], axis=-1)
    parts, *_ = np.linalg.lstsq(pair, gradient.ravel(), rcond=None)
    if not (parts > 0).all():
        return None
    part = float(f"{parts[1] / parts.sum():.3g}")
    return part if _LEAST_SHARE <= part <= 1 - _LEAST_SHARE else None


def divisors(raw: np.ndarray, base: np.ndarray, gradient: np.ndarray) -> list[float]:
    """What a target may have been divided by: numbers v for which raw - base / v is the distance.

    Args:
        raw: (M, k) what is held against the target.
        base: (M, k) the target before it is divided.
        gradient: (M, k), of a square, or of smooth L1.

    Returns:
        In three digits; those that no number speaks for are left out.
    """
    pair = np.stack([raw.ravel(), base.ravel()], axis=-1)
    if not np.isfinite(pair).all() or gradient.size < LEAST_NUMBERS:
        return []
    (slope, other), *_ = np.linalg.lstsq(pair, gradient.ravel(), rcond=None)
    found = [-slope / other] if other else []
    # Smooth L1 pulls with all its force from a distance of 1 on.
    most = np.abs(gradient).max()
    inside = (np.abs(gradient) < (1 - TOLERANCE) * most) & (gradient != 0)
    if inside.sum() >= LEAST_NUMBERS:
        distance = raw[inside] - gradient[inside] / most
        found.append(np.median(base[inside] / np.where(distance == 0, np.nan, distance)))
    # A round number if there is one so near.
    rounded = [(each, float(f"{each:.3g}")) for each in found if each > 0]
    return list(
        dict.fromkeys(
            near if abs(near / each - 1) < TOLERANCE / 4 else float(f"{each:.6g}")
            for each, near in rounded
        )
    )


def _near(wanted: np.ndarray, numbers: np.ndarray, allowed: np.ndarray) -> bool:
    """Whether a few numbers have one ratio, at a glance; `allowed` is how far off each may be."""
    if not np.isfinite(numbers).all() or not numbers.all():
        return False
    ratio = wanted / numbers
    best = int(allowed.argmin())
    if not ratio[best] > 0:
        return False
    return bool((np.abs(ratio / ratio[best] - 1) <= allowed + allowed[best]).all())


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
        if weight.dtype.kind in "iU":
            groups = {g: beside[weight == g] for g in np.unique(weight).tolist()}
            if len(groups) < 2 or len(of_slot) - len(groups) < LEAST_NUMBERS - 1:
                continue
            if all(np.ptp(each) <= 2 * TOLERANCE * each.max() for each in groups.values()):
                by = {
                    g if isinstance(g, str) else f"{name} {g}": float(np.median(each))
                    for g, each in groups.items()
                }
                why = next(
                    (
                        other
                        for other, weight in weights.items()
                        if weight.dtype.kind == "f"
                        and other != usual
                        and np.ptp(beside / weight) <= 2 * TOLERANCE * (beside / weight).max()
                    ),
                    "",
                )
                return Fit(form, float(np.median(of_slot)), name, by, of_slot, why)
            continue
        over = of_slot / weight
        if np.ptp(weight) > 0.01 * weight.max() and np.ptp(over) <= 2 * TOLERANCE * over.max():
            return Fit(form, float(np.median(over)), name, each=of_slot)
    return None
