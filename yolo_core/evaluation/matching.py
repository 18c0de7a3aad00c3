"""Which detection finds which object at IoU 0.5, and what every other detection lies on."""

from __future__ import annotations

import dataclasses

import numpy as np

from yolo_core.evaluation.table import Found, Truth
from yolo_core.models.decode import overlaps

IOU = 0.5


@dataclasses.dataclass(frozen=True)
class Matching:
    """What became of the D detections and O objects (see `Found` and `Truth`).

    By COCO's rule: in each sample the surest detection chooses first, of the objects of its class
    that nothing has found the one that it overlaps most, by `IOU` at least. One that finds none
    and lies with that part of its own area in an ignored region of its class is left out.

    Attributes:
        finds: (D,) int64, row of the object that it finds; -1 where it finds none.
        left_out: (D,) bool, neither right nor wrong.
        found_by: (O,) int64, row of the detection that finds it; -1.
        same_iou: (D,) float64, largest IoU with an object of its class, found or not.
        same: (D,) int64, that object; -1 where there is none.
        other_iou: (D,) float64, largest IoU with an object of another class.
        other: (D,) int64, that object; -1.
        region_iou: (D,) float64, largest IoU with an ignored region of its class.
    """

    finds: np.ndarray
    left_out: np.ndarray
    found_by: np.ndarray
    same_iou: np.ndarray
    same: np.ndarray
    other_iou: np.ndarray
    other: np.ndarray
    region_iou: np.ndarray

    @property
    def false(self) -> np.ndarray:
        """(D,) bool: finds no object, and counts."""
        return (self.finds < 0) & ~self.left_out


def match(found: Found, truth: Truth) -> Matching:
    """Matches the detections of every sample with its objects."""
    detections, objects = len(found.sample), len(truth.sample)
    finds, same, other = np.full((3, detections), -1)
    same_iou, other_iou, region_iou = np.zeros((3, detections))
    left_out, found_by = np.zeros(detections, bool), np.full(objects, -1)
    for of_sample, there in samples_of(found, truth):
        iou = overlaps(found.box[of_sample], truth.box[there])
        label = found.class_index[of_sample]
        right = label[:, None] == truth.class_index[there]
        ignored = truth.ignored[there]
        for target, values, mask in (
            (same, same_iou, right & ~ignored),
            (other, other_iou, ~right & ~ignored),
            (None, region_iou, right & ignored),
        ):
            if mask.any():
                masked = np.where(mask, iou, -1.0)
                values[of_sample] = np.maximum(masked.max(axis=1), 0.0)
                if target is not None:
                    best = masked.argmax(axis=1) + there.start
                    target[of_sample] = np.where(mask.any(axis=1), best, -1)
        free = ~ignored
        able = right & (iou >= IOU)
        for row in np.flatnonzero((able & free).any(axis=1)):
            candidates = np.where(able[row] & free, iou[row], 0.0)
            if candidates.max(initial=0.0) > 0:
                at = int(candidates.argmax())
                free[at] = False
                finds[of_sample.start + row] = there.start + at
                found_by[there.start + at] = of_sample.start + row
        if ignored.any():
            inside = _share_inside(found.box[of_sample], truth.box[there]) >= IOU
            lies = (right & ignored & inside).any(axis=1)
            left_out[of_sample] = lies & (finds[of_sample] < 0)
    return Matching(finds, left_out, found_by, same_iou, same, other_iou, other, region_iou)


def samples_of(found: Found, truth: Truth) -> list[tuple[slice, slice]]:
    """The rows of the detections and of the objects of each sample that has detections."""
    names = np.unique(found.sample)
    bounds = [
        [np.searchsorted(column, names, side) for side in ("left", "right")]
        for column in (found.sample, truth.sample)
    ]
    (first, last), (low, high) = bounds
    return [
        (slice(int(a), int(b)), slice(int(c), int(d)))
        for a, b, c, d in zip(first, last, low, high, strict=True)
    ]


def _share_inside(boxes: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """(d, r) part of the area of each box that lies in each region."""
    low, high = (
        bound(
            boxes[:, None, :2] + way * boxes[:, None, 2:],
            regions[None, :, :2] + way * regions[None, :, 2:],
        )
        for bound, way in ((np.maximum, -0.5), (np.minimum, 0.5))
    )
    area = boxes[:, None, 2:].prod(-1)
    shared = np.maximum(high - low, 0).prod(-1)
    return np.divide(shared, area, out=np.zeros_like(shared), where=area > 0)
