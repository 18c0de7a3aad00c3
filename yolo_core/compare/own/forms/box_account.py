"""The account of the boxes: what their terms are held against, and what flows to them beside."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

from yolo_core.assignment import IgnoreRule
from yolo_core.compare.own.forms.boxes import centre_forms, size_forms
from yolo_core.compare.own.forms.confidences import overlap_forms
from yolo_core.compare.own.forms.evidence import Evidence, Fit, Form, Trained
from yolo_core.compare.own.forms.fitting import fitting, news
from yolo_core.compare.own.forms.ignoring import is_refuted
from yolo_core.compare.own.forms.overlaps import iou
from yolo_core.compare.own.forms.told import Told, slot_weights
from yolo_core.compare.own.term_factors import TOLERANCE

_PATHS = 4


def published_fit(
    evidence: Evidence, term: str, channels: list[int], forms: Iterable[Form], at: Trained
) -> Fit | None:
    """What the published term computes, among the same forms."""
    if term not in evidence.terms or not at.slot.size:
        return None
    numbers = at.of(evidence.terms[term])[:, channels]
    trained = numbers.any(axis=-1)
    if not trained.all():
        return None
    found = fitting(numbers, forms, weights=slot_weights(evidence, at))
    return found[0] if found else None


@dataclasses.dataclass(frozen=True)
class _Boxes:
    """The terms of the boxes that were told, given what flows to them through a target.

    `fits` has nothing for a term that is left out.
    """

    fits: dict[str, list[Fit]]
    has_path: bool
    rank: tuple[int, int]


def tell_boxes(
    evidence: Evidence, yours: Evidence, rule: IgnoreRule, confidences: list[Fit], told: Told
) -> None:
    """x, y, w and h: what is left of them once the gradient through a target is taken out."""
    theirs = evidence.slots()
    channels = evidence.box_channels
    if not yours.slots().slot.size or not {"xy", "wh"} <= set(evidence.terms):
        return
    of_xy = published_fit(evidence, "xy", channels[:2], centre_forms(evidence, theirs), theirs)
    of_wh = published_fit(evidence, "wh", channels[2:], size_forms(evidence, theirs), theirs)
    if of_xy is None or of_wh is None:
        return
    published = {"xy": of_xy, "wh": of_wh}
    through = "objectness" in evidence.terms and bool(
        theirs.of(evidence.terms["objectness"])[:, channels].any()
    )
    at = yours.slots()
    best = _best(yours, at, published, confidences, through, told)
    for words, others in _other_objects(yours) if len(best.fits) < 2 else ():
        other = _best(yours, others, published, confidences, through, told)
        if len(other.fits) > len(best.fits):
            told.cause(f"Boxes are held against other objects: {words}.")
            best, at = other, others
    if not best.fits:
        _tell_overlap(yours, at, confidences, told)
        return
    mask = (yours.gradient[..., yours.confidence] != 0) & (yours.object_of < 0)
    for term, fits in best.fits.items():
        if not fits:
            words = f"The term {term} is left out: its weight is 0."
            told.cause(words, about="term", term=term)
            continue
        told.fit(term, _settled(yours, rule, mask, fits, published[term], told), published[term])
    if best.has_path != through or len(best.fits) < 2:
        told.alike.discard("objectness")
    # Where a target is no IoU there is nothing that a gradient could flow through.
    towards_iou = bool(_paths(confidences)[1:])
    if through and not best.has_path and towards_iou and len(best.fits) == 2:
        told.cause(
            "No gradient flows through the IoU that objectness is trained towards (a "
            "stop_gradient, or the IoU is computed as a constant); in the published loss it does."
        )
    if best.has_path and not through:
        told.cause(
            "A gradient flows through the IoU that objectness is trained towards; the published "
            "loss takes it as a constant."
        )


def _best(
    yours: Evidence,
    at: Trained,
    published: dict[str, Fit],
    confidences: list[Fit],
    through: bool,
    told: Told,
) -> _Boxes:
    """The path through a target, or none, that leaves the most terms told."""
    numbers = at.of(yours.gradient)[:, yours.box_channels]
    best: _Boxes | None = None
    for path in _paths(confidences):
        rest = numbers if path is None else numbers - path
        scale = None if path is None else np.abs(path)
        found: dict[str, list[Fit]] = {}
        for term, part, forms in (
            ("xy", slice(0, 2), centre_forms),
            ("wh", slice(2, 4), size_forms),
        ):
            of_scale = None if scale is None else scale[:, part]
            left = rest[:, part]
            nothing = 0.0 if of_scale is None else TOLERANCE * of_scale
            if (np.abs(left) <= nothing).all():
                found[term] = []
                continue
            fits = fitting(
                left,
                forms(yours, at, left),
                like=published[term].form,
                scale=of_scale,
                weights=slot_weights(yours, at),
                usual=published[term].weights,
                known=told.mistakes,
            )
            if fits:
                found[term] = fits
        otherwise = sum(
            news(fits[0].form, published[term].form, told.mistakes)
            for term, fits in found.items()
            if fits
        )
        rank = (len(found), -otherwise - ((path is not None) != through))
        if best is None or rank > best.rank:
            best = _Boxes(found, path is not None, rank)
    return best or _Boxes({}, False, (0, 0))


def _other_objects(yours: Evidence) -> Iterator[tuple[str, Trained]]:
    """The slots with an object, with others of the picture that their boxes may be held against."""
    if yours.snapshot.breakdown.assignment.candidate_measure != "prior IoU":
        return
    at = yours.slots()
    usable = yours.rows[..., 0] != 0
    overlap = iou(yours.layout.prior[None, :, None].astype(float), yours.rows[:, None, :, 1:5])
    best = (overlap * usable[:, None]).argmax(axis=-1)  # (B, P)
    last = np.broadcast_to((usable * np.arange(usable.shape[1])).max(axis=-1)[:, None], best.shape)
    first = np.broadcast_to(usable.argmax(axis=-1)[:, None], best.shape)
    for words, which in (
        (
            "a prior that is forced for one object is trained for the box of that which it "
            "overlaps most (the label is changed, and the index of the box is not)",
            best,
        ),
        ("all slots of a picture are trained for the box of its last object", last),
        ("all slots of a picture are trained for the box of its first object", first),
    ):
        index = which[at.image, at.slot]
        if (index != at.index).any():
            yield words, yours.trained(at.image, at.slot, index)


def _settled(
    yours: Evidence,
    rule: IgnoreRule,
    trained_as_empty: np.ndarray,
    fits: list[Fit],
    published: Fit,
    told: Told,
) -> list[Fit]:
    """Fits that say as little, those first that nothing else speaks against.

    A mistake in decoding shows in every IoU: where there is one, and it was told without it, the
    target is wrong and not the decoding.
    """
    least = news(fits[0].form, published.form, told.mistakes)
    tied = [fit for fit in fits if news(fit.form, published.form, told.mistakes) == least]
    if len(tied) < 2 or not least:
        return fits

    def doubts(fit: Fit) -> int:
        mistakes = [
            words
            for key, words in fit.form.said.items()
            if key.startswith("decoding") and words and words not in told.mistakes
        ]
        return sum(
            told.measures_boxes or is_refuted(yours, rule, trained_as_empty, each)
            for each in mistakes
        )

    ordered = sorted(tied, key=doubts)
    fewest = doubts(ordered[0])
    kept = [fit for fit in ordered if doubts(fit) == fewest]
    return [*kept, *(fit for fit in fits if fit not in tied)]


def _tell_overlap(yours: Evidence, at: Trained, confidences: list[Fit], told: Told) -> None:
    """A box that is trained by one overlap, and by no terms xy and wh."""
    told.alike.discard("objectness")
    numbers = at.of(yours.gradient)[:, yours.box_channels]
    for path in _paths(confidences):
        joint = fitting(
            numbers if path is None else numbers - path,
            overlap_forms(yours, at),
            scale=None if path is None else np.abs(path),
            weights=slot_weights(yours, at),
        )
        if joint:
            error = joint[0].form.said["error"]
            told.cause(f"The box is trained by {error}, and not by terms xy and wh.")
            for key in ("decoding of x and y", "decoding of w and h"):
                told.decoding(joint[0].form.said[key])
            return


def _paths(confidences: list[Fit]) -> list[np.ndarray | None]:
    """(M, 4) gradients through the target of the confidence, each a possibility; None for none."""
    found: list[np.ndarray | None] = [None]
    for fit in confidences:
        path = None if fit.form.through is None else fit.of_slot() * fit.form.through()
        if path is None or not path.any():
            continue
        if not any(each is not None and np.allclose(each, path, rtol=1e-6) for each in found):
            found.append(path)
        if len(found) > _PATHS:
            break
    return found
