"""Whether the order of the pictures, and of the objects of a picture, makes a difference."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.loss_bench import LossBench
from yolo_core.doctor.pictures import CROWD, MAX_OBJECTS


def _look(bench: LossBench) -> Iterator[Seen]:
    order = np.arange(len(bench.y_true))[::-1]
    before = bench.random
    after = bench.take_apart(bench.random_slots[order], bench.y_true[order])
    yield from _differences(before.terms, after.terms, "the pictures of the batch", "pictures")
    one = slice(CROWD, CROWD + 1)
    before = bench.take_apart(bench.random_slots[one], bench.y_true[one])
    turned = bench.y_true[one][:, np.arange(MAX_OBJECTS)[::-1]]
    after = bench.take_apart(bench.random_slots[one], turned)
    yield from _differences(before.terms, after.terms, "the label rows of a picture", "rows")


def _differences(
    before: dict[str, np.ndarray], after: dict[str, np.ndarray], what: str, subject: str
) -> Iterator[Seen]:
    for term, value in before.items():
        one, other = float(value), float(after[term])
        if np.isfinite([one, other]).all() and not np.isclose(one, other, rtol=2e-3, atol=1e-6):
            yield Seen(
                {"what": what, "term": term, "before": f"{one:.6g}", "after": f"{other:.6g}"},
                subject=subject,
                cause=subject,
            )
            return


CHECK = Check(
    id="order",
    title="A loss that depends on the order",
    of="loss",
    means="The same pictures and objects cost something else in another order.",
    what="With {what} in reverse order, {term} is {after} in place of {before}.",
    causes={
        "pictures": "Something of the first or the last picture is used for the whole batch.",
        "rows": "Something of the first or the last label row, or of padding, is used for all "
        "objects, where no two of them want one slot.",
    },
    tries="Look for an index 0 or -1 on the axis of pictures or objects, and for rows that are not "
    "masked.",
    look=_look,
    bugs=(14, 25),
    of_total=True,
    follows=("ledger",),
)
