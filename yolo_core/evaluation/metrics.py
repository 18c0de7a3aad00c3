"""Average precision by the rules of COCO, as counted by faster-coco-eval."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from yolo_core.models import decode

MAX_DETECTIONS = 100
"""Detections of one class that count in an image, the highest scores first."""

SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""COCO's sizes: least and most area of an object in square pixels."""


def _no_boxes() -> np.ndarray:
    return np.zeros((0, 4))


@dataclasses.dataclass(frozen=True)
class Objects:
    """The ground truth of one image.

    Attributes:
        boxes: (n, 4) x_center, y_center, width, height as image fractions.
        classes: (n,) class indices.
        ignored_boxes: (m, 4), as `boxes`: regions in which a detection of their class that finds
            no object is neither right nor wrong (difficult objects, groups).
        ignored_classes: (m,) class indices.

    Raises:
        ValueError: Boxes and classes do not fit together, as when they are exchanged.
    """

    boxes: np.ndarray
    classes: np.ndarray
    ignored_boxes: np.ndarray = dataclasses.field(default_factory=_no_boxes)
    ignored_classes: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        _check_columns("Objects", self.boxes, classes=self.classes)
        _check_columns("Objects", self.ignored_boxes, ignored_classes=self.ignored_classes)


@dataclasses.dataclass(frozen=True)
class Detections:
    """What a network found in one image.

    Attributes:
        boxes: (n, 4) x_center, y_center, width, height as image fractions.
        scores: (n,) the higher, the surer.
        classes: (n,) class indices.

    Raises:
        ValueError: They do not fit together, as when scores and classes are exchanged.
    """

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray

    def __post_init__(self) -> None:
        _check_columns("Detections", self.boxes, scores=self.scores, classes=self.classes)


def _check_columns(kind: str, boxes: Any, **columns: Any) -> None:
    count = np.shape(boxes)[0] if np.ndim(boxes) else -1
    if np.shape(boxes) != (count, 4):
        raise ValueError(f"{kind} takes boxes of shape (n, 4); received {np.shape(boxes)}.")
    for name, values in columns.items():
        if np.shape(values) != (count,):
            raise ValueError(
                f"{kind} of {count} boxes takes {name} of shape ({count},); "
                f"received {np.shape(values)}."
            )
        if name.endswith("classes") and (np.asarray(values) % 1).any():
            raise ValueError(
                f"{kind} takes class indices as {name}; received {np.asarray(values)[:5].tolist()}."
            )


def objects_in(y_true: np.ndarray) -> list[Objects]:
    """Unpacks label rows (B, N, 5 + C) into the objects of each of the B images."""
    return [
        Objects(rows[rows[:, 0] > 0, 1:5], rows[rows[:, 0] > 0, 5:].argmax(-1))
        for rows in np.asarray(y_true)
    ]


def detections_in(
    boxes: np.ndarray, objectness: np.ndarray, class_probabilities: np.ndarray, keep: np.ndarray
) -> list[Detections]:
    """Collects the slots that `nms_keep` left over.

    Args:
        boxes: (B, P, 4) x_center, y_center, width, height as image fractions.
        objectness: (B, P), 0 to 1.
        class_probabilities: (B, P, C), 0 to 1.
        keep: (B, P) bool.

    Returns:
        The detections of each of the B images.
    """
    score, label = decode.scores(objectness, class_probabilities)
    return [
        Detections(np.asarray(boxes)[image, kept], score[image, kept], label[image, kept])
        for image, kept in enumerate(np.asarray(keep, bool))
    ]


@dataclasses.dataclass(frozen=True)
class Score:
    """Average precision by the rules of COCO; None where there is no object to find.

    Attributes:
        map50: At IoU 0.5.
        map50_95: The mean over IoU 0.50, 0.55, ... 0.95.
        recall: The part of the objects that some detection finds at IoU 0.5.
        objects: How many objects it is of.
    """

    map50: float | None
    map50_95: float | None
    recall: float | None
    objects: int


@dataclasses.dataclass(frozen=True)
class Scores:
    """`Score` over everything, and of parts. Means are over the classes that have objects.

    Attributes:
        whole: Of all objects.
        by_class: (C,) of each class.
        by_size: {"small" (area below 32 x 32 pixels), "medium", "large" (above 96 x 96)}.
    """

    whole: Score
    by_class: tuple[Score, ...]
    by_size: dict[str, Score]


def mean_average_precision(
    detections: Sequence[Detections], objects: Sequence[Objects], *, num_classes: int
) -> dict[str, float]:
    """Compares detections with the ground truth.

    Boxes of one image are compared with each other only, and IoU does not change when width and
    height are measured in other units: the size of the image does not matter here.

    Args:
        detections: One entry an image. Boxes with a number that is not finite are left out, here
            and in `objects`.
        objects: One entry an image, in the same order.
        num_classes: C.

    Returns:
        "map50", the average precision at IoU 0.5; "map50_95", its mean over IoU 0.50, 0.55, ...
        0.95; "recall", the part of the objects that some detection finds at IoU 0.5. Each is the
        mean over the classes that have objects, and 0 where none has.

    Raises:
        ValueError: The two are exchanged, there is not one entry of each for every image, or an
            object's class is not 0 to C - 1.
    """
    counted = _count(detections, objects, num_classes, (1, 1), {})
    whole = _score(counted, slice(None), 0)
    return {name: getattr(whole, name) or 0.0 for name in ("map50", "map50_95", "recall")}


