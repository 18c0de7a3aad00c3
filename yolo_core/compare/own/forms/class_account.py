"""The account of the class scores: who is trained for which class, and by which formula."""

from __future__ import annotations

import numpy as np

from yolo_core.compare.own.forms.classes import class_forms
from yolo_core.compare.own.forms.evidence import Evidence
from yolo_core.compare.own.forms.fitting import fitting
from yolo_core.compare.own.forms.told import Told, slot_weights


def tell_classes(evidence: Evidence, yours: Evidence, told: Told) -> None:
    """The class scores."""
    term = "classification"
    if term not in evidence.terms:
        return
    channels = evidence.class_channels
    theirs = _classed(evidence, _touched(evidence.terms[term], channels))
    mask = _touched(yours.gradient, channels)
    if evidence.has_background:
        mask &= yours.object_of >= 0
    if not mask.any():
        words = "The term classification is left out: no class score is trained."
        told.cause(words, about="term", term=term)
        return
    mine = _classed(yours, mask)
    published = fitting(
        evidence.terms[term][theirs[0], theirs[1]][:, channels], class_forms(evidence, *theirs)
    )
    if not published:
        return
    of_object = mine[2].sum(axis=-1) > 0
    extra = int((~of_object).sum())
    numbers = yours.gradient[mine[0], mine[1]][:, channels]
    found = fitting(
        numbers,
        class_forms(yours, *mine, numbers),
        like=published[0].form,
        weights=_class_weights(yours, mine) if not extra else None,
        usual=published[0].weights,
    )
    if not found:
        return
    if extra:
        told.cause(
            "Classes are trained on slots without an object too: {extra} of them, every one (the "
            "mask of the objects is forgotten)."
            if extra == int((_object_of_class(yours) < 0).sum())
            else "Classes are trained on {extra} slots without an object too.",
            about="term",
            term=term,
            extra=extra,
        )
    elif len(mine[0]) < len(theirs[0]) and (yours.object_of == evidence.object_of).all():
        told.cause(
            "Classes are trained on {count} of the {all} slots that the published loss trains.",
            about="term",
            term=term,
            count=len(mine[0]),
            all=len(theirs[0]),
        )
    told.fit(term, found, published[0])
    if extra or len(mine[0]) != len(theirs[0]):
        told.alike.discard(term)


def _touched(gradient: np.ndarray, channels: list[int]) -> np.ndarray:
    """(B, P) bool: whether any of these channels is trained."""
    return np.asarray(gradient[..., channels].any(axis=-1))


def _object_of_class(evidence: Evidence) -> np.ndarray:
    """(B, P) the object whose class a slot has: its own, or that of its cell where cells have it.

    Where a cell has its classes once, every slot of it shows their gradient.
    """
    found = evidence.object_of.copy()
    shown = evidence.terms["classification"][..., evidence.class_channels].any(axis=-1)
    if (shown == (found >= 0)).all() or evidence.has_background:
        return found
    start = 0
    for rows, columns, count in evidence.layout.grids:
        part = found[:, start : start + rows * columns * count].reshape(len(found), -1, count)
        part[...] = part.max(axis=-1, keepdims=True)
        start += rows * columns * count
    return found


def _classed(evidence: Evidence, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Picture, slot and (M, K) wanted classes of the slots of a mask."""
    image, slot = np.nonzero(mask)
    index = _object_of_class(evidence)[image, slot]
    wanted = evidence.rows[image, np.maximum(index, 0), 5:] * (index >= 0)[:, None]
    if evidence.has_background:
        wanted = np.concatenate([(index < 0)[:, None].astype(float), wanted], axis=-1)
    return image, slot, wanted


def _class_weights(
    evidence: Evidence, mine: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> dict[str, np.ndarray]:
    image, slot, _ = mine
    index = _object_of_class(evidence)[image, slot]
    if (index < 0).any():
        return {}
    return slot_weights(evidence, evidence.trained(image, slot, index))
