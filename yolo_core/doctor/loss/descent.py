"""Whether free predictions learn the objects: gradient steps on the raw numbers, no network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.loss.oracle import CHECK as ORACLE
from yolo_core.doctor.loss_bench import LossBench, object_words
from yolo_core.doctor.pictures import COLLISION
from yolo_core.models.decode import overlaps

_LEAST_IOU, _LEAST_OBJECTNESS = 0.6, 0.5


def _look(bench: LossBench) -> Iterator[Seen]:
    whole = bench.learned
    matched = whole.assignment.matched_object
    boxes, classes = whole.predictions["boxes"], whole.predictions["class_probabilities"]
    found: dict[str, list[tuple[int, int, str]]] = {}
    tried = 0
    for picture, index in bench.objects():
        # Which slots a plain function gives an object is not known: any may say it.
        mine = matched[picture] == index
        slots = np.flatnonzero(mine) if bench.terms_known else np.arange(len(mine))
        if picture == COLLISION or not slots.size:
            continue
        tried += 1
        label = bench.y_true[picture, index]
        iou = overlaps(boxes[picture, slots], label[None, 1:5])[:, 0]
        fit = iou if bench.terms_known else iou * whole.predictions["objectness"][picture]
        best = slots[int(fit.argmax())]
        score = float(whole.predictions["objectness"][picture, best])
        says = int(classes[picture, best].argmax())
        if iou.max() < _LEAST_IOU:
            found.setdefault("box", []).append((picture, index, f"IoU {iou.max():.2f}"))
        if score < _LEAST_OBJECTNESS:
            words = f"an objectness of {score:.2f}"
            found.setdefault("objectness", []).append((picture, index, words))
        if says != label[5:].argmax():
            words = f"class {says} in place of {int(label[5:].argmax())}"
            found.setdefault("class", []).append((picture, index, words))
    empty = whole.assignment.no_object_mask & (matched < 0)
    loud = whole.predictions["objectness"][empty]
    if loud.size and (loud > _LEAST_OBJECTNESS).mean() > 0.2:
        words = f"an objectness of {np.median(loud):.2f} in the middle of {loud.size} empty slots"
        evidence = {"what": words, "count": "the empty slots", "steps": bench.descent_steps}
        yield Seen(evidence, subject="empty", cause="empty")
    for kind, objects in found.items():
        if len(objects) * 2 > tried:
            picture, index, words = objects[0]
            yield Seen(
                {
                    "what": f"{words} for {object_words(picture, index)}",
                    "count": f"{len(objects)} of {tried} objects",
                    "steps": bench.descent_steps,
                },
                subject=kind,
                cause=kind,
            )


CHECK = Check(
    id="descent",
    title="Free predictions do not learn the objects",
    of="loss",
    means="No network can learn what the loss itself does not lead to.",
    what="Predictions that were free to move, with no network behind them, did not learn {count} "
    "in {steps} steps: {what}.",
    causes={
        "": "",
        "box": "The box terms lead to another box than the label, or are outweighed.",
        "objectness": "The objectness of matched slots is trained towards something below 1, is "
        "outweighed by the empty slots, or has no gradient.",
        "class": "The class is trained towards another index, such as one off by one.",
        "empty": "Slots without an object are not trained to say so: a mask is inverted or left "
        "out.",
    },
    tries="Look at the gradients of a slot in Inspect's card: which term pulls which number where.",
    look=_look,
    bugs=(7, 9, 16, 19),
    of_total=True,
    # What keeps perfect predictions from costing nothing keeps free ones from the objects, too.
    follows=(*ORACLE.follows, "scaling", "saturation", "pull", "oracle"),
)
