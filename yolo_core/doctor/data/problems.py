"""How much of the data was set aside."""

from __future__ import annotations

from collections.abc import Iterator

from yolo_core.data.pictures import BOX_SET_ASIDE, PICTURE_SET_ASIDE, counted
from yolo_core.doctor.data_bench import DataBench
from yolo_core.doctor.finding import Check, Seen

_SHARE = 0.02


def _look(bench: DataBench) -> Iterator[Seen]:
    data = bench.pictures
    boxes = sum(each.effect == BOX_SET_ASIDE for each in data.problems)
    pictures = sum(each.effect == PICTURE_SET_ASIDE for each in data.problems)
    there = len(data.box_picture), len(data.files)
    if boxes > _SHARE * (boxes + there[0]) or pictures > _SHARE * (pictures + there[1]):
        first = next(
            each for each in data.problems if each.effect in (BOX_SET_ASIDE, PICTURE_SET_ASIDE)
        )
        yield Seen(
            {
                "counted": counted(data.problems),
                "objects": f"{there[0]:,}",
                "pictures": f"{there[1]:,}",
                "file": first.file,
                "about": first.about.rstrip("."),
            },
            link={"page": "Data"},
        )


CHECK = Check(
    id="data-problems",
    title="Data that could not be used",
    of="data",
    means="What is set aside is never trained on, and what was in it is missed at test time.",
    what="Of {objects} objects in {pictures} pictures that were read, {counted}; the first: "
    "{file}: {about}.",
    causes={"": "The annotations are damaged, of other pictures, or of another layout than said."},
    tries="Go through the list on the Data page, or python -m yolo_core data ENTRY.",
    look=_look,
)
