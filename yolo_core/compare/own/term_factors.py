"""By which factor each term of a published loss is found in another gradient.

The gradient of a loss is the sum of the gradients of its terms, and one channel may get more than
one (a box is moved by its own terms, and by the IoU that its objectness is trained towards). So a
factor is looked for term by term, first where a term stands alone.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping

import numpy as np

TOLERANCE = 1e-3
"""Relative difference up to which two numbers agree."""
# What is rounding and no number: of the largest of a channel, and of the whole gradient.
NOTHING_OF_CHANNEL = 1e-6
NOTHING = 1e-9
# A difference that float32 makes where two large numbers cancel, of the largest of a channel.
CANCELLED = 1e-5


@dataclasses.dataclass(frozen=True)
class TermFactor:
    """One term of the published loss in your gradient.

    Attributes:
        term: Name of the term.
        entries: Numbers of the gradient that it makes alone, or with terms whose factor is known.
        agree: How many of them yours agrees with, given the factor.
        factor: Yours over the published one; 0 where your loss leaves the term out; None where
            there is no factor that most of the numbers agree with.
        more: Numbers that your loss trains where the term would and the published loss does not.
    """

    term: str
    entries: int
    agree: int
    factor: float | None
    more: int = 0

    @property
    def kind(self) -> str:
        """What became of the term: "same", "weighted", "partly", "left out" or "other"."""
        if self.factor is None:
            return "other"
        if self.agree < self.entries or self.more:
            return "partly"
        if self.factor == 0:
            return "left out"
        return "same" if abs(self.factor - 1) <= TOLERANCE else "weighted"


def summed(terms: Mapping[str, np.ndarray]) -> np.ndarray:
    """The gradient of a loss out of those of its terms, of which there is one at least."""
    return functools.reduce(np.add, terms.values())


def trained(
    mine: np.ndarray, terms: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Two gradients with what is only rounding set to zero.

    A number is zero where it is rounding in both gradients, or where it is and next to nothing
    beside the other's: judged by itself, a small number that is there in both would be zero in
    the one with the smaller weight only, and a weight look like a slot that is left alone.

    Args:
        mine: (B, P, channels).
        terms: {term: (B, P, channels)} of the published loss; their sum is its gradient.

    Returns:
        Both as float64.
    """
    mine = np.asarray(mine, np.float64)
    terms = {name: np.asarray(gradient, np.float64) for name, gradient in terms.items()}
    size = _size(mine)
    sizes = {name: _size(gradient) for name, gradient in terms.items()}
    published = _size(summed(terms))
    small = size <= _floor(size)
    small_terms = {name: each <= _floor(each) for name, each in sizes.items()}
    nothing = small & np.all(list(small_terms.values()), axis=0)
    # A loss that is smaller throughout leaves nothing alone.
    largest, other = size.max(initial=0.0), published.max(initial=0.0)
    ratio = largest / other if largest and other else 1.0
    beside = NOTHING_OF_CHANNEL * min(1.0, ratio) * published
    mine = np.where(np.isfinite(mine) & (nothing | (small & (size <= beside))), 0.0, mine)
    beside = NOTHING_OF_CHANNEL * np.maximum(published, min(1.0, 1 / ratio) * size)
    cleaned = {
        name: np.where(nothing | (small_terms[name] & (sizes[name] <= beside)), 0.0, gradient)
        for name, gradient in terms.items()
    }
    return mine, cleaned


def _size(gradient: np.ndarray) -> np.ndarray:
    return np.abs(np.where(np.isfinite(gradient), gradient, 0.0))


def _floor(size: np.ndarray) -> np.ndarray:
    """(channels,) what may be rounding in a gradient of these sizes."""
    return np.maximum(
        NOTHING_OF_CHANNEL * size.max(axis=(0, 1), initial=0.0), NOTHING * size.max(initial=0.0)
    )


