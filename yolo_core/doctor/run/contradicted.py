"""Labels that a network which is right elsewhere contradicts, again and again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord, views
from yolo_core.evaluation.misses import Miss, find_objects
from yolo_core.models.decode import overlaps, scores
from yolo_core.views import SampleView, Snapshot

_STEPS = 500
_RIGHT, _LEAST = 0.75, 5
_SAME, _FITS, _BESIDE, _NOWHERE = 0.6, 0.4, 0.2, 0.05
_SEEN, _SIZE, _BORDER = 0.1, 0.7, 0.01
_SHOWN = 5


def _look(run: RunRecord) -> Iterator[Seen]:
    run.at_least(_STEPS)
    looks = run.last_looks(3)
    # How sure a network is when it is right depends on its loss: IoU times class, or a sigmoid.
    sure = _median_of_found(looks[-1])
    agreement = _agreement(looks[-1], sure)
    if not agreement > _RIGHT:
        raise NotTried(
            f"Where it is surest, {agreement:.0%} of what the network sees is labelled so: it is "
            "no judge of labels yet."
        )
    names = looks[-1].class_names
    counted: Counter[tuple[str, str, int]] = Counter()
    words: dict[tuple[str, str, int], str] = {}
    for snapshot in looks:
        for view in views(snapshot):
            for kind, index, said in _doubts(view, names, sure):
                counted[view.name, kind, index] += 1
                words[view.name, kind, index] = said
    always = [key for key, count in counted.items() if count == len(looks)]
    # An object that nobody labelled may be one that nobody wanted: that comes last.
    always.sort(key=lambda key: list(CHECK.causes).index(key[1]))
    for sample, kind, index in always[:_SHOWN]:
        more = {} if kind == "overlooked" else {"object": index}
        yield Seen(
            {"sample": sample, "what": words[sample, kind, index], "share": f"{agreement:.0%}"},
            subject=f"{sample} {kind} {index}",
            cause=kind,
            step=looks[0].step,
            link=run.link(looks[-1], sample, **more),
        )


def _scored(view: SampleView) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(P,) score and class of each slot, and (P, N) whether it fits an object of its class."""
    seen, objects = view.predictions, view.objects
    score, label = scores(seen["objectness"][None], seen["class_probabilities"][None])
    overlap = overlaps(seen["boxes"], view.y_true[objects, 1:5])
    alike = view.y_true[objects, 5:].argmax(axis=1) == label[0][:, None]
    return score[0], label[0], alike & (overlap >= _FITS)


def _median_of_found(snapshot: Snapshot) -> float:
    """The score with which half of the found objects are seen; infinite where none is."""
    found: list[np.ndarray] = []
    for view in views(snapshot):
        score, _, fits = _scored(view)
        best = np.where(fits & view.keep[:, None], score[:, None], 0.0).max(axis=0, initial=0.0)
        found.append(best[best > 0])
    every = np.concatenate(found) if found else np.zeros(0)
    return float(np.median(every)) if every.size else np.inf


def _agreement(snapshot: Snapshot, sure: float) -> float:
    """The part of the detections with that score that fit a label of their class."""
    right: list[np.ndarray] = []
    for view in views(snapshot):
        score, _, fits = _scored(view)
        right.append(np.any(fits[view.keep & (score >= sure)], axis=1))
    every = np.concatenate(right) if right else np.zeros(0)
    return float(every.mean()) if len(every) >= _LEAST else 0.0


def _doubts(
    view: SampleView, names: tuple[str, ...], sure: float
) -> Iterator[tuple[str, int, str]]:
    """What a sample's sure detections have against its labels: kind, number, words.

    A detection that fits a label of its class says nothing. Any other one is held against the
    labels that nothing fits, and, where it is far from all labels, taken for an overlooked object.
    """
    seen, objects = view.predictions, view.objects
    score, label, fits = _scored(view)
    wanted = view.y_true[objects, 5:].argmax(axis=1)
    overlap = overlaps(seen["boxes"], view.y_true[objects, 1:5])
    missed = find_objects(view).miss != Miss.FOUND
    for slot in np.flatnonzero(view.keep & (score >= sure)).tolist():
        box, said = seen["boxes"][slot].astype(np.float64), names[int(label[slot])]
        words = f"with a score of {score[slot]:.2f}"
        if not len(objects) or overlap[slot].max() < _NOWHERE:
            # What the border cuts is left out by many who label.
            if (box[:2] - box[2:] / 2 > _BORDER).all() and (
                box[:2] + box[2:] / 2 < 1 - _BORDER
            ).all():
                # A place and not a slot: the neighbour may see it in the next snapshot.
                x, y = (int(each * 8) for each in np.clip(box[:2], 0, 0.999))
                yield "overlooked", y * 8 + x, f"{said} is seen {words} where no label is"
            continue
        alike = wanted == label[slot]
        if fits[slot].any() or not missed.any():
            continue
        at = int(np.where(missed, overlap[slot], -1.0).argmax())
        index, iou = int(objects[at]), float(overlap[slot, at])
        if iou >= _SAME and not alike[at]:
            yield (
                "swapped",
                index,
                f"object {index} is labelled {names[int(wanted[at])]}, and seen as {said} {words}",
            )
        # A label that was moved has kept its size, and nothing is seen where it lies.
        size = view.y_true[index, 3:5].astype(np.float64)
        shape = overlaps(np.r_[0, 0, box[2:]][None], np.r_[0, 0, size][None])[0, 0]
        alone = not (view.keep & (score >= _SEEN) & (overlap[:, at] >= _FITS)).any()
        if alike[at] and _BESIDE < iou < _FITS and shape >= _SIZE and alone:
            yield (
                "misplaced",
                index,
                f"object {index} ({said}) is seen {words} by a box that has an IoU of {iou:.2f} "
                "with its label",
            )


CHECK = Check(
    id="label-doubt",
    title="A label that the trained network contradicts",
    of="run",
    means="The label is wrong, or the picture is one to learn from.",
    what="In {sample}, in each of the last three snapshots, {what}; of what it sees as surely, "
    "{share} is labelled so.",
    causes={
        "swapped": "The label names another class than the picture shows.",
        "misplaced": "The label's box lies beside the object.",
        "overlooked": "An object was overlooked when the picture was labelled.",
    },
    tries="Look at the picture, and mend the label where it is wrong.",
    look=_look,
)
