"""The box that each slot is trained towards, read off a snapshot: no loss has to be made for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from yolo_core.views import SampleView

_TOLERANCE = 1e-4

Way = Callable[[np.ndarray], np.ndarray]


def target_boxes(view: SampleView) -> np.ndarray | None:
    """Where the slots end up if each predicts what it is trained for.

    The targets "xy" and "wh" are in the units that their term compares (`LossBreakdown`). Which
    those are is found by the predictions, which stand in the snapshot in these units and as boxes.
    Where no predicted centre leaves its cell, none of a target can.

    Returns:
        (P, 4) x_center, y_center, width, height as image fractions, NaN for a slot without a box
        to learn; None where the snapshot does not tell, as the loss's units are none of those
        known, or a prediction is not finite.
    """
    layout, boxes = view.layout, view.predictions["boxes"].astype(np.float64)
    stride = layout.stride.astype(np.float64)
    corner = np.stack([layout.column, layout.row], axis=1) * stride
    prior = layout.prior.astype(np.float64)
    with np.errstate(all="ignore"):
        offsets = _scaled(view, "xy", (boxes[:, :2] - prior[:, :2]) / prior[:, 2:])
        logarithms = _scaled(view, "wh", np.log(boxes[:, 2:] / prior[:, 2:]))
        in_cells: tuple[Way, ...] = (lambda xy: xy * stride, lambda xy: corner + xy * stride)
        centre = _target(
            view,
            "xy",
            boxes[:, :2],
            (*in_cells, lambda xy: xy, lambda xy: prior[:, :2] + offsets * xy * prior[:, 2:]),
        )
        size = _target(
            view,
            "wh",
            boxes[:, 2:],
            (
                lambda wh: wh * stride,
                lambda wh: wh,
                lambda wh: wh**2 * stride,
                lambda wh: wh**2,
                lambda wh: prior[:, 2:] * np.exp(logarithms * wh),
            ),
        )
    if centre is None or size is None:
        return None
    way, centre = centre
    low, high = corner - _TOLERANCE, corner + stride + _TOLERANCE
    # Cells beside an object's own are trained towards a centre outside of them, see `many_slots`.
    beside = view.assignment.candidate_measure == "side ratio"
    if (
        not beside
        and way < len(in_cells)
        and ((boxes[:, :2] >= low) & (boxes[:, :2] <= high)).all()
    ):
        centre = np.clip(centre, corner, corner + stride)
    return np.concatenate([centre, size[1]], axis=1)


def _scaled(view: SampleView, name: str, wanted: np.ndarray) -> float:
    """The factor between what is predicted and what is wanted; NaN where there are no priors."""
    given = view.predictions.get(name, np.zeros(1)).astype(np.float64)
    return float((given * wanted).sum() / (given**2).sum())


def _target(
    view: SampleView, name: str, predicted: np.ndarray, ways: Iterable[Way]
) -> tuple[int, np.ndarray] | None:
    """A target as part of a box, and the number of the way that leads there; None if none does."""
    if name not in view.targets or name not in view.predictions:
        return None
    given = view.predictions[name].astype(np.float64)
    # Among nothing but zeros every way would lead there.
    tolerance = _TOLERANCE * np.abs(predicted).max(initial=0.0)
    for number, way in enumerate(ways):
        if (np.abs(way(given) - predicted) < tolerance).all():
            return number, way(view.targets[name].astype(np.float64))
    return None
