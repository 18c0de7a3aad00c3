"""Whether the mined negatives are the hardest, as many as the ratio says, and no object's."""

from __future__ import annotations

from collections.abc import Iterator

from yolo_core.breakdown import LossBreakdown
from yolo_core.doctor import pictures
from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.loss_bench import SURE, LossBench


def _look(bench: LossBench) -> Iterator[Seen]:
    rule = bench.loss.ignore_rule
    if rule.ratio is None or "background" not in bench.channels:
        raise NotTried("It does not mine its negatives.")
    # Objects that are said to be background are harder than any empty slot.
    missed = bench.random_slots.copy()
    positive = bench.random.assignment.object_mask
    missed[..., bench.channels.index("background")][positive] = SURE
    for whole in (bench.random, bench.take_apart(missed)):
        found = list(_wrong(whole, rule.ratio))
        if found:
            yield found[0]
            return


def _wrong(whole: LossBreakdown, ratio: int) -> Iterator[Seen]:
    a = whole.assignment
    for picture in range(len(a.object_mask)):
        name, positive = pictures.NAMES[picture], a.object_mask[picture]
        mined = a.no_object_mask[picture]
        count, wanted = int(mined.sum()), ratio * int(positive.sum())
        wanted = min(wanted, positive.size - int(positive.sum()))
        if (mined & positive).any():
            yield Seen(
                {
                    "what": f"{int((mined & positive).sum())} matched slots of the picture "
                    f'"{name}" are among its negatives'
                },
                subject="positives",
                cause="positives",
            )
        if count != wanted:
            yield Seen(
                {
                    "what": f'the picture "{name}" has {count} negatives for '
                    f"{int(positive.sum())} matched slots, at a ratio of {ratio}"
                },
                subject="count",
                cause="count",
            )
        # The less a slot says "background", the harder it is: by its objectness.
        said = whole.predictions["objectness"][picture]
        left = ~mined & ~positive
        if mined.any() and left.any() and said[mined].min() < said[left].max() - 1e-4:
            yield Seen(
                {
                    "what": f'in the picture "{name}" a slot that says an object with '
                    f"{said[left].max():.3f} is left out for one with {said[mined].min():.3f}"
                },
                subject="hardest",
                cause="hardest",
            )
            return


CHECK = Check(
    id="mining",
    title="Mined negatives that are not the hardest",
    of="loss",
    means="Background is learned from the wrong slots, or objects are trained as background.",
    what="{what}.",
    causes={
        "positives": "Matched slots are not taken out before the negatives are sorted.",
        "count": "The negatives are counted over the whole batch, or the ratio is not applied.",
        "hardest": "They are sorted by another number than their loss, or the wrong way round.",
    },
    tries="Set the hardness of matched slots below all others, and take ratio x matched of each "
    "picture.",
    look=_look,
    bugs=(23,),
)
