"""What becomes of a slot that two objects want: its targets must be those of one of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.assignment import ObjectStatus
from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.loss_bench import LossBench
from yolo_core.doctor.pictures import ALONE, COLLISION


def _look(bench: LossBench) -> Iterator[Seen]:
    whole = bench.random
    a = whole.assignment
    status = a.object_status[COLLISION]
    rivals = np.flatnonzero((status == ObjectStatus.OVERWRITTEN).any(axis=1))
    shared = np.flatnonzero((status == ObjectStatus.SHARED).any(axis=1))
    if not rivals.size and not shared.size:
        same = [
            s
            for s in set(a.object_slot[COLLISION, :2].ravel().tolist())
            if s >= 0 and (a.object_slot[COLLISION, :2] == s).any(axis=1).all()
        ]
        if not same:
            raise NotTried("No two objects of the doctor's pictures want one slot of it.")
        slot = int(same[0])
    else:
        slot = int(a.object_slot[COLLISION, (rivals if rivals.size else shared)[0]].max())
    objectness = float(
        whole.targets.get("objectness", np.zeros(a.object_mask.shape))[COLLISION, slot]
    )
    if not 0 <= objectness <= 1 and np.isfinite(objectness):
        yield Seen(
            {
                "slot": bench.slot_words(slot),
                "what": f"its objectness is trained towards "
                f"{objectness:.3g}, which is not from 0 to 1",
            },
            subject="objectness",
            cause="sum",
        )
    owner = int(a.matched_object[COLLISION, slot])
    if owner < 0:
        return
    wanted = int(bench.y_true[COLLISION, owner, 5:].argmax())
    pulled = _classes_pulled_up(bench, COLLISION, slot)
    for alone in np.flatnonzero(a.object_mask[ALONE])[:1].tolist():
        own = int(bench.y_true[ALONE, a.matched_object[ALONE, alone], 5:].argmax())
        if _classes_pulled_up(bench, ALONE, alone) != [own]:
            return  # Its classes are wrong where nobody meets, too.
    if len(pulled) > 1 and not shared.size:
        yield Seen(
            {
                "slot": bench.slot_words(slot),
                "what": f"classes {' and '.join(map(str, pulled))} are pulled up at once",
            },
            subject="classes",
            cause="two",
        )
    elif pulled and pulled != [wanted] and not shared.size:
        yield Seen(
            {
                "slot": bench.slot_words(slot),
                "what": f"its box is trained for object {owner}, of class {wanted}, and its class "
                f"towards {pulled[0]}",
            },
            subject="class",
            cause="other",
        )


def _classes_pulled_up(bench: LossBench, picture: int, slot: int) -> list[int]:
    """The classes whose raw number the classification of a slot makes larger."""
    gradient = bench.random.gradients.get("classification")
    if gradient is None:
        raise NotTried("It has no term called classification.")
    own = gradient[picture, slot]
    return [
        int(name.removeprefix("class "))
        for name, value in zip(bench.channels, own, strict=True)
        if name.startswith("class ") and value < -1e-9
    ]


CHECK = Check(
    id="collision",
    title="Two objects mixed in one slot",
    of="loss",
    means="Where two objects meet, the slot is trained towards something that is neither.",
    what="Two objects want {slot}, and {what}.",
    causes={
        "sum": "tf.scatter_nd adds up what is written to one place twice.",
        "two": "The later object overwrites the box, and the class bit of the earlier one stays.",
        "other": "Box and class come from different objects: one of the two is overwritten, or "
        "argmax of two class bits takes the smaller class.",
    },
    tries="Write box, objectness and classes of a slot together, or refuse a second object there.",
    look=_look,
    bugs=(4, 5),
    follows=("ledger",),
)
