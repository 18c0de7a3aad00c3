"""Labels that a network which is right elsewhere contradicts, again and again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord, views
from yolo_core.models.decode import overlaps, scores
from yolo_core.views import SampleView

_STEPS = 500
_FOUND, _SURE = 0.85, 0.9
_SAME, _BESIDE, _NOWHERE = 0.6, 0.1, 0.05
_SHOWN = 5


def _look(run: RunRecord) -> Iterator[Seen]:
    run.at_least(_STEPS)
    looks = run.last_looks(3)
    share = run.found_share(looks[-1])
    if not share > _FOUND:
        raise NotTried(
            f"The network finds {share:.0%} of the objects: it is no judge of labels yet."
        )
    names = looks[-1].class_names
    counted: Counter[tuple[str, str, int]] = Counter()
    words: dict[tuple[str, str, int], str] = {}
    for snapshot in looks:
        for view in views(snapshot):
            for kind, index, said in _doubts(view, names):
                counted[view.name, kind, index] += 1
                words[view.name, kind, index] = said
    always = [key for key, count in counted.items() if count == len(looks)]
    for sample, kind, index in always[:_SHOWN]:
        more = {} if kind == "overlooked" else {"object": index}
        yield Seen(
            {"sample": sample, "what": words[sample, kind, index], "share": f"{share:.0%}"},
            subject=f"{sample} {kind} {index}",
            cause=kind,
            step=looks[0].step,
            link=run.link(looks[-1], sample, **more),
        )


def _doubts(view: SampleView, names: tuple[str, ...]) -> Iterator[tuple[str, int, str]]:
    """What a sample's sure detections have against its labels: kind, number, words."""
    seen = view.predictions
    score, label = scores(seen["objectness"][None], seen["class_probabilities"][None])
    score, label = score[0], label[0]
    objects = view.objects
    overlap = overlaps(seen["boxes"], view.y_true[objects, 1:5])
    sure = np.flatnonzero(view.keep & (score >= _SURE))
    for slot in sure.tolist():
        best = int(overlap[slot].argmax()) if len(objects) else -1
        iou = float(overlap[slot, best]) if best >= 0 else 0.0
        said = names[int(label[slot])]
        if iou < _NOWHERE:
            # A place and not a slot: the neighbour may see it in the next snapshot.
            x, y = (int(each * 8) for each in np.clip(seen["boxes"][slot, :2], 0, 0.999))
            yield (
                "overlooked",
                y * 8 + x,
                f"a {said} is seen with a score of {score[slot]:.2f} where no label is",
            )
            continue
        index = int(objects[best])
        wanted = names[int(view.y_true[index, 5:].argmax())]
        found = (overlap[sure, best] >= _SAME) & (label[sure] == view.y_true[index, 5:].argmax())
        if iou >= _SAME and said != wanted and not found.any():
            yield (
                "swapped",
                index,
                f"object {index} is labelled {wanted}, and seen as {said} with a score of "
                f"{score[slot]:.2f}",
            )
        elif _BESIDE < iou < 0.4 and said == wanted and not found.any():
            yield (
                "misplaced",
                index,
                f"object {index} ({wanted}) is seen with a score of {score[slot]:.2f} by a box "
                f"that has an IoU of {iou:.2f} with its label",
            )


CHECK = Check(
    id="label-doubt",
    title="A label that the trained network contradicts",
    of="run",
    means="The label is wrong, or the picture is one to learn from.",
    what="In {sample}, in each of the last three snapshots, {what}; of all objects the network "
    "finds {share}.",
    causes={
        "overlooked": "An object was overlooked when the picture was labelled.",
        "swapped": "The label names another class than the picture shows.",
        "misplaced": "The label's box lies beside the object.",
    },
    tries="Look at the picture, and mend the label where it is wrong.",
    look=_look,
)