def relative_difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How far apart numbers are, (..., channels) like both.

    Returns:
        0 where they are equal up to rounding, 1 where one of them is zero, 2 where they are
        opposite or one of them is no finite number.
    """
    scale = np.maximum(np.abs(one), np.abs(other))
    finite = np.isfinite(scale)
    with np.errstate(invalid="ignore"):
        distance = np.abs(one - other)
        relative = distance / np.where(scale > 0, scale, 1.0)
    largest = np.abs(np.where(finite, other, 0.0)).max(axis=tuple(range(other.ndim - 1)), initial=0)
    # Where one of them is zero there is nothing to cancel.
    rounding = (distance <= CANCELLED * largest) & (one != 0) & (other != 0)
    return np.where(finite, np.where(rounding, 0.0, relative), 2.0)


def median_ratio(one: np.ndarray, other: np.ndarray) -> float | None:
    """The median of one over the other, where both are numbers other than zero; None if nowhere."""
    both = (one != 0) & (other != 0) & np.isfinite(one) & np.isfinite(other)
    return float(np.median(one[both] / other[both])) if both.any() else None


def term_factors(
    mine: np.ndarray, terms: Mapping[str, np.ndarray]
) -> tuple[list[TermFactor], np.ndarray]:
    """Finds each term of a published loss in another gradient.

    Args:
        mine: (B, P, channels) from `trained`.
        terms: {term: (B, P, channels)} likewise; their sum is the published gradient.

    Returns:
        One entry a term, in their order, and (B, P, channels): what `mine` would be with these
        factors. Terms without a factor are in it with the median one over everything.
    """
    overall = median_ratio(mine, summed(terms))
    fallback = overall if overall is not None and overall > 0 else 1.0
    expected = np.zeros_like(mine)
    accepted = [1.0, fallback]
    found: dict[str, TermFactor] = {}
    more = _more(mine, terms)
    put_off: set[str] = set()
    while len(found) < len(terms):
        left = {name: g for name, g in terms.items() if name not in found}
        term, where = _most_alone({n: g for n, g in left.items() if n not in put_off} or left)
        gradient, entries = terms[term], int(where.sum())
        residual = np.where(where, mine - expected, 0.0)
        # Where your gradient is zero the factor is zero, and no factor that counts.
        residual = np.where(mine == 0, 0.0, residual)
        factor = float(np.median(residual[where] / gradient[where])) if entries else 0.0
        agree = 0
        if math.isfinite(factor) and factor > 0:
            relative = relative_difference(mine, expected + factor * gradient)
            agree = int((relative[where] <= TOLERANCE).sum())
        # A single number has a factor of its own whatever the two losses are.
        known = any(math.isclose(factor, each, rel_tol=TOLERANCE) for each in accepted)
        nothing = (np.abs(residual[where]) <= TOLERANCE * np.abs(mine[where])).all()
        few = 2 * entries < int((gradient != 0).sum())
        if entries and nothing and few and term not in put_off:
            # Where it stands alone another formula may have no gradient either: the others first.
            put_off.add(term)
        elif entries and nothing and not more[term]:
            found[term] = TermFactor(term, entries, entries, 0.0)
        elif 2 * agree >= entries > 0 and (agree > 1 or known):
            found[term] = TermFactor(term, entries, agree, factor, more[term])
            accepted.append(factor)
            expected = expected + factor * gradient
        else:
            found[term] = TermFactor(term, entries, agree, None, more[term])
            expected = expected + fallback * gradient
    return [found[term] for term in terms], expected


def _more(mine: np.ndarray, terms: Mapping[str, np.ndarray]) -> dict[str, int]:
    """{term: numbers trained by yours alone, in the channels and on such slots as the term has}.

    Where two terms have one channel, one of them has the slots with a box and the other has not.
    """
    touched = {name: gradient != 0 for name, gradient in terms.items()}
    alone = (mine != 0) & ~np.any(list(touched.values()), axis=0)
    channels = {name: where.any(axis=(0, 1)) for name, where in touched.items()}
    rivals = np.sum(list(channels.values()), axis=0)
    several = np.sum([where.any(axis=-1) for where in touched.values()], axis=0) > 1  # (B, P)
    found = {}
    for name, where in touched.items():
        only = channels[name] & (rivals == 1)
        on = where.any(axis=-1)
        # Of a channel that others have as well: on slots of the kind that this term is on.
        is_of_objects = bool(on.any() and several[on].mean() > 0.5)
        shared = channels[name] & (rivals > 1) & ~only
        same_kind = several == is_of_objects
        count = (alone & only).sum() + (alone & shared & same_kind[..., None]).sum()
        found[name] = int(count)
    return found


def _most_alone(terms: Mapping[str, np.ndarray]) -> tuple[str, np.ndarray]:
    """The term that is least mixed with others, and (B, P, channels) where it stands alone."""
    touched = {name: gradient != 0 for name, gradient in terms.items()}
    together = np.sum(list(touched.values()), axis=0)
    alone = {name: where & (together == 1) for name, where in touched.items()}

    def share(name: str) -> float:
        return alone[name].sum() / max(int(touched[name].sum()), 1)

    best = max(terms, key=share)
    # Terms that never stand alone are told apart no further.
    return best, alone[best] if alone[best].any() else touched[best]
