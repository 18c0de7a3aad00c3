"""Lessons: made-up samples in which one rule of a loss is to be seen. Plain values, no Keras.

`yolo_core/sandbox/lessons.py` opens one. What it says is filled in from the very sample that is
shown, before and after its change; the tests hold the words of each against the ledger.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

SIDE = 96
"""Of the canvas, in pixels."""
ANCHORS = ((12, 18), (17, 27), (26, 38))
"""In pixels, small, middle, large; for the lessons on one grid with anchors."""


@dataclasses.dataclass(frozen=True)
class Change:
    """What the last sentence of a lesson is about.

    Attributes:
        moved: {object: pixels to the right and down}.
        boxes: {object: x_center, y_center, width, height in pixels}.
        anchors: All of them in pixels; None leaves them as they are.
        options: {option: value} of the loss.
        lambdas: {term: weight}.
    """

    moved: Mapping[int, tuple[float, float]] = dataclasses.field(default_factory=dict)
    boxes: Mapping[int, tuple[float, float, float, float]] = dataclasses.field(default_factory=dict)
    anchors: tuple[tuple[float, float], ...] | None = None
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    lambdas: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Lesson:
    """A state, and what is to be seen in it.

    Attributes:
        title: What it is about.
        loss: Name of the loss.
        digits: (digit, x_center, y_center, longer side) of each object, in pixels of a canvas of
            `SIDE`.
        sentences: What is shown, why, and what its change does. In braces: `before` and `after`,
            two `Facts` of `yolo_core/sandbox/lessons.py`.
        change: The edits that its last sentence is about.
        watch: (head, row, column, slot of the cell) of the slot that it is about.
        options: Of the loss.
        anchors: (T, 2) in pixels; None for those that the loss is set up with for the digits.
        predicts: x_center, y_center, width and height in pixels of the box that the slot to watch
            predicts; None for raw zeros, as in all other slots.
        step: Steps that were taken.
    """

    title: str
    loss: str
    digits: tuple[tuple[int, float, float, int], ...]
    sentences: tuple[str, str, str]
    change: Change
    watch: tuple[int, int, int, int] = (0, 2, 2, 0)
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    anchors: Sequence[tuple[float, float]] | None = None
    predicts: tuple[float, float, float, float] | None = None
    step: int = 0


LESSONS: dict[str, Lesson] = {
    "collision": Lesson(
        title="Two digits in one slot",
        loss="mnist_yolo",
        digits=((3, 36.0, 38.0, 26), (5, 45.0, 42.0, 26)),
        sentences=(
            "Objects 0 and 1 have their centres in one cell, and both train "
            "{before.objects[0].slot}: the status of each is {before.objects[0].status}.",
            "This loss lets both into its terms, so that one predictor is pulled to two boxes and "
            "two classes at once and can meet neither.",
            "Moved by 16 pixels to the right, object 1 trains {after.objects[1].slot}, both are "
            "{after.objects[0].status}, and the loss goes from {before.total:.4g} to "
            "{after.total:.4g}.",
        ),
        change=Change(moved={1: (16.0, 0.0)}),
    ),
    "no-collision": Lesson(
        title="It only looks like a collision",
        loss="yolov2",
        anchors=ANCHORS,
        digits=((8, 38.0, 40.0, 38), (1, 42.0, 38.0, 16)),
        sentences=(
            "Both centres lie in one cell, and yet both objects are {before.objects[0].status}: 0 "
            "by {before.objects[0].slot}, 1 by {before.objects[1].slot}.",
            "The anchor is chosen by shape alone (shape IoU {before.objects[0].score:.2f} and "
            "{before.objects[1].score:.2f}), so a large and a small digit do not meet.",
            "With the width and height of object 0, object 1 takes the same anchor: object 0 is "
            "then {after.objects[0].status}, and {after.trained} slot is trained in place of "
            "{before.trained}.",
        ),
        change=Change(boxes={1: (42.0, 38.0, 22.0, 40.0)}),
        watch=(0, 2, 2, 2),
    ),
    "border": Lesson(
        title="A digit on the border of two cells",
        loss="yolov2",
        anchors=ANCHORS,
        digits=((4, 47.0, 40.0, 26),),
        sentences=(
            "The centre of object 0 is at x = {before.objects[0].x:.4g} px, a pixel left of the "
            "border at 48, and {before.objects[0].slot} is trained for it.",
            "A cell owns the objects whose centre it holds: most of this digit's right half lies "
            "in cells that are told that there is no object.",
            "Three pixels to the right the centre is at {after.objects[0].x:.4g} px, and "
            "{after.objects[0].slot} is trained in its place: labels that are off by so little "
            "train another slot.",
        ),
        change=Change(moved={0: (3.0, 0.0)}),
    ),
    "ignore": Lesson(
        title="The threshold from which a slot is ignored",
        loss="yolov2",
        anchors=ANCHORS,
        digits=((6, 40.0, 40.0, 38),),
        predicts=(40.0, 42.0, 24.0, 34.0),
        watch=(0, 2, 2, 1),
        sentences=(
            "{before.slot} is not the one that object 0 trains ({before.objects[0].slot} is), but "
            "its predicted box overlaps the object with more than 0.6: its part is "
            "{before.part}.",
            "It adds {before.adds:.4g} to the loss, for a slot that nearly finds the object shall "
            "not be punished for it.",
            "With a threshold of 0.9 its part is {after.part}: it adds {after.adds:.4g}, and is "
            "taught not to find what it found.",
        ),
        change=Change(options={"ignore_threshold": 0.9}),
    ),
    "no-anchor": Lesson(
        title="No anchor fits",
        loss="yolov2",
        anchors=((80, 80), (90, 60), (60, 90)),
        digits=((2, 40.0, 40.0, 16),),
        sentences=(
            "The best anchor has a shape IoU of {before.objects[0].score:.2f} with object 0, and "
            "still the object is {before.objects[0].status}: {before.objects[0].slot} is trained.",
            "This loss takes the best anchor however bad that is, and nothing in the masks tells; "
            "the size is paid for in its wh term, {before.terms[wh]:.4g}.",
            "With an anchor of 12 x 18 pixels the shape IoU is {after.objects[0].score:.2f}, the "
            "wh term {after.terms[wh]:.4g}.",
        ),
        change=Change(anchors=((12.0, 18.0), (90.0, 60.0), (60.0, 90.0))),
    ),
    "overwritten": Lesson(
        title="An object that is overwritten",
        loss="yolov2",
        anchors=ANCHORS,
        digits=((7, 37.0, 39.0, 26), (2, 44.0, 41.0, 26)),
        sentences=(
            "Objects 0 and 1 want the same slot, {before.objects[1].slot}: object 1 is "
            "{before.objects[1].status}, object 0 is {before.objects[0].status}.",
            "Here a slot has one object, and the one that stands later in the labels takes it: "
            "nothing in this loss is about object 0.",
            "Moved by 16 pixels to the right, object 1 trains {after.objects[1].slot}, and object "
            "0 is {after.objects[0].status}.",
        ),
        change=Change(moved={1: (16.0, 0.0)}),
        watch=(0, 2, 2, 1),
    ),
    "forced": Lesson(
        title="SSD's forced match",
        loss="ssd",
        digits=((4, 48.0, 48.0, 30),),
        sentences=(
            "No prior overlaps object 0 with the 0.5 that a match takes, the best with "
            "{before.objects[0].score:.2f}, and still the object is {before.objects[0].status}.",
            "Each object gets the prior that overlaps it best, however little: here "
            "{before.objects[0].slot}, and {before.objects[0].count} slot in all.",
            "With a box of 24 x 24 pixels about the centre of a cell the best overlap is "
            "{after.objects[0].score:.2f}, and {after.objects[0].count} slots train it by the "
            "threshold.",
        ),
        change=Change(boxes={0: (40.0, 40.0, 24.0, 24.0)}),
    ),
    "warm-up": Lesson(
        title="Warm-up",
        loss="yolov2",
        anchors=ANCHORS,
        digits=((0, 40.0, 40.0, 26),),
        options={"warmup_batches": 100},
        predicts=(4.0, 90.0, 60.0, 30.0),
        watch=(0, 5, 0, 0),
        step=10,
        sentences=(
            "{before.slot} has no object (its part is {before.part}), and yet its box is trained: "
            "it adds {before.adds:.4g}.",
            "At step 10 of a warm-up of 100 every slot without an object is pulled to its own cell "
            "and anchor, so that all start from there.",
            "Without the warm-up its box is free, and what it adds, {after.adds:.4g}, is its "
            "objectness alone.",
        ),
        change=Change(options={"warmup_batches": 0}),
    ),
    "zero": Lesson(
        title="A lambda of zero",
        loss="yolov2",
        anchors=ANCHORS,
        digits=((9, 40.0, 40.0, 26), (3, 72.0, 66.0, 26)),
        watch=(0, 0, 0, 0),
        sentences=(
            "Of {before.slots} slots {before.trained} are trained for an object; {before.slot} is "
            "one of the others (its part is {before.part}) and adds {before.adds:.4g}.",
            "The term no_object is {before.terms[no_object]:.4g}, and its lambda "
            "{before.lambdas[no_object]:.4g} decides how much that counts.",
            "With a lambda of {after.lambdas[no_object]:.4g} the masks and the term stay, "
            "{after.terms[no_object]:.4g}, and the slot adds {after.adds:.4g}: nothing keeps it "
            "from finding objects where there are none.",
        ),
        change=Change(lambdas={"no_object": 0.0}),
    ),
}
"""{what the address calls it: the lesson}, in their order."""
