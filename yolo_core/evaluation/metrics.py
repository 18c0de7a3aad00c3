"""Average precision by the rules of COCO, as counted by faster-coco-eval."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from yolo_core.models import decode

MAX_DETECTIONS = 100
"""Detections of one class that count in an image, the highest scores first."""


@dataclasses.dataclass(frozen=True)
class Objects:
    """The ground truth of one image.

    Attributes:
        boxes: (n, 4) x_center, y_center, width, height as image fractions.
        classes: (n,) class indices.
    """

    boxes: np.ndarray
    classes: np.ndarray


@dataclasses.dataclass(frozen=True)
class Detections:
    """What a network found in one image.

    Attributes:
        boxes: (n, 4) x_center, y_center, width, height as image fractions.
        scores: (n,) the higher, the surer.
        classes: (n,) class indices.
    """

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray


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
        ValueError: There is not one entry of each for every image, or an object's class is not
            0 to C - 1.
    """
    if len(detections) != len(objects):
        raise ValueError(
            "Detections and objects must be given for the same images; "
            f"received {len(detections)} and {len(objects)} entries."
        )
    truth = [
        # The library takes an identifier of 0 for "not matched".
        {
            "id": number,
            "image_id": image,
            "category_id": label,
            "bbox": box,
            "area": box[2] * box[3],
        }
        for number, (image, label, box, _) in enumerate(_rows(objects), start=1)
    ]
    wrong = {row["category_id"] for row in truth} - set(range(num_classes))
    if wrong:
        raise ValueError(
            f"Classes of objects must be 0 to {num_classes - 1}; received {sorted(wrong)}."
        )
    if not truth:
        return {"map50": 0.0, "map50_95": 0.0, "recall": 0.0}
    found = [
        {"image_id": image, "category_id": label, "bbox": box, "score": score}
        for image, label, box, score in _rows(detections)
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
    counting.params.areaRng, counting.params.areaRngLbl = [[0, 1e10]], ["all"]
    counting.evaluate()
    counting.accumulate()
    # (10 IoU thresholds, 101 recall levels, C) and (10, C); -1 for a class without objects.
    precision = counting.eval["precision"][..., 0, 0]
    recall = counting.eval["recall"][..., 0, 0]
    has_objects = recall[0] > -1
    return {
        "map50": float(precision[0][:, has_objects].mean()),
        "map50_95": float(precision[..., has_objects].mean()),
        "recall": float(recall[0, has_objects].mean()),
    }


def _rows(images: Sequence[Objects | Detections]) -> Iterator[tuple[int, int, list[float], float]]:
    """Image, class, [left, top, width, height] and score (1 for an object) of every finite box."""
    for image, entry in enumerate(images):
        boxes = np.asarray(entry.boxes, np.float64).reshape(-1, 4)
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
