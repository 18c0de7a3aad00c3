"""What two gradients say about two losses, in sentences."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from yolo_core.views import SampleView

if TYPE_CHECKING:
    from yolo_core.compare.own.gradients import Group, SlotDifference
    from yolo_core.compare.own.term_factors import TermFactor

# Factors this close to each other are one factor.
SAME = 1e-3
# A weight of 5 is no sum over five rows: such numbers are what people choose.
_ROUND = (0, 1, 2, 3, 4, 5, 6, 8, 10, 16, 20, 100, 1000)
_CONFIDENT = "slots whose confidence is trained"
_DIVISORS = ("slots with an object", "objects", "pictures", _CONFIDENT)
_SLOTS = {
    "object": "slots with an object",
    "no object": "slots without an object",
    "ignored": "slots that the published loss ignores",
}


def group_sentence(group: Group) -> str:
    """How one kind of channel compares on one part of the slots."""
    where = f"{group.group} of {_SLOTS[group.part]}"
    if not group.published:
        return f"{where}: your loss trains {group.yours} numbers, the published one none of them."
    if not group.yours:
        return f"{where}: your loss trains none of the {group.published} that the published does."
    if group.is_weight:
        return f"{where}: the same in all {group.entries} numbers, up to weights of terms."
    return f"{where}: {group.entries - group.agree} of {group.entries} numbers differ."


def slot_sentence(difference: SlotDifference) -> str:
    """What is different on one slot."""
    mine = np.asarray([yours for _, yours, _ in difference.channels])
    theirs = np.asarray([published for _, _, published in difference.channels])
    if not np.isfinite(mine).all():
        return "your gradient is no finite number here"
    if not theirs.any():
        return (
            "your loss trains it, and the published one leaves it alone"
            if difference.part == "ignored"
            else "your loss trains what the published one leaves alone here"
        )
    if not mine.any():
        return "your loss leaves alone what the published one trains here"
    if (mine * theirs < 0).any():
        return "your loss pushes the other way"
    worst = difference.channels[0]
    if worst[1] and worst[2]:
        return f"your loss pulls {worst[1] / worst[2]:.3g} x as hard on {worst[0]}"
    return "your loss pulls on other channels"


def find(
    views: Sequence[SampleView],
    factor: float | None,
    terms: Sequence[TermFactor],
    groups: Sequence[Group],
    slots: Sequence[SlotDifference],
    mine: np.ndarray,
    theirs: np.ndarray,
    your_total: float,
    *,
    said_of: str = "everywhere",
) -> list[str]:
    """What came of a comparison, the most telling first.

    Args:
        views: One a picture.
        factor: The median ratio over everything.
        terms: As in `GradientComparison`.
        groups: Likewise.
        slots: Likewise.
        mine: (B, P, channels) your gradient, rounding removed.
        theirs: (B, P, channels) the published one.
        your_total: What your loss returned.
        said_of: Of what it is said where the gradients agree.
    """
    findings = []
    if not np.isfinite(your_total):
        value = "NaN" if np.isnan(your_total) else "infinite"
        findings.append(f"Your loss itself is {value} on these predictions.")
    if not mine.any():
        if not theirs.any():
            return [*findings, "Neither loss has a gradient here."]
        findings.append(
            "Your loss has no gradient at all on these predictions: it would train nothing."
        )
        return findings
    broken = ~np.isfinite(mine)
    if broken.any():
        where = broken.any(axis=-1)
        findings.append(
            f"Your gradient is no finite number in {int(broken.sum())} of {broken.size} places, on "
            f"{int(where.sum())} of {where.size} slots: one step with it destroys the weights. "
            "Look for a division by zero, the logarithm or the square root of zero or less, or an "
            "overflow."
        )
        # Such a number is neither trained nor left alone: nothing further can be told from it.
        return findings
    used = [term for term in terms if term.entries]
    counts = _counted(views, mine, theirs)
    if not slots:
        return [*findings, *_weights(used, counts, said_of)]
    findings += _ignore_rule(views, groups)
    findings += _missing(groups)
    findings += _transposed(views, mine, theirs)
    total = sum(view.layout.count for view in views)
    over_all = "" if factor is None else f" The median factor over all numbers is {factor:.4g}."
    findings.append(
        f"The gradients differ on {len(slots)} of {total} slots{_only_in(slots)}.{over_all}"
    )
    findings += _terms(used, counts)
    return findings


def _terms(terms: Sequence[TermFactor], counts: _Counts) -> list[str]:
    """What became of every term, each in one sentence alone."""
    found = [
        f"The term {term.term}: yours is {_times(term, counts)}."
        for term in terms
        if term.kind == "weighted"
    ]
    found += [_partly(term, counts) for term in terms if term.kind == "partly"]
    found += [
        f"The term {t.term} is left out ({_LEFT_OUT})." for t in terms if t.kind == "left out"
    ]
    other = [term.term for term in terms if term.kind == "other"]
    if other:
        found.append(
            f"No factor turns the published {' and '.join(other)} into yours: another formula, "
            "another target or other slots."
        )
    alike = [term.term for term in terms if term.kind == "same"]
    return [*found, *([f"The same: {', '.join(alike)}."] if alike else [])]


_LEFT_OUT = "your loss trains nothing of it, as with a weight of 0"


def _partly(term: TermFactor, counts: _Counts) -> str:
    """A term that is the published one, or a multiple, in some of its numbers only."""
    factor = "the published one" if _is_one(term.factor) else _times(term, counts)
    told = f"The term {term.term}: yours is {factor}"
    if term.agree < term.entries and _is_one(term.factor):
        told += f" in {term.agree} of the {term.entries} numbers that tell it, and not in the rest"
    if term.more:
        told += f", and trains {term.more} numbers more that the published one leaves alone"
    return f"{told}."


def _weights(terms: Sequence[TermFactor], counts: _Counts, said_of: str) -> list[str]:
    """The gradients agree but for weights of terms."""
    factors = [term.factor for term in terms if term.factor is not None]
    if all(_is_one(factor) for factor in factors):
        return [f"The two gradients are the same {said_of}."]
    if factors[0] and all(abs(factor / factors[0] - 1) <= SAME for factor in factors):
        return [
            f"Yours is {factors[0]:.4g} x the published one {said_of}: the same loss with another "
            f"weight{_as_count(factors[0], counts.of)}."
        ]
    told = [term for term in terms if term.factor and not _is_one(term.factor)]
    parts = "; ".join(f"{term.term} {_times(term, counts)}" for term in told)
    left_out = [term.term for term in terms if term.factor == 0]
    found = [f"The same formulas with other weights: {parts}."] if told else []
    alike = [term.term for term in terms if _is_one(term.factor)]
    found += [f"The same: {', '.join(alike)}."] if alike else []
    return [*found, *(f"The term {term} is left out ({_LEFT_OUT})." for term in left_out)]


def _times(term: TermFactor, counts: _Counts) -> str:
    """A factor, and where it comes from if that can be told."""
    factor = term.factor or 0.0
    told = f"{factor:.4g} x the published one"
    if term.agree < term.entries:
        told += f" in {term.agree} of the {term.entries} numbers that tell it"
    for words, yours, published in counts.trained:
        if yours and yours != published and abs(factor * yours / published - 1) <= SAME:
            return f"{told}, shared by {yours} {words} instead of {published}"
    # What some of the numbers have only is no count of anything.
    if term.agree < term.entries:
        return told
    return told + (_as_count(factor, counts.of) or _as_mean(factor, term.term, counts))


def _as_mean(factor: float, term: str, counts: _Counts) -> str:
    """Where a factor is one over numbers of a term: the mean over an axis more."""
    numbers = counts.numbers.get(term, 1)
    if numbers > 1 and abs(factor * numbers - 1) <= SAME and term == "classification":
        return f", which is 1 / {numbers}, as by a mean over the {numbers} classes"
    for words, count in counts.of.items():
        if numbers > 1 and count not in _ROUND and abs(factor * count * numbers - 1) <= SAME:
            return (
                f", which is 1 / {count * numbers}, as by a mean over {numbers} numbers on each of "
                f"the {count} {words}"
            )
    return ""


def _as_count(factor: float, counts: Mapping[str, int]) -> str:
    """What is divided by, or not, where a factor is one over a count of the batch or the count."""
    for words, count in counts.items():
        if count in _ROUND:
            continue
        if abs(factor * count - 1) <= SAME:
            return (
                f", which is 1 / {count}, as by a mean over the {count} {words} (divided by them)"
            )
        if abs(factor / count - 1) <= SAME:
            return f", which is {count}: a sum over the {count} {words}, and no mean"
    for words, count in counts.items():
        # What published losses divide by.
        for others in _DIVISORS:
            other = counts[others]
            if 1 < count != other > 1 and abs(factor * count / other - 1) <= SAME:
                return (
                    f", which is {other} / {count}: divided by the {count} {words} and not by the "
                    f"{other} {others}"
                )
    return ""


@dataclasses.dataclass(frozen=True)
class _Counts:
    """What people divide by.

    Attributes:
        of: {in words: how many}, by the published loss.
        trained: (in words, how many by yours, how many by the published loss).
        numbers: {term: how many numbers a slot has of it}.
    """

    of: Mapping[str, int]
    trained: tuple[tuple[str, int, int], ...]
    numbers: Mapping[str, int]


def _counted(views: Sequence[SampleView], mine: np.ndarray, theirs: np.ndarray) -> _Counts:
    names = views[0].channels
    box = [k for k, name in enumerate(names) if name in ("x", "y", "w", "h")]
    confidence = [k for k, name in enumerate(names) if name in ("objectness", "background")]

    def trained(at: list[int]) -> tuple[int, int]:
        yours, published = (int((g[..., at] != 0).any(axis=-1).sum()) for g in (mine, theirs))
        return yours, published

    both = (("slots with an object", *trained(box)), ("slots", *trained(confidence)))
    of = _counts(views) | {_CONFIDENT: both[1][2]}
    classes = sum(name.startswith("class ") for name in names)
    return _Counts(of, both, {"xy": 2, "wh": 2, "box": 4, "classification": classes})


def _counts(views: Sequence[SampleView]) -> dict[str, int]:
    slots = views[0].layout.count
    cells = sum(rows * columns for rows, columns, _ in views[0].layout.grids)
    trained = sum(int(view.assignment.object_mask.sum()) for view in views)
    objects = sum(int((view.y_true[:, 0] != 0).sum()) for view in views)
    return {
        "slots of all pictures": slots * len(views),
        "slots of a picture": slots,
        "cells of all pictures": cells * len(views),
        "cells of a picture": cells,
        "slots with an object": trained,
        "objects": objects,
        "pictures": len(views),
        "label rows of a picture": len(views[0].y_true),
    }


def _is_one(factor: float | None) -> bool:
    return factor is not None and abs(factor - 1) <= SAME


def _missing(groups: Sequence[Group]) -> list[str]:
    """The channels of slots with an object that your loss does not train at all."""
    return [
        f"Your loss trains none of the {group.published} numbers of {group.group} on "
        f"{_SLOTS[group.part]}, and the published one all of them."
        for group in groups
        if group.part == "object" and group.published == group.entries and not group.yours
    ]


def _ignore_rule(views: Sequence[SampleView], groups: Sequence[Group]) -> list[str]:
    """Whether slots are trained as empty that should not be, or the other way round."""
    confidence = {
        group.part: group for group in groups if group.group in ("objectness", "background")
    }
    empty, ignored = confidence.get("no object"), confidence.get("ignored")
    too_many = ignored.yours if ignored is not None and not ignored.published else 0
    too_few = empty.published - empty.yours if empty is not None else 0
    all_ignored = sum(int(view.assignment.ignore_mask.sum()) for view in views)
    if too_many and empty is not None and not empty.yours:
        return [
            f"The ignore rule is the wrong way round: your loss trains {too_many} of {all_ignored} "
            f"slots that the published one ignores, and none of the {empty.published} that it "
            "trains as no object."
        ]
    sentences = []
    if too_many:
        sentences.append(
            f"Your loss trains {too_many} of {all_ignored} slots that the published one ignores."
        )
    if too_few > 0 and empty is not None:
        sentences.append(
            f"Your loss leaves {too_few} of {empty.published} slots alone that the published one "
            "trains as no object."
        )
    return sentences


def _transposed(views: Sequence[SampleView], mine: np.ndarray, theirs: np.ndarray) -> list[str]:
    """Whether boxes are trained in cells with row and column exchanged."""
    box = [k for k, name in enumerate(views[0].channels) if name in ("x", "y", "w", "h")]
    swapped = moved = 0
    for image, view in enumerate(views):
        places = []
        for gradient in (mine, theirs):
            slots = np.flatnonzero(np.nan_to_num(gradient[image][:, box], nan=1.0).any(axis=-1))
            layout = view.layout
            places.append(
                {(int(layout.head[s]), int(layout.row[s]), int(layout.column[s])) for s in slots}
            )
        ours, published = places
        mirrored = {(head, column, row) for head, row, column in published}
        if ours != published and ours == mirrored:
            swapped += 1
        moved += ours != published
    if swapped and swapped == moved:
        return [
            "Your loss trains boxes in the cells of the published one with row and column "
            "exchanged: x counts columns and y counts rows."
        ]
    return []


def _only_in(slots: Sequence[SlotDifference]) -> str:
    """In which parts and channels they differ, where that is not all of them."""
    parts = dict.fromkeys(slot.part for slot in slots)
    channels = dict.fromkeys(name for slot in slots for name, _, _ in slot.channels)
    names = [name for name in channels if not name.startswith("class ")]
    names += ["classes"] if len(names) < len(channels) else []
    where = f", only {_SLOTS[next(iter(parts))]}" if len(parts) == 1 else ""
    return f"{where}, in {', '.join(names)}"
