"""Whether value and gradient stay numbers for extreme predictions and tiny objects."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.breakdown import LossBreakdown
from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.loss_bench import LossBench

_LEVELS = (30.0, 100.0)


def _look(bench: LossBench) -> Iterator[Seen]:
    signs = np.sign(bench.random_slots)
    tiny = bench.y_true.copy()
    tiny[..., 3:5] *= 1e-5
    none = bench.y_true.copy()
    none[0, 0, 3] = 0.0
    cases = {f"raw predictions of +-{level:g}": (level * signs, bench.y_true) for level in _LEVELS}
    cases["raw predictions of -100"] = (np.full_like(signs, -100.0), bench.y_true)
    cases["objects of a thousandth of a pixel"] = (bench.random_slots, tiny)
    cases["an object of no width"] = (bench.random_slots, none)
    for words, (slots, y_true) in cases.items():
        found = _first_bad(bench.take_apart(bench.shared_in_cells(slots), y_true))
        if found is not None:
            term, part, slot = found
            yield Seen(
                {
                    "case": words,
                    "term": term,
                    "part": part,
                    "slot": "" if slot is None else f", first on {bench.slot_words(slot)}",
                },
                subject=f"{term} {part}",
                cause="gradient" if part == "gradient" else "",
            )
            return


def _first_bad(whole: LossBreakdown) -> tuple[str, str, int | None] | None:
    """Term, "value" or "gradient", and slot of the first number that is none."""
    for part, group in (("value", whole.maps), ("gradient", whole.gradients)):
        for term, values in group.items():
            bad = ~np.isfinite(values if values.ndim == 2 else values.sum(axis=-1))
            if bad.any():
                return term, part, int(np.argwhere(bad)[0, 1])
    bad = [term for term, value in whole.terms.items() if not np.isfinite(value)]
    return (bad[0], "value", None) if bad else None


CHECK = Check(
    id="saturation",
    title="Numbers that overflow",
    of="loss",
    means="A training that meets such numbers ends in NaN, often after hours.",
    what="With {case}, the {part} of {term} is no number{slot}.",
    causes={
        "": "exp or a logarithm of a number that is not bounded: exp(w) overflows, log(0) is "
        "infinite, and log(sigmoid(x)) is log(0) from x = -104 on.",
        "gradient": "A square root, a norm or a division has no gradient at 0, and 0 x infinity is "
        "NaN even where a mask leaves it out afterwards.",
    },
    tries="Clip the raw size before exp, use the cross-entropy of logits, and put a safe number in "
    "front of a root or a division with tf.where before it is computed, not after.",
    look=_look,
    bugs=(20,),
    of_total=True,
    follows=("ledger",),
)
