"""Whether the loss of a run reads its labels as they are: cells, targets, masks, anchors."""

from __future__ import annotations

from collections.abc import Iterator

from yolo_core.anchors import doubtful_anchors
from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord, views
from yolo_core.explain.by_label import place_doubts, target_doubts
from yolo_core.explain.report import is_partition


def _look(run: RunRecord) -> Iterator[Seen]:
    snapshot = next((each for each in reversed((*run.batches[-1:], *run.pinned[-1:]))), None)
    if snapshot is None:
        raise NotTried("There is no snapshot.")
    for sentence in doubtful_anchors(snapshot.layout, snapshot.images.shape[1:]):
        yield Seen(
            {"what": sentence},
            subject="anchors",
            cause="anchors",
            step=snapshot.step,
            link=run.link(snapshot),
        )
    told: set[str] = set()
    for view in views(snapshot):
        cases = {"places": place_doubts(view), "targets": target_doubts(view)}
        if not is_partition(view):
            cases["masks"] = [f"In {view.name}, slots are in several masks, or in none."]
        for kind, sentences in cases.items():
            if sentences and kind not in told:
                told.add(kind)
                yield Seen(
                    {"what": sentences[0]},
                    subject=kind,
                    cause=kind,
                    step=snapshot.step,
                    link=run.link(snapshot, view.name),
                )


CHECK = Check(
    id="misread",
    title="A loss that reads its labels otherwise",
    of="run",
    means="The network is trained for something else than the labels say.",
    what="{what}",
    causes={
        "anchors": "The anchors are in another unit: pixels, cells and fractions of the picture "
        "are easily mixed up.",
        "places": "Rows and columns, or x and y, are exchanged, or the cell is that of a corner.",
        "targets": "Encoding and decoding are not each other's inverse, or labels are read in "
        "another order.",
        "masks": "The steps that write the masks come in the wrong order.",
    },
    tries="Open the sample on Inspect; run the doctor on the loss, which tries it on pictures that "
    "are not square.",
    look=_look,
    bugs=(1, 2, 3, 6, 7, 10, 13),
)
