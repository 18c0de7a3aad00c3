"""Whether a picture is treated alone as it is in a batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor import pictures
from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.loss_bench import LossBench

_MASKS = ("object_mask", "no_object_mask", "ignore_mask", "matched_object")
_TOLERANCE = 2e-3


def _look(bench: LossBench) -> Iterator[Seen]:
    whole = bench.random
    for picture in range(len(bench.y_true)):
        if not bench.terms_known and not bench.y_true[picture, :, 0].any():
            continue  # A function may have no gradient there.
        one = slice(picture, picture + 1)
        alone = bench.take_apart(bench.random_slots[one], bench.y_true[one])
        name = pictures.NAMES[picture]
        for mask in _MASKS:
            here = getattr(whole.assignment, mask)[picture]
            differs = np.flatnonzero(here != getattr(alone.assignment, mask)[0])
            if differs.size:
                yield Seen(
                    {
                        "what": f'{mask.replace("_", " ")} of the picture "{name}" is another one '
                        f"alone than in a batch, on {differs.size} slots, such as "
                        f"{bench.slot_words(int(differs[0]))}"
                    },
                    subject="masks",
                    cause="masks",
                )
                return
        for term, gradient in whole.gradients.items():
            differs = _unlike if bench.terms_known else _switched
            off = differs(bench, gradient[picture], alone.gradients[term][0])
            if off is not None:
                words = (
                    f'what {term} does to the picture "{name}" in a batch is no multiple of what'
                )
                words += f" it does to it alone, such as on {bench.slot_words(off)}"
                yield Seen({"what": words}, subject=term)
                return


def _unlike(bench: LossBench, batch: np.ndarray, alone: np.ndarray) -> int | None:
    """A slot where two (P, channels) gradients are not proportional, head by head; else None."""
    batch, alone = batch.astype(np.float64), alone.astype(np.float64)
    for head in range(len(bench.layout.grids)):
        at = np.flatnonzero(bench.layout.head == head)
        one, other = batch[at], alone[at]
        largest, scale = np.abs(one).max(initial=0.0), (other**2).sum()
        factor = (one * other).sum() / scale if scale else 0.0
        rest = np.abs(one - factor * other).max(axis=1)
        if rest.max(initial=0.0) > _TOLERANCE * max(largest, 1e-12):
            return int(at[rest.argmax()])
    return None


def _switched(bench: LossBench, batch: np.ndarray, alone: np.ndarray) -> int | None:
    """A slot with a number that is trained in one of two (P, channels) gradients alone.

    Several terms in one gradient, each with a divisor of its own, are no multiple of one another.
    """
    del bench
    one, other = np.abs(batch), np.abs(alone)
    on = (one > 1e-3 * one.max()) & (other == 0) | (other > 1e-3 * other.max()) & (one == 0)
    wrong = np.flatnonzero(on.any(axis=1))
    return int(wrong[0]) if wrong.size else None


CHECK = Check(
    id="batch-split",
    title="A picture that depends on the others in its batch",
    of="loss",
    means="What is learned from a picture depends on which pictures happen to be beside it.",
    what="{what}.",
    causes={
        "": "A sum over the wrong axis, or shapes such as (b, h, w, 1) and (b, h, w) that were "
        "broadcast, mix the pictures of a batch.",
        "masks": "The rule is computed over all pictures of the batch: the axis of the batch is "
        "missing, such as where boxes are flattened before they are compared.",
    },
    tries="Keep the batch as the first axis in every step, and call the loss with one picture and "
    "with that picture beside an empty one.",
    look=_look,
    bugs=(14, 25),
    of_total=True,
    follows=("mining",),
)