def coco_scores(
    detections: Sequence[Detections],
    objects: Sequence[Objects],
    *,
    num_classes: int,
    image_size: tuple[int, int],
) -> Scores:
    """`mean_average_precision`, by class and by size of the object.

    Args:
        detections: As there.
        objects: As there.
        num_classes: C.
        image_size: Width and height in pixels of what the fractions are of: the sizes are counted
            in these.

    Raises:
        ValueError: As there.
    """
    counted = _count(detections, objects, num_classes, image_size, SIZES)
    return Scores(
        whole=_score(counted, slice(None), 0),
        by_class=tuple(_score(counted, [index], 0) for index in range(num_classes)),
        by_size={name: _score(counted, slice(None), at) for at, name in enumerate(SIZES, start=1)},
    )


@dataclasses.dataclass(frozen=True)
class _Counted:
    """What the library counted: -1 for a class without objects.

    Attributes:
        precision: (10 IoU thresholds, 101 recall levels, C, areas).
        recall: (10, C, areas).
        objects: (C, areas).
    """

    precision: np.ndarray
    recall: np.ndarray
    objects: np.ndarray


def _score(counted: _Counted, classes: Any, area: int) -> Score:
    precision = counted.precision[:, :, classes, area]
    recall = counted.recall[0, classes, area]
    there = recall > -1
    objects = int(counted.objects[classes, area].sum())
    if not there.any():
        return Score(None, None, None, objects)
    return Score(
        float(precision[0][:, there].mean()),
        float(precision[..., there].mean()),
        float(recall[there].mean()),
        objects,
    )


def _count(
    detections: Sequence[Detections],
    objects: Sequence[Objects],
    num_classes: int,
    image_size: tuple[int, int],
    sizes: dict[str, tuple[float, float]],
) -> _Counted:
    for name, entries, kind in (
        ("detections", detections, Detections),
        ("objects", objects, Objects),
    ):
        wrong = next((each for each in entries if not isinstance(each, kind)), None)
        if wrong is not None:
            raise ValueError(
                f"{name} must hold {kind.__name__}, one an image; received "
                f"{type(wrong).__name__}: detections come first, the objects second."
            )
    if len(detections) != len(objects):
        raise ValueError(
            "Detections and objects must be given for the same images; "
            f"received {len(detections)} and {len(objects)} entries."
        )
    regions = [Objects(each.ignored_boxes, each.ignored_classes) for each in objects]
    truth = [
        # The library takes an identifier of 0 for "not matched".
        {
            "id": number,
            "image_id": image,
            "category_id": label,
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": crowd,
        }
        for number, (crowd, (image, label, box, _)) in enumerate(
            (
                *((0, row) for row in _rows(objects, image_size)),
                *((1, row) for row in _rows(regions, image_size)),
            ),
            start=1,
        )
    ]
    wrong = {row["category_id"] for row in truth} - set(range(num_classes))
    if wrong:
        raise ValueError(
            f"Classes of objects must be 0 to {num_classes - 1}; received {sorted(wrong)}."
        )
    areas = [(0.0, 1e10), *sizes.values()]
    counts = np.zeros((num_classes, len(areas)), np.int64)
    for row in truth:
        if not row["iscrowd"]:
            counts[row["category_id"]] += [low <= row["area"] <= high for low, high in areas]
    if not counts[:, 0].any():
        nothing = np.full((10, 101, num_classes, len(areas)), -1.0)
        return _Counted(nothing, nothing[:, 0], counts)
    found = [
        {"image_id": image, "category_id": label, "bbox": box, "score": score}
        for image, label, box, score in _rows(detections, image_size)
    ]
    reference = COCO(
        {
            "images": [{"id": image} for image in range(len(objects))],
            "categories": [{"id": label} for label in range(num_classes)],
            "annotations": truth,
        }
    )
    counting = COCOeval_faster(reference, reference.loadRes(found), "bbox")
    counting.params.maxDets = [MAX_DETECTIONS]
    counting.params.areaRng = [list(each) for each in areas]
    counting.params.areaRngLbl = ["all", *sizes]
    counting.evaluate()
    counting.accumulate()
    return _Counted(counting.eval["precision"][..., 0], counting.eval["recall"][..., 0], counts)


def _rows(
    images: Sequence[Objects | Detections], image_size: tuple[int, int]
) -> Iterator[tuple[int, int, list[float], float]]:
    """Image, class, [left, top, width, height] in pixels and score (1 for an object) of every
    finite box.
    """
    for image, entry in enumerate(images):
        boxes = np.asarray(entry.boxes, np.float64) * np.tile(image_size, 2)
        scores = (
            np.asarray(entry.scores, np.float64)
            if isinstance(entry, Detections)
            else np.ones(len(boxes))
        )
        finite = np.isfinite(boxes).all(-1) & np.isfinite(scores)
        centers, sizes = boxes[finite, :2], np.maximum(boxes[finite, 2:], 0)
        for box, label, score in zip(
            np.concatenate([centers - sizes / 2, sizes], 1).tolist(),
            np.asarray(entry.classes)[finite].tolist(),
            scores[finite].tolist(),
            strict=True,
        ):
            yield image, int(label), box, score
