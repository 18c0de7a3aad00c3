"""What is wrong with data and anchors before a training; numbers by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.doctor.toy_data import BrightBoxes, bench
from yolo_core.data.pictures import AnnotatedPictures, Problem
from yolo_core.doctor.finding import examine
from yolo_core.doctor.registry import checks

# Of the objects of `BrightBoxes`: 0.2 to 0.3 wide, 0.1 to 0.15 high.
FITTING = [[0.22, 0.11], [0.28, 0.14]]


def found(of_bench, *ids):
    chosen = [each for each in checks("data") if not ids or each.id in ids]
    return examine(chosen, of_bench)


def with_anchors(anchors):
    return bench(BrightBoxes(), loss={"anchors": anchors})


@pytest.mark.slow
def test_anchors_that_fit_are_left_alone():
    assert found(with_anchors(FITTING)).findings == ()


def test_anchors_in_cells_are_named_with_the_factor():
    # A network of 16 px a cell: 64 px are 4 cells, and an anchor of 0.88 cells is 0.22 of them.
    in_cells = [[w * 4, h * 4] for w, h in FITTING]
    (finding,) = found(with_anchors(in_cells), "anchor-scale").findings
    assert "16" in finding.seen.evidence["ratio"][:2] or float(finding.seen.evidence["ratio"]) > 10
    assert float(finding.seen.evidence["better"]) > float(finding.seen.evidence["fit"])


def test_anchors_with_height_first_are_named():
    exchanged = [[h, w] for w, h in FITTING]
    (finding,) = found(with_anchors(exchanged), "anchor-shape").findings
    assert float(finding.seen.evidence["other"]) > 0.8


def test_an_anchor_that_is_there_twice_or_never_used():
    (twice,) = found(with_anchors([*FITTING, FITTING[0]]), "anchor-use").findings
    assert twice.seen.cause == "twice"
    (never,) = found(with_anchors([*FITTING, [0.9, 0.9]]), "anchor-use").findings
    assert "57.6 x 57.6 px" in never.what  # 0.9 of 64


def test_a_class_without_an_object():
    (finding,) = found(bench(BrightBoxes(classes=3)), "class-unseen").findings
    assert "class 2" in finding.what
    assert found(bench(BrightBoxes()), "class-unseen").findings == ()


@pytest.mark.parametrize(
    ("mirrored", "named"), [("never", False), ("boxes too", False), ("picture alone", True)]
)
def test_boxes_that_stay_while_pictures_are_mirrored(mirrored, named):
    findings = found(bench(BrightBoxes(mirrored)), "augmented").findings
    assert bool(findings) is named
    if named:
        assert "mirrored left to right" in findings[0].what


def pictures(sizes, problems=()) -> AnnotatedPictures:
    """A picture of each size with one object of 40 x 20 pixels."""
    count = len(sizes)
    return AnnotatedPictures(
        name="made up",
        folder=None,  # pyright: ignore[reportArgumentType]
        classes=("a",),
        files=tuple(f"{index}.png" for index in range(count)),
        sizes=np.array(sizes, np.int32),
        splits={},
        box_picture=np.arange(count, dtype=np.int32),
        box_edges=np.tile(np.float32([[10, 10, 50, 30]]), (count, 1)),
        box_class=np.zeros(count, np.int32),
        box_difficult=np.zeros(count, bool),
        ignored_picture=np.zeros(0, np.int32),
        ignored_edges=np.zeros((0, 4), np.float32),
        ignored_class=np.zeros(0, np.int32),
        problems=tuple(problems),
        read_picture=lambda _: np.zeros((1, 1, 3), np.uint8),
    )


def read(data, fit="stretch", **loss):
    source = BrightBoxes()
    source.data = data  # pyright: ignore[reportAttributeAccessIssue]
    fields = {"source": "voc:made-up", "image_size": 64, "fit": fit}
    return bench(source, data=fields, loss=loss)


def test_pictures_of_three_to_one_are_stretched_too_far():
    long, square = pictures([(300, 100)] * 30), pictures([(100, 100)] * 30)
    (finding,) = found(read(long), "stretched").findings
    assert finding.seen.evidence["middle"] == "3.00"
    assert found(read(square), "stretched").findings == ()
    assert "stretched" in found(read(long, "letterbox"), "stretched").not_tried


def test_anchors_that_were_computed_under_letterbox():
    # 40 x 20 of 200 x 100: letterboxed to 64 x 64 they are 12.8 x 6.4 px, stretched 12.8 x 12.8.
    data = pictures([(200, 100)] * 30)
    letterboxed = [[0.2, 0.1]]
    (finding,) = found(read(data, anchors=letterboxed), "anchor-resize").findings
    assert (finding.seen.evidence["here"], finding.seen.evidence["there"]) == ("0.50", "1.00")
    assert found(read(data, "letterbox", anchors=letterboxed), "anchor-resize").findings == ()


def test_objects_that_lose_their_slot():
    # Two of one size at one place: they want the same slot, and the later one has it.
    alone = pictures([(100, 100)] * 30)
    boxes = ("box_picture", "box_edges", "box_class", "box_difficult")
    pairs = dataclasses.replace(
        alone, **{each: np.repeat(getattr(alone, each), 2, axis=0) for each in boxes}
    )
    (finding,) = found(read(pairs), "collisions").findings
    assert finding.what.startswith("30 of 60 objects (50%) want a slot that a later object takes")
    assert found(read(alone), "collisions").findings == ()


def test_data_that_were_set_aside():
    sound = pictures([(100, 100)] * 30)
    wrong = [Problem("3.xml", "object 1", "The box has no area.", "box set aside")] * 2
    damaged = read(dataclasses.replace(sound, problems=tuple(wrong)))
    (finding,) = found(damaged, "data-problems").findings
    assert "2 × box set aside" in finding.what
    assert "3.xml: The box has no area." in finding.what
    assert found(read(sound), "data-problems").findings == ()
