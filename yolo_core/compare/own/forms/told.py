"""What has been told of a gradient so far, and what the weight of a slot may depend on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from yolo_core.compare.own.forms.evidence import Evidence, Fit, Trained
from yolo_core.compare.own.forms.fitting import news
from yolo_core.compare.own.forms.functions import ALIKE_UP_TO_1
from yolo_core.compare.own.forms.words import form_sentences, named, weight_words
from yolo_core.compare.own.term_factors import TOLERANCE


@dataclasses.dataclass(frozen=True)
class Remark:
    """One thing that a loss does otherwise. Two that differ in their values alone say the same.

    Attributes:
        words: The sentence, with the names of values in braces.
        values: What depends on the batch: counts, factors, places.
        about: "term" for what became of a term, "move" for an object trained elsewhere, or "".
        term: Of the published loss; "" where it is about no single one.
        cites: Numbers of published slips, such as "B-2".
    """

    words: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)
    about: str = ""
    term: str = ""
    cites: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """In words."""
        return self.words.format(**self.values)


@dataclasses.dataclass(frozen=True)
class Account:
    """What was found.

    Attributes:
        remarks: What your loss does otherwise.
        alike: The terms of the published loss of which all numbers are told, and none otherwise.
        beyond: {term: numbers that it trains on slots which are not its own}.
    """

    remarks: tuple[Remark, ...] = ()
    alike: frozenset[str] = frozenset()
    beyond: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Told:
    """Remarks so far, none twice; `beyond` are terms that train more than is theirs.

    `fitted` are terms whose formula was found. `shares` are factors that come of other counts of
    slots alone, by which a loss divides: they are no news. `measures_boxes`: the target of
    the confidence was told, and is an overlap of the decoded box.
    """

    weighed: Collection[str]
    remarks: list[Remark] = dataclasses.field(default_factory=list)
    alike: set[str] = dataclasses.field(default_factory=set)
    mistakes: set[str] = dataclasses.field(default_factory=set)
    beyond: dict[str, int] = dataclasses.field(default_factory=dict)
    fitted: set[str] = dataclasses.field(default_factory=set)
    shares: tuple[float, ...] = ()
    measures_boxes: bool = False

    def decoding(self, mistake: str, term: str = "") -> None:
        """Boxes are decoded otherwise: everywhere, or as a term takes them."""
        if mistake and mistake not in self.mistakes:
            self.mistakes.add(mistake)
            self.cause(_decoded(mistake, term))

    def cause(self, words: str, *, about: str = "", term: str = "", **values: Any) -> None:
        """Says something, if it was not said before; arguments as in `Remark`."""
        remark = Remark(words, values, about, term)
        if about == "move" or remark not in self.remarks:
            self.remarks.append(remark)

    def fit(self, term: str, fits: Sequence[Fit], published: Fit) -> None:
        """A term is told whole: what it has otherwise than the published one is said.

        Where another form says no more and has these numbers too, it is said as well.
        """
        fit = fits[0]
        self.fitted.add(term)
        least = news(fit.form, published.form, self.mistakes)
        alike = [
            other
            for other in fits[1:]
            if not fit.weights and 0 < news(other.form, published.form, self.mistakes) == least
            # Between 0 and 1 they are one.
            if not {fit.form.said.get("error"), other.form.said.get("error")} <= ALIKE_UP_TO_1
        ]
        otherwise = fit.form.differences(published.form)
        for key in otherwise:
            if key.startswith("decoding"):
                self.decoding(fit.form.said[key], term)
        own = list(form_sentences(term, fit.form, published.form))
        for sentence in own:
            self.cause(sentence)
        first = next(iter([*own, *_decodings(term, fit, published)]), "")
        for other in alike:
            words = [
                *form_sentences(term, other.form, published.form),
                *_decodings(term, other, published),
            ]
            if words and words[0] != first:
                self.cause(f"Or (the numbers fit both): {words[0]}")
                break
        weights = list(weight_words(term, fit, published))
        factor = fit.factor / published.factor
        is_share = any(math.isclose(factor, each, rel_tol=TOLERANCE) for each in self.shares)
        known = term in self.weighed or (is_share and fit.weights == published.weights)
        for words, values in weights if not known else ():
            self.cause(words, about="term", term=term, **values)
        if not otherwise and not weights:
            self.alike.add(term)


def _decodings(term: str, fit: Fit, published: Fit) -> list[str]:
    """What a fit says of the decoding."""
    return [
        _decoded(fit.form.said[key], term)
        for key in fit.form.differences(published.form)
        if key.startswith("decoding") and fit.form.said[key]
    ]


def _decoded(mistake: str, term: str) -> str:
    where = f"In {named(term)} boxes are" if term in ("xy", "wh") else "Boxes are"
    return f"{where} decoded with a mistake: {mistake}."


def slot_weights(evidence: Evidence, at: Trained) -> dict[str, np.ndarray]:
    """What the weight of a slot may depend on."""
    area = at.box[:, 2] * at.box[:, 3]
    trained = evidence.object_of >= 0
    objects = trained.sum(axis=-1)[at.image]
    of_head = [evidence.layout.head == head for head in range(len(evidence.layout.grids))]
    slots = np.asarray([head.sum() for head in of_head])[evidence.layout.head[at.slot]]
    used = np.asarray([trained[:, head].sum() for head in of_head])
    return {
        "2 - width x height of the object": 2.0 - area,
        "1 - width x height of the object": 1.0 - area,
        "width x height of the object": area,
        "1 / the trained slots of the picture": 1.0 / objects,
        "1 / the slots of the head": 1.0 / slots,
        "1 / the trained slots of the head": 1.0 / used[evidence.layout.head[at.slot]],
        "head": evidence.layout.head[at.slot].astype(int),
        "class": at.one_hot.argmax(axis=-1).astype(int),
        "anchor": evidence.layout.anchor[at.slot].astype(int),
        "picture": at.image.astype(int),
    }
