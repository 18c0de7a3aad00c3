"""Whether a sigmoid or softmax is applied twice: a sure prediction then keeps a known cost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.loss_bench import LossBench
from yolo_core.doctor.pictures import ALONE

_LEVEL = 20.0
_HALF, _SURE = 0.5, 1 / (1 + np.exp(-1.0))  # what sigmoid(sigmoid(-+20)) is
_NEAR = 0.02
# Of a right answer's cost by a wrong one's, where the sigmoid is applied twice.
_POSITIVE = {"cross-entropy": np.log(_SURE) / np.log(_HALF), "squares": (1 - _SURE) ** 2 / 0.25}
_NEGATIVE = {"cross-entropy": np.log(_HALF) / np.log(1 - _SURE), "squares": 0.25 / _SURE**2}


def _look(bench: LossBench) -> Iterator[Seen]:
    if "objectness" in bench.channels:
        yield from _objectness(bench)
    yield from _classes(bench)


def _objectness(bench: LossBench) -> Iterator[Seen]:
    a = bench.rest.assignment
    for term, mask, right, known in (
        ("objectness", a.object_mask, _LEVEL, _POSITIVE),
        ("no_object", a.no_object_mask, -_LEVEL, _NEGATIVE),
    ):
        if term not in bench.rest.maps or not mask[ALONE].any():
            continue
        slot = int(np.flatnonzero(mask[ALONE])[0])
        cost = [_cost(bench, term, slot, {"objectness": value}) for value in (right, -right)]
        if not cost[1] > 0 or cost[0] < 0.01 * cost[1]:
            continue
        ratio = cost[0] / cost[1]
        twice = next((name for name, each in known.items() if abs(ratio - each) < _NEAR), "")
        if twice:
            yield Seen(
                {
                    "term": term,
                    "right": f"{cost[0]:.4g}",
                    "wrong": f"{cost[1]:.4g}",
                    "ratio": f"{ratio:.3f}",
                    "what": "sigmoid",
                    "formula": twice,
                },
                subject=term,
            )


def _classes(bench: LossBench) -> Iterator[Seen]:
    count = bench.loss.num_classes
    if "classification" not in bench.rest.maps or count < 2:
        return
    slots = np.flatnonzero(bench.rest.assignment.object_mask[ALONE])
    if not slots.size:
        return
    slot = int(slots[0])
    wanted = int(
        bench.y_true[ALONE, bench.rest.assignment.matched_object[ALONE, slot], 5:].argmax()
    )
    costs = []
    for said in (wanted, (wanted + 1) % count):
        raw = {f"class {k}": _LEVEL if k == said else -_LEVEL for k in range(count)}
        raw |= {"background": -_LEVEL} if "background" in bench.channels else {}
        costs.append(_cost(bench, "classification", slot, raw))
    if not costs[1] > 0 or costs[0] < 0.01 * costs[1]:
        return
    others = count - 1 + ("background" in bench.channels)
    softmax = np.log(1 + others * np.exp(-1.0)) / np.log(others + np.e)
    sigmoid = (others * np.log(2) - np.log(_SURE)) / (
        np.log(2) - np.log(1 - _SURE) + (others - 1) * np.log(2)
    )
    ratio = costs[0] / costs[1]
    for what, known in (("softmax", softmax), ("sigmoid", sigmoid)):
        if abs(ratio - known) < _NEAR:
            yield Seen(
                {
                    "term": "classification",
                    "right": f"{costs[0]:.4g}",
                    "wrong": f"{costs[1]:.4g}",
                    "ratio": f"{ratio:.3f}",
                    "what": what,
                    "formula": "cross-entropy",
                },
                subject="classification",
            )
            return


def _cost(bench: LossBench, term: str, slot: int, raw: dict[str, float]) -> float:
    try:
        slots = bench.oracle_slots.copy()
    except NotTried:
        slots = bench.rest_slots.copy()
    for name, value in raw.items():
        slots[ALONE, :, bench.channels.index(name)] = value
    return float(bench.take_apart(slots).maps[term][ALONE, slot])


CHECK = Check(
    id="activation",
    title="An activation applied twice",
    of="loss",
    means="The term can never reach zero, and its gradient vanishes where it should be largest.",
    what="A sure and right answer costs {right} of {term}, a sure and wrong one {wrong}: the "
    "{ratio} that a {what} applied twice leaves ({formula}).",
    causes={
        "": "The network ends in a {what}, or the loss applies one, before a cross-entropy that "
        "takes logits (from_logits=True)."
    },
    tries="Apply it once: give the cross-entropy raw numbers, or set from_logits=False.",
    look=_look,
    bugs=(19,),
)
