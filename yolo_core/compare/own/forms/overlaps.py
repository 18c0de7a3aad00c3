"""Overlaps of boxes by the formulas that losses use, right and with the mistakes people make."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Measure = Callable[[np.ndarray, np.ndarray], np.ndarray]
_STEP = 1e-6


def iou(boxes: np.ndarray, others: np.ndarray, *, half: float = 0.5) -> np.ndarray:
    """(...) IoU of (..., 4) boxes x_center, y_center, width, height.

    Args:
        boxes: Of the prediction.
        others: Of the labels, in the same unit; they broadcast.
        half: The part of its size that a predicted box reaches to either side of its centre.
    """
    shared = _shared(boxes, others, half)
    union = _area(boxes) + _area(others) - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1.0), 0.0)


def over_object(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(...) the shared area over that of the label, and not over the union."""
    return _shared(boxes, others) / _area(others)


def over_prediction(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(...) the shared area over that of the predicted box, and not over the union."""
    return _shared(boxes, others) / _area(boxes)


def over_both(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(...) the shared area over both areas, from which it was not taken off."""
    return _shared(boxes, others) / (_area(boxes) + _area(others))


def _shared(boxes: np.ndarray, others: np.ndarray, half: float = 0.5) -> np.ndarray:
    low = np.maximum(_low(boxes, half), _low(others))
    high = np.minimum(_high(boxes, half), _high(others))
    return np.prod(np.maximum(high - low, 0.0), axis=-1)


def _low(boxes: np.ndarray, half: float = 0.5) -> np.ndarray:
    return boxes[..., :2] - half * boxes[..., 2:]


def _high(boxes: np.ndarray, half: float = 0.5) -> np.ndarray:
    return boxes[..., :2] + half * boxes[..., 2:]


def _area(boxes: np.ndarray) -> np.ndarray:
    return boxes[..., 2] * boxes[..., 3]


def _hull(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(..., 2) width and height of the smallest box around both."""
    return np.maximum(_high(boxes), _high(others)) - np.minimum(_low(boxes), _low(others))


def giou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(...) IoU less the part of the hull that neither box covers (Rezatofighi et al. 2019)."""
    hull = np.prod(_hull(boxes, others), axis=-1)
    union = _area(boxes) + _area(others) - _shared(boxes, others)
    return iou(boxes, others) - (hull - union) / hull


def diou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(...) IoU less the squared distance of the centres over the hull's (Zheng et al. 2020)."""
    apart = np.square(boxes[..., :2] - others[..., :2]).sum(axis=-1)
    return iou(boxes, others) - apart / np.square(_hull(boxes, others)).sum(axis=-1)


def ciou(weight: np.ndarray) -> Measure:
    """DIoU less the difference of the aspect ratios, by a weight that has no gradient."""

    def measure(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
        return diou(boxes, others) - weight * _aspect(boxes, others)

    return measure


def ciou_weight(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(...) how much the aspect ratio weighs in CIoU."""
    aspect = _aspect(boxes, others)
    return aspect / np.maximum(1 - iou(boxes, others) + aspect, 1e-12)


def _aspect(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    turned = np.arctan(others[..., 2] / others[..., 3]) - np.arctan(boxes[..., 2] / boxes[..., 3])
    return 4 / np.pi**2 * np.square(turned)


def slopes(measure: Measure, boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(M, 4) derivative of a measure by the numbers of the predicted boxes, taken numerically."""
    found = []
    for number in range(4):
        step = _STEP * np.maximum(np.abs(boxes[..., number]), 1e-3)
        up, down = boxes.copy(), boxes.copy()
        up[..., number] += step
        down[..., number] -= step
        found.append((measure(up, others) - measure(down, others)) / (2 * step))
    return np.stack(found, axis=-1)


def half_forgotten(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """IoU with the predicted box reaching its whole size to either side."""
    return iou(boxes, others, half=1.0)


def from_corner(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """IoU with the centres of both taken for their upper left corners."""

    def moved(box: np.ndarray) -> np.ndarray:
        return np.concatenate([box[..., :2] + box[..., 2:] / 2, box[..., 2:]], axis=-1)

    return iou(moved(boxes), moved(others))


def centre_from_width(cells: np.ndarray) -> Measure:
    """IoU with the width taken for both numbers of the predicted centre, in cells of the grid.

    Args:
        cells: (..., 2) columns and rows.
    """

    def measure(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
        places = others[..., :2] * cells
        corner = np.minimum(np.floor(places), cells - 1)
        wrong = (boxes[..., 2:3] + corner) / cells
        return iou(np.concatenate([wrong, boxes[..., 2:]], axis=-1), others)

    return measure
