"""Whether every object is accounted for: what the ledger says must be so in the masks."""

from __future__ import annotations

from collections.abc import Iterator

from yolo_core.assignment import ObjectStatus
from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.loss_bench import LossBench, object_words

_LEGITIMATE = (ObjectStatus.OVERWRITTEN, ObjectStatus.BELOW_THRESHOLD)


def _look(bench: LossBench) -> Iterator[Seen]:
    found: dict[str, list[tuple[int, int, str]]] = {}
    a = bench.random.assignment
    for picture, index in bench.objects():
        for row, number in enumerate(a.object_status[picture, index].tolist()):
            status = ObjectStatus(number)
            slot = int(a.object_slot[picture, index, row])
            if status.is_matched:
                if slot < 0 or not a.object_mask[picture, slot]:
                    where = "no slot" if slot < 0 else bench.slot_words(slot)
                    found.setdefault("erased", []).append((picture, index, where))
                elif status is ObjectStatus.MATCHED and a.matched_object[picture, slot] != index:
                    owner = int(a.matched_object[picture, slot])
                    where = f"{bench.slot_words(slot)}, which is trained for object {owner}"
                    found.setdefault("taken", []).append((picture, index, where))
            elif status is ObjectStatus.OVERWRITTEN:
                rival = int(a.overwritten_by[picture, index, row])
                if rival in (-1, index) or int(a.object_slot[picture, rival, row]) != slot:
                    found.setdefault("lost", []).append((picture, index, "overwritten by nobody"))
            elif status not in _LEGITIMATE:
                found.setdefault("dropped", []).append((picture, index, status.word))
    for kind, objects in found.items():
        picture, index, words = objects[0]
        x, y, width, height = bench.y_true[picture, index, 1:5].tolist()
        yield Seen(
            {
                "what": f"{len(objects)} of {len(bench.objects())} objects {_WHAT[kind]}: "
                f"{object_words(picture, index)}, {width:.2f} x {height:.2f} about "
                f"({x:.3f}, {y:.3f}), {_HOW[kind].format(words)}"
            },
            subject=kind,
            cause=kind,
        )


_WHAT = {
    "erased": "have a slot that is not trained for an object",
    "taken": "are called matched while their slot is trained for another one",
    "lost": "lost their slot to nobody",
    "dropped": "with their centre in the picture are trained by no slot",
}
_HOW = {
    "erased": "is said to have {}, which is not in the object mask",
    "taken": "is said to have {}",
    "lost": "is {}",
    "dropped": "is {}",
}
CHECK = Check(
    id="ledger",
    title="Objects that are lost without a reason",
    of="loss",
    means="These objects are in the labels and are not learned.",
    what="{what}.",
    causes={
        "erased": "A later step takes the slot out of the object mask again, such as the ignore "
        "rule or a reset of the whole cell.",
        "taken": "Two objects want one slot; the later one overwrote it, and nobody noticed.",
        "lost": "The forced match changed the label and not the index, or was overwritten itself.",
        "dropped": "A comparison such as x < columns drops a centre on the edge in silence; it "
        "belongs to the last cell.",
    },
    tries="Follow this one object through your matching, and clip the cell to the last row and "
    "column.",
    look=_look,
    bugs=(4, 6, 13, 24),
)
