"""What has been told of a gradient so far, and what the weight of a slot may depend on."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import numpy as np

from yolo_core.compare.own.forms.evidence import Evidence, Fit, Trained
from yolo_core.compare.own.forms.words import form_sentences, weight_sentences


@dataclasses.dataclass
class Told:
    """Sentences so far, none twice."""

    weighed: Collection[str]
    sentences: list[str] = dataclasses.field(default_factory=list)
    explained: set[str] = dataclasses.field(default_factory=set)
    mistakes: set[str] = dataclasses.field(default_factory=set)

    def decoding(self, mistake: str) -> None:
        """Boxes are decoded otherwise, as a term shows."""
        if mistake:
            self.mistakes.add(mistake)
            self.cause(f"Boxes are decoded with a mistake: {mistake}.")

    def cause(self, sentence: str) -> None:
        """Says something, if it was not said before."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)

    def fit(self, term: str, fit: Fit, published: Fit) -> None:
        """A term is told whole: what it has otherwise than the published one is said."""
        for key in fit.form.differences(published.form):
            if key.startswith("decoding"):
                self.decoding(fit.form.said[key])
        for sentence in form_sentences(term, fit.form, published.form):
            self.cause(sentence)
        if term not in self.weighed:
            for sentence in weight_sentences(term, fit, published):
                self.cause(sentence)
        self.explained.add(term)


def slot_weights(evidence: Evidence, at: Trained) -> dict[str, np.ndarray]:
    """What the weight of a slot may depend on."""
    area = at.box[:, 2] * at.box[:, 3]
    objects = (evidence.object_of >= 0).sum(axis=-1)[at.image]
    return {
        "2 - width x height of the object": 2.0 - area,
        "1 / the trained slots of the picture": 1.0 / objects,
        "head": evidence.layout.head[at.slot].astype(int),
        "class": at.one_hot.argmax(axis=-1).astype(int),
        "anchor": evidence.layout.anchor[at.slot].astype(int),
        "picture": at.image.astype(int),
    }
