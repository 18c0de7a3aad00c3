"""What shows on other predictions only: saturated ones, where a clip cuts a gradient off.

Only terms whose weight in yours is known are looked at, each in the channels that are made extreme:
so a clip is told beside whatever else is wrong, and hides none of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from yolo_core.compare.own.term_factors import NOTHING_OF_CHANNEL, TermFactor

# Sizes of raw numbers: a sigmoid of these is 0.1 and 1e-15, and none is near 1e-7, where a usual
# clip begins.
_LADDER = (2, 4, 6, 8, 10, 12, 14, 15, 17, 19, 21, 24, 28, 33)
_SIZES = (1, 2, 3, 4, 5, 6, 7, 8)
_SPREAD = 0.3
# Sigmoids that are nearly 1 are rounded: beside that a clip is far off.
_FAR_OFF = 0.02
# Of the largest number of a channel: what is smaller counts for nothing.
_LEAST = 1e-3
_GOES_ON = 0.1
_FEWEST = 3


@dataclasses.dataclass(frozen=True)
class Extreme:
    """Predictions with some channels far out.

    Attributes:
        what: The channels in words.
        channels: Their indices.
        slots: (B, P, channels) raw predictions.
    """

    what: str
    channels: tuple[int, ...]
    slots: np.ndarray


def extremes(
    names: Sequence[str], slots: np.ndarray, object_of: np.ndarray, *, seed: int = 0
) -> list[Extreme]:
    """Confidences, class scores, and sizes of boxes that have an object, each far out by itself.

    Args:
        names: Names of the channels.
        slots: (B, P, channels) raw predictions.
        object_of: (B, P) the object of each slot, -1 where none.
        seed: Of the numbers.
    """
    rng = np.random.default_rng(seed)
    parts = {
        "confidence": [k for k, name in enumerate(names) if name == "objectness"],
        "class scores": [
            k for k, name in enumerate(names) if name.startswith("class ") or name == "background"
        ],
        "w and h": [k for k, name in enumerate(names) if name in ("w", "h")],
    }
    found = []
    for what, channels in parts.items():
        if not channels:
            continue
        steps = _SIZES if what == "w and h" else _LADDER
        shape = (*slots.shape[:2], len(channels))
        size = rng.choice(steps, shape) + rng.uniform(-_SPREAD, _SPREAD, shape)
        far = size * rng.choice((-1.0, 1.0), shape)
        made = slots.copy()
        if what == "w and h":
            far = np.where((object_of >= 0)[..., None], far, slots[..., channels])
        made[..., channels] = far
        found.append(Extreme(what, tuple(channels), made.astype(np.float32)))
    return found


class CutOff(NamedTuple):
    """What is cut off, in a sentence, "" for nothing; and whether yours does it, not the other."""

    told: str = ""
    by_yours: bool = True


def cut_off(
    extreme: Extreme,
    mine: np.ndarray,
    terms: Mapping[str, np.ndarray],
    factors: Sequence[TermFactor],
    looked_at: np.ndarray,
    usual: Mapping[str, np.ndarray],
) -> CutOff:
    """What is cut off of such predictions by one of the two losses, if anything.

    Args:
        extreme: The predictions, as both losses got them.
        mine: (B, P, channels) your gradient there.
        terms: {term: (B, P, channels)} of the published loss there.
        factors: What became of each term on usual predictions.
        looked_at: (B, P) bool, the slots to look at.
        usual: {term: (B, P, channels)} of the published loss on usual predictions.
    """
    known = {each.term: each.factor for each in factors if each.kind in ("same", "weighted")}
    at = list(extreme.channels)
    expected = np.zeros(mine[..., at].shape)
    open_ = np.repeat(looked_at[..., None], len(at), axis=-1)
    for term, gradient in terms.items():
        part = np.asarray(gradient, np.float64)[..., at]
        if term in known:
            expected += (known[term] or 0.0) * part
        else:
            # Saturated, the published term may have no gradient where yours has one.
            open_ &= (part == 0) & (usual[term][..., at] == 0)
    told = [term for term in known if terms[term][..., at].any()]
    if not told:
        return CutOff()
    raw, got = extreme.slots[..., at].astype(np.float64), np.asarray(mine, np.float64)[..., at]
    where = open_ & (np.abs(expected) > _LEAST * np.abs(expected).max(initial=0.0))
    of = f"{' and '.join(told)} ({extreme.what})"
    broken = open_ & ~np.isfinite(got)
    if broken.any():
        return CutOff(
            f"On saturated predictions the gradient of {of} is no finite number in "
            f"{int(broken.sum())} places, from raw numbers of {np.abs(raw[broken]).min():.3g} on: "
            "a sigmoid or softmax has become 0 or 1 there, and its logarithm or a division is not "
            "kept from it."
        )
    ratio = np.where(where, got / np.where(where, expected, 1.0), 1.0)
    off = where & (np.abs(ratio - 1) > _FAR_OFF)
    if off.sum() < _FEWEST:
        goes_on = _goes_on(of, expected, got, open_ & _any_of(known, usual, at))
        return CutOff(goes_on, by_yours=False)
    if extreme.what == "w and h":
        stopped = off & (np.abs(ratio) < _FAR_OFF)
        if 2 * stopped.sum() < off.sum():
            return CutOff()
        return CutOff(
            f"On large numbers {of} stops: raw w and h from about {np.abs(raw[stopped]).min():.2g} "
            "on are not trained (a clip before the exp, or of the box), and in the published loss "
            "they are."
        )
    return CutOff(_clip(of, raw, expected, ratio, where, off))


def _any_of(known: Collection[str], terms: Mapping[str, np.ndarray], at: list[int]) -> np.ndarray:
    """(B, P, k) bool: where one of these terms has a gradient."""
    return np.any([terms[term][..., at] != 0 for term in known], axis=0)


def _goes_on(of: str, expected: np.ndarray, got: np.ndarray, trained: np.ndarray) -> str:
    """Whether yours trains what a clip of the published loss cuts off."""
    most = np.abs(expected).max(initial=0.0)
    nothing = np.abs(expected) <= NOTHING_OF_CHANNEL * most
    if (trained & nothing & (np.abs(got) > _GOES_ON * most)).sum() < _FEWEST:
        return ""
    return (
        f"On saturated predictions the published loss cuts {of} off (a clip of its probabilities), "
        "and yours goes on."
    )


def _clip(
    of: str,
    raw: np.ndarray,
    expected: np.ndarray,
    ratio: np.ndarray,
    where: np.ndarray,
    off: np.ndarray,
) -> str:
    """Which probability is cut off."""
    every_stop = off & (np.abs(ratio) < _FAR_OFF)
    # A sigmoid near 1 is rounded to it: what is near 0 tells more.
    for probability, side in (
        (each, side) for each in _probabilities(raw, expected) for side in (raw == raw, raw < 0)
    ):
        stopped, kept = every_stop & side, where & ~off & side
        weak = off & side & ~stopped & (ratio > 0) & (ratio < 1)
        if weak.sum() >= _FEWEST:
            # Inside a logarithm: log(p + e) pulls p / (p + e) as hard.
            added = probability[weak] * (1 / ratio[weak] - 1)
            if np.percentile(added, 90) < 1.3 * np.percentile(added, 10):
                return (
                    f"On saturated predictions {of} is trained less: about "
                    f"{float(np.median(added)):.1g} is added to a probability inside the "
                    "logarithm, and in the published loss it is not."
                )
        if weak.any() or stopped.sum() < _FEWEST or not kept.any():
            continue
        low, high = probability[stopped].max(), probability[kept].min()
        if low < high:
            near = f"{_power_between(low, high):.1g}"
            return (
                f"On saturated predictions {of} is cut off: where a probability is within about "
                f"{near} of 0 or 1 yours trains nothing (a clip, such as clip(p, {near}, 1 - "
                f"{near})), and the published loss goes on."
            )
    return (
        f"On saturated predictions {of} differs, from raw numbers of about "
        f"{np.abs(raw[off]).min():.2g} on: a clip, or a logarithm that is kept from 0, which the "
        "published loss has not."
    )


def _probabilities(raw: np.ndarray, expected: np.ndarray) -> list[np.ndarray]:
    """How near to 0 or 1 each number brings a probability: of a sigmoid, of the wanted class."""
    found = [np.exp(-np.logaddexp(0.0, np.abs(raw)))]
    if raw.shape[-1] > 1:
        wanted = expected.argmin(axis=-1)[..., None]
        top = raw.max(axis=-1, keepdims=True)
        total = top + np.log(np.exp(raw - top).sum(axis=-1, keepdims=True))
        of_class = np.exp(np.take_along_axis(raw, wanted, axis=-1) - total)
        found.append(np.broadcast_to(of_class, raw.shape))
    return found


def _power_between(low: float, high: float) -> float:
    """The power of ten between two numbers, or their middle on that scale."""
    power = float(10.0 ** np.ceil(np.log10(max(low, 1e-30))))
    return power if power <= high else float(np.sqrt(max(low, 1e-30) * high))
