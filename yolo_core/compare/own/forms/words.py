"""What a form says otherwise than the published one, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from yolo_core.compare.own.forms.evidence import Fit, Form
from yolo_core.compare.own.term_factors import TOLERANCE

_OF = {
    "xy": "x and y (the term xy)",
    "wh": "w and h (the term wh)",
    "objectness": "objectness (the confidence of slots with an object)",
    "no_object": "no_object (the confidence of slots without an object)",
    "classification": "classification",
}


def named(term: str) -> str:
    """A term as a sentence has it."""
    return _OF.get(term, term)


def form_sentences(term: str, own: Form, published: Form) -> Iterator[str]:
    """One for each thing that is otherwise."""
    of = named(term)
    for key in own.differences(published):
        mine, theirs = own.said[key], published.said.get(key, "")
        if key.startswith("decoding"):
            continue  # said once for all terms
        if key == "compared as":
            yield f"{_compared(mine, theirs)}."
        elif key == "unit of the target":
            yield (
                "Width and height of the target are in the wrong unit: the numbers compared are "
                f"{mine}"
                + (
                    " (the object and the anchors that it is divided by)."
                    if own.said["compared as"] == "logarithms"
                    else "."
                )
            )
        elif key == "measured in":
            yield f"The error of {of} is measured in {mine}, published: in {theirs}."
        elif key == "variance":
            yield f"The target of {of} has {mine}."
        elif key == "target" and term in ("objectness", "no_object"):
            yield f"The confidence of {of} is trained towards {mine}, published: towards {theirs}."
        elif key == "target":
            yield f"In {of} the target is wrong: {mine or theirs}."
        elif key == "error":
            yield f"The error of {of} is {mine}, published: {theirs}."
        else:
            verb = "are" if mine.startswith("sigmoids") else "is"
            yield f"In {of} there {verb} {mine}, published: {theirs}."


def _compared(mine: str, theirs: str) -> str:
    """How sizes are compared."""
    if mine == "sizes":
        return (
            f"No {theirs} of w and h are taken ({theirs} forgotten): sizes are compared as they are"
        )
    if mine.startswith("the size of the prediction"):
        return f"The {theirs} of the predicted w and h are missing: {mine}"
    if mine.endswith("with the size wanted"):
        kind = theirs if theirs != "sizes" else mine.split(" of ")[0].removeprefix("the ")
        one = kind.removesuffix("s")
        return f"No {one} is taken of the w and h wanted (the {one} of the target is missing)"
    if theirs == "sizes":
        return f"w and h are compared as {mine}, published: as they are"
    return f"w and h are compared as {mine}, published: as {theirs}"


def weight_words(term: str, own: Fit, published: Fit) -> Iterator[tuple[str, dict[str, object]]]:
    """A weight that depends on the slot, and the factor where the form is the published one.

    Yields:
        A sentence with the names of values in braces, and these.
    """
    if own.weights != published.weights:
        if own.weights and own.by:
            told = ", ".join(
                f"{name}: {factor / published.factor:.4g}" for name, factor in own.by.items()
            )
            why = f", as by {own.why}" if own.why else ""
            yield f"The term {term} is weighted by {own.weights} ({{told}}){why}.", {"told": told}
        elif own.weights:
            yield f"The term {term} is weighted by {own.weights}, and the published one is not.", {}
        else:
            by = published.weights
            yield f"The term {term} is not weighted by {by}, as the published one is.", {}
        return
    if own.form.differences(published.form) or own.by:
        return
    factor = own.factor / published.factor
    if abs(factor - 1) > TOLERANCE:
        yield f"The term {term}: yours is {{factor:.4g}} x the published one.", {"factor": factor}
