"""Forms of the terms of confidence: where there is an object, and where there is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from yolo_core.compare.own.forms.decoding import Centre, Size, by_raw, centres, decode, sizes
from yolo_core.compare.own.forms.evidence import Evidence, Form, Trained
from yolo_core.compare.own.forms.fitting import share_of
from yolo_core.compare.own.forms.functions import CONFIDENCE_ERRORS, ERRORS, MIXING, NUMBERS
from yolo_core.compare.own.forms.overlaps import (
    Measure,
    centre_from_width,
    ciou,
    ciou_weight,
    diou,
    from_corner,
    giou,
    half_forgotten,
    iou,
    over_both,
    over_object,
    over_prediction,
    slopes,
)

_SMOOTHED = (0.9, 0.95, 0.99, 0.5)


@dataclasses.dataclass(frozen=True)
class Target:
    """What a confidence is trained towards.

    Attributes:
        decoding: (mistake in x and y, mistake in w and h) of the boxes it is measured by.
        words: What it is else.
        value: (M,).
        slope: Gives (M, 4) of it by the raw numbers of the box; None where it is a number.
    """

    decoding: tuple[str, str]
    words: str
    value: np.ndarray
    slope: Callable[[], np.ndarray] | None = None


@dataclasses.dataclass(frozen=True)
class _Through:
    """The gradient through a target, computed where it is wanted."""

    by_target: np.ndarray
    slope: Callable[[], np.ndarray]

    def __call__(self) -> np.ndarray:
        return self.by_target[:, None] * self.slope()


IOU = "the IoU of the predicted box"


def targets(evidence: Evidence, at: Trained) -> Iterator[Target]:
    """Numbers first, then IoUs of boxes decoded and measured in every way."""
    yield Target(("", ""), "1", np.ones(len(at.slot)))
    for value in _SMOOTHED:
        words = f"{value:g} (label smoothing)" if value > 0.5 else f"{value:g}"
        yield Target(("", ""), words, np.full(len(at.slot), value))
    for centre, size in decodings(evidence):
        boxes, slope = decode(evidence, centre, size, at)
        for words, measure, label in measures(evidence, at, boxes):
            if words != IOU and centre.mistake and size.mistake:
                break  # three mistakes in one number
            value = measure(boxes, label)

            def through(
                measure: Measure = measure,
                boxes: np.ndarray = boxes,
                label: np.ndarray = label,
                slope: np.ndarray = slope,
                decoded: tuple[Centre, Size] = (centre, size),
            ) -> np.ndarray:
                return by_raw(slopes(measure, boxes, label) * slope, *decoded)

            yield Target((centre.mistake, size.mistake), words, value, through)
            if words == IOU and not (centre.mistake or size.mistake):
                yield Target(("", ""), "the square root of that IoU", np.sqrt(value))


def decodings(evidence: Evidence) -> Iterator[tuple[Centre, Size]]:
    """As published, then with one mistake, then with two."""
    of_centre, of_size = centres(evidence), sizes(evidence)
    pairs = [(centre, size) for centre in of_centre for size in of_size]
    yield from sorted(pairs, key=lambda pair: bool(pair[0].mistake) + bool(pair[1].mistake))


def measures(
    evidence: Evidence, at: Trained, boxes: np.ndarray
) -> Iterator[tuple[str, Measure, np.ndarray]]:
    """(words, how boxes are held against labels, the labels)."""
    cells, corner = evidence.cells[at.slot], evidence.corner[at.slot]
    centre, size = at.box[:, :2], at.box[:, 2:]
    pixels = np.broadcast_to(evidence.pixels, cells.shape)

    def label(centre: np.ndarray = centre, size: np.ndarray = size) -> np.ndarray:
        return np.concatenate([centre, size], axis=-1)

    yield IOU, iou, at.box
    yield "an IoU with half the width and height forgotten", half_forgotten, at.box
    # The labels are wrong.
    for words, held in (
        ("x and y of the target exchanged", label(centre[:, ::-1])),
        ("width and height of the target exchanged", label(size=size[:, ::-1])),
        (
            "x and y of the target exchanged, once they are offsets in the cell",
            label(((centre * cells - corner)[:, ::-1] + corner) / cells),
        ),
        (
            "x and y, and width and height, of the target exchanged",
            label(centre[:, ::-1], size[:, ::-1]),
        ),
        ("the centre of the target in fractions of the picture, not cells", label(centre / cells)),
        (
            "the centre of the target in fractions of the picture, where its place in the cell is "
            "meant",
            label((centre + corner) / cells),
        ),
        ("the upper left corner of the target taken for its centre", label(centre - size / 2)),
        ("the width and height of the target in cells, not fractions", label(size=size * cells)),
        ("the width and height of the target in fractions, not cells", label(size=size / cells)),
        (
            "the width and height of the target in pixels, not cells",
            label(size=size * pixels / cells),
        ),
        ("the width and height of the target in pixels, not fractions", label(size=size * pixels)),
    ):
        yield f"an IoU with {words}", iou, held
    # The formula is.
    yield "the shared area over that of the object (no union)", over_object, at.box
    yield "the shared area over that of the predicted box (no union)", over_prediction, at.box
    yield "an IoU whose union has the shared area twice (not taken off)", over_both, at.box
    yield "an IoU that takes centres for upper left corners", from_corner, at.box
    yield (
        "an IoU with the centre of the predicted box taken from its width, another channel",
        centre_from_width(cells),
        at.box,
    )
    mixed = np.concatenate([cells, np.ones_like(cells)], axis=-1)
    yield (
        "an IoU with centres in cells and sizes in fractions of the picture",
        lambda predicted, label: iou(predicted * mixed, label),
        at.box * mixed,
    )
    yield "GIoU", giou, at.box
    yield "DIoU", diou, at.box
    yield "CIoU", ciou(ciou_weight(boxes, at.box)), at.box


def object_forms(
    evidence: Evidence, at: Trained, numbers: np.ndarray | None = None
) -> Iterator[Form]:
    """Forms of the confidence where there is an object; the gradients are (M, 1), by its logit.

    With (M, 1) `numbers` the target may be any number that they tell.
    """
    raw = at.of(evidence.raw[..., evidence.confidence])
    for target in targets(evidence, at):
        for said, activation in NUMBERS.items():
            value, slope = activation(raw)
            for error, function in CONFIDENCE_ERRORS.items():
                by_value, by_target = function(value, target.value)
                through = None
                if target.slope is not None:
                    through = _Through(by_target, target.slope)
                yield Form(
                    {
                        "activation": said,
                        "error": error,
                        "target": target.words,
                        "decoding of x and y": target.decoding[0],
                        "decoding of w and h": target.decoding[1],
                    },
                    (by_value * slope)[:, None],
                    through,
                )
    yield from _solved(raw, numbers, {"decoding of x and y": "", "decoding of w and h": ""})


def _solved(raw: np.ndarray, numbers: np.ndarray | None, beside: dict[str, str]) -> Iterator[Form]:
    """Forms with the target that the numbers themselves tell: a mixture of 0 and 1."""
    if numbers is None:
        return
    for said, activation in NUMBERS.items():
        value, slope = activation(raw)
        for error in MIXING:
            of_zero, of_one = (
                (ERRORS[error](value, np.full_like(value, wanted))[0] * slope)[:, None]
                for wanted in (0.0, 1.0)
            )
            part = share_of(numbers, of_zero, of_one)
            if part is not None:
                words = f"{part:g} (label smoothing)" if min(part, 1 - part) < 0.4 else f"{part:g}"
                told = {"activation": said, "error": error, "target": words, **beside}
                yield Form(told, (1 - part) * of_zero + part * of_one)


def empty_forms(
    evidence: Evidence, image: np.ndarray, slot: np.ndarray, numbers: np.ndarray | None = None
) -> Iterator[Form]:
    """Forms of the confidence where there is none; the gradients are (M, 1), by its logit."""
    raw = evidence.raw[image, slot, evidence.confidence]
    for said, activation in NUMBERS.items():
        value, slope = activation(raw)
        for wanted in (0.0, 0.1, 0.05, 0.01):
            words = "0" if not wanted else f"{wanted:g} (label smoothing)"
            for error, function in CONFIDENCE_ERRORS.items():
                gradient = function(value, np.full_like(value, wanted))[0] * slope
                said_all = {"activation": said, "error": error, "target": words}
                yield Form(said_all, gradient[:, None])
    yield from _solved(raw, numbers, {})


def overlap_forms(evidence: Evidence, at: Trained) -> Iterator[Form]:
    """Forms of a box term that is 1 less an overlap; the gradients are (M, 4), by the raw box."""
    for centre, size in decodings(evidence):
        if centre.mistake and size.mistake:
            return
        boxes, slope = decode(evidence, centre, size, at)
        kinds = {"IoU": iou, "GIoU": giou, "DIoU": diou, "CIoU": ciou(ciou_weight(boxes, at.box))}
        for name, measure in kinds.items():
            yield Form(
                {
                    "error": f"1 - {name} of the boxes",
                    "decoding of x and y": centre.mistake,
                    "decoding of w and h": size.mistake,
                },
                by_raw(-slopes(measure, boxes, at.box) * slope, centre, size),
            )
