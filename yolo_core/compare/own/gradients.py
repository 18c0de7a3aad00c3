"""Two gradients of one prediction, slot by slot and channel by channel. No Keras in here.

The command line computes them (`own_gradient.py`) and writes them to a file (`saved.py`), which the
Compare page reads: so it never loads anybody's code.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from yolo_core.compare.differences import PARTS, place_name, slot_parts
from yolo_core.compare.own.findings import find, group_sentence, slot_sentence
from yolo_core.compare.own.term_factors import (
    TOLERANCE,
    TermFactor,
    median_ratio,
    relative_difference,
    summed,
    term_factors,
    trained,
)
from yolo_core.explain.reasons import slot_reason
from yolo_core.views import SampleView, Snapshot

GROUPS = {"x": "x, y", "y": "x, y", "w": "w, h", "h": "w, h"}


@dataclasses.dataclass(frozen=True)
class Group:
    """One kind of channel on one part of the slots.

    Attributes:
        group: "x, y", "w, h", "objectness" or "background", or "classes".
        part: "object", "no object" or "ignored", by the published loss.
        entries: Numbers in it that either loss trains.
        yours: How many of them your loss trains.
        published: How many of them the published loss trains.
        factor: Median of yours over the published one; None where no number is trained by both.
            Of a box it may mix the factors of several terms: `GradientComparison.terms` has each.
        agree: How many agree, up to the factors of the terms.
        sentence: The same in words.
    """

    group: str
    part: str
    entries: int
    yours: int
    published: int
    factor: float | None
    agree: int
    sentence: str

    @property
    def is_weight(self) -> bool:
        """Whether all of them agree, up to the factors of the terms."""
        return self.agree == self.entries


@dataclasses.dataclass(frozen=True)
class SlotDifference:
    """A slot on which the two gradients differ by more than the weights of terms.

    Attributes:
        sample: Name of the picture.
        slot: Index on the slot axis.
        head: Index of the head.
        row: Grid row.
        column: Grid column.
        anchor: Index of the anchor or predictor in its cell.
        place: These in words.
        part: "object", "no object" or "ignored", by the published loss.
        reason: Why, by the published loss.
        channels: (name, yours, published) of the channels that differ, the worst first.
        relative: Largest relative difference: 0 equal, 1 one of them is zero, 2 opposite.
        sentence: What it looks like, in words.
    """

    sample: str
    slot: int
    head: int
    row: int
    column: int
    anchor: int
    place: str
    part: str
    reason: str
    channels: tuple[tuple[str, float, float], ...]
    relative: float
    sentence: str


@dataclasses.dataclass(frozen=True)
class GradientComparison:
    """A plain Keras loss beside a published one, on the same predictions.

    Attributes:
        yours: What your loss is called, "FILE.py:function".
        against: Name of the published loss.
        snapshot: The published loss's breakdown of the pictures.
        your_gradient: (B, P, channels) float32.
        term_gradients: {term: (B, P, channels) float32}, of lambda x term of the published loss;
            their sum is `published_gradient`.
        your_total: What your loss returned, the mean where it returned several numbers.
        published_total: The published loss's total.
        factor: Median of yours over the published one, over all numbers that both train; None
            where there are none.
        terms: By which factor each term of the published loss is in yours.
        groups: How each kind of channel compares on each part of the slots, given these factors.
        slots: The slots that differ, largest relative difference first.
        diagnosis: What your loss does otherwise, in sentences.
        cites: Numbers of the published slips among these.
        tried: What predictions and grids were tried, the usual ones first, and what was no
            difference there, in words.
        alike: Terms known to be the published ones, whatever other terms hide of them.
        beyond: {term: numbers that yours trains of it on slots which are not its own}.
    """

    yours: str
    against: str
    snapshot: Snapshot
    your_gradient: np.ndarray
    term_gradients: dict[str, np.ndarray]
    your_total: float
    published_total: float
    factor: float | None
    terms: tuple[TermFactor, ...]
    groups: tuple[Group, ...]
    slots: tuple[SlotDifference, ...]
    diagnosis: tuple[str, ...]
    cites: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    beyond: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def views(self) -> tuple[SampleView, ...]:
        """One a picture: the published loss's breakdown, which every figure can draw."""
        return tuple(self.snapshot.sample(name) for name in self.snapshot.samples)

    @functools.cached_property
    def findings(self) -> tuple[str, ...]:
        """What came of it, in sentences, the most telling first."""
        mine, of_terms = trained(self.your_gradient, self.term_gradients)
        # What is told of gradients that agree was seen on other predictions.
        elsewhere = bool(self.diagnosis) and not self.slots
        return tuple(
            find(
                self.views,
                self.factor,
                self.terms,
                self.groups,
                self.slots,
                mine,
                summed(of_terms),
                self.your_total,
                said_of="on the usual predictions" if elsewhere else "everywhere",
            )
        )

    @property
    def measured(self) -> list[TermFactor]:
        """What the numbers alone say of each term, whatever was told."""
        return term_factors(*trained(self.your_gradient, self.term_gradients))[0]

    @property
    def published_gradient(self) -> np.ndarray:
        """(B, P, channels) float32."""
        return np.sum(list(self.term_gradients.values()), axis=0)

    @property
    def same(self) -> bool:
        """Whether the gradients agree everywhere, up to one weight."""
        factors = [term.factor for term in self.terms if term.entries]
        # What is told of gradients that agree was seen on other predictions.
        return not (self.slots or self.diagnosis) and all(
            factor is not None and math.isclose(factor, factors[0] or 0, rel_tol=TOLERANCE)
            for factor in factors
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`; numbers that are not finite become None."""
        return {
            "yours": self.yours,
            "against": self.against,
            "samples": list(self.snapshot.samples),
            "your_total": _finite(self.your_total),
            "published_total": _finite(self.published_total),
            "factor": _finite(self.factor),
            "same": self.same,
            "findings": list(self.findings),
            "predictions": self.tried[0] if self.tried else "",
            "tried": list(self.tried[1:]),
            "diagnosis": list(self.diagnosis),
            "terms": [dataclasses.asdict(term) for term in self.terms],
            "groups": [
                {**dataclasses.asdict(group), "factor": _finite(group.factor)}
                for group in self.groups
            ],
            "slots": [
                {
                    **dataclasses.asdict(slot),
                    "channels": [
                        {"name": name, "yours": _finite(mine), "published": _finite(theirs)}
                        for name, mine, theirs in slot.channels
                    ],
                }
                for slot in self.slots
            ],
        }


def compare_gradients(
    *,
    yours: str,
    against: str,
    snapshot: Snapshot,
    your_gradient: np.ndarray,
    term_gradients: Mapping[str, np.ndarray],
    your_total: float,
    published_total: float,
    diagnosis: Sequence[str] = (),
    cites: Sequence[str] = (),
    tried: Sequence[str] = (),
    alike: Collection[str] = (),
    beyond: Mapping[str, int] | None = None,
) -> GradientComparison:
    """Holds two gradients against each other; arguments as in `GradientComparison`.

    A term that is weighted differently is one finding, and its slots count as different only where
    they differ from that.

    Raises:
        ValueError: Their shapes differ, or the snapshot is not theirs.
    """
    shape = np.shape(snapshot.y_pred)
    for name, gradient in (("your gradient", your_gradient), *term_gradients.items()):
        if np.shape(gradient) != shape:
            raise ValueError(
                f"{name} must have the shape of the slots, {shape}; received {np.shape(gradient)}."
            )
    views = [snapshot.sample(name) for name in snapshot.samples]
    parts = np.stack([slot_parts(view) for view in views])
    mine, of_terms = trained(your_gradient, term_gradients)
    theirs = summed(of_terms)
    terms, expected = term_factors(mine, of_terms)
    terms = [
        TermFactor(term.term, term.entries, term.entries, 1.0) if term.term in alike else term
        for term in terms
    ]
    beyond = beyond or {}
    terms = [
        dataclasses.replace(term, more=max(term.more, beyond.get(term.term, 0))) for term in terms
    ]
    relative = relative_difference(mine, expected)
    groups = _groups(snapshot.channels, parts, mine, theirs, relative)
    # A reader sees the numbers as they are, not what is left once rounding is taken out.
    raw = your_gradient, summed(term_gradients)
    slots = _slot_differences(views, parts, (mine, theirs), raw, expected, relative)
    factor = median_ratio(mine, theirs)
    return GradientComparison(
        yours=yours,
        against=against,
        snapshot=snapshot,
        your_gradient=np.asarray(your_gradient, np.float32),
        term_gradients={t: np.asarray(g, np.float32) for t, g in term_gradients.items()},
        your_total=your_total,
        published_total=published_total,
        factor=factor,
        terms=tuple(terms),
        groups=tuple(groups),
        slots=tuple(slots),
        diagnosis=tuple(diagnosis),
        cites=tuple(cites),
        tried=tuple(tried),
        alike=tuple(sorted(alike)),
        beyond=dict(beyond),
    )


def differing(mine: np.ndarray, terms: Mapping[str, np.ndarray]) -> np.ndarray:
    """(B, P) bool: the slots that differ by more than the weights of terms.

    Args:
        mine: (B, P, channels) your gradient.
        terms: {term: (B, P, channels)} of the published loss.
    """
    mine, of_terms = trained(mine, terms)
    _, expected = term_factors(mine, of_terms)
    return np.any(relative_difference(mine, expected) > TOLERANCE, axis=-1)


def _groups(
    channels: Sequence[str],
    parts: np.ndarray,
    mine: np.ndarray,
    theirs: np.ndarray,
    relative: np.ndarray,
) -> list[Group]:
    """The groups that either loss trains."""
    group_of = np.asarray(
        [GROUPS.get(name, "classes" if name.startswith("class ") else name) for name in channels]
    )
    groups = []
    for name in dict.fromkeys(group_of.tolist()):
        for part, part_name in enumerate(PARTS):
            where = (parts == part)[..., None] & (group_of == name)
            where = where & ((mine != 0) | (theirs != 0))
            if not where.any():
                continue
            group = Group(
                group=name,
                part=part_name,
                entries=int(where.sum()),
                yours=int((mine[where] != 0).sum()),
                published=int((theirs[where] != 0).sum()),
                factor=median_ratio(mine[where], theirs[where]),
                agree=int((relative[where] <= TOLERANCE).sum()),
                sentence="",
            )
            groups.append(dataclasses.replace(group, sentence=group_sentence(group)))
    return groups


def _slot_differences(
    views: Sequence[SampleView],
    parts: np.ndarray,
    pair: tuple[np.ndarray, np.ndarray],
    raw: tuple[np.ndarray, np.ndarray],
    expected: np.ndarray,
    relative: np.ndarray,
) -> list[SlotDifference]:
    """The slots that differ; `pair` is both gradients from `trained`, `raw` as they came."""
    mine = pair[0]
    size = np.nan_to_num(np.abs(mine - expected), nan=np.inf)
    found = []
    for image, at in np.argwhere((relative > TOLERANCE).any(axis=-1)):
        view, slot = views[image], int(at)
        differs = np.flatnonzero(relative[image, slot] > TOLERANCE)
        # Rounded, or numbers that are both "one is zero" would be ordered by their rounding.
        worst = np.round(relative[image, slot, differs], 3)
        order = differs[np.lexsort((-size[image, slot, differs], -worst))]
        layout, part = view.layout, PARTS[parts[image, slot]]
        difference = SlotDifference(
            sample=view.name,
            slot=slot,
            head=int(layout.head[slot]),
            row=int(layout.row[slot]),
            column=int(layout.column[slot]),
            anchor=int(layout.anchor[slot]),
            place=place_name(view, slot),
            part=part,
            reason=slot_reason(view, slot),
            channels=_numbers(view, pair, image, slot, order),
            relative=float(worst.max()),
            sentence="",
        )
        difference = dataclasses.replace(
            difference,
            sentence=slot_sentence(difference),
            channels=_numbers(view, raw, image, slot, order),
        )
        found.append((-difference.relative, -size[image, slot].max(), len(found), difference))
    return [difference for *_, difference in sorted(found, key=lambda each: each[:3])]


def _numbers(
    view: SampleView,
    pair: tuple[np.ndarray, np.ndarray],
    image: int,
    slot: int,
    channels: np.ndarray,
) -> tuple[tuple[str, float, float], ...]:
    mine, theirs = pair
    return tuple(
        (view.channels[k], float(mine[image, slot, k]), float(theirs[image, slot, k]))
        for k in channels
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
